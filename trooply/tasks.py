"""Housekeeping over all apps."""

import logging
import time
from typing import Any

from celery import shared_task
from django.core.management import call_command

from accounts.models import IdempotentRequest, WebhookEvent
from accounts.pruning import delete_in_batches
from analytics.models import FeedbackEvent, SearchEvent
from catalog.export.parts import discard_expired_exports
from catalog.models import Job, JobItem, ModerationEvent
from search.models import ChatThread

logger = logging.getLogger(__name__)

# A job goes after its items, of which there may be a million.
PRUNED: tuple[Any, ...] = (
    IdempotentRequest,
    WebhookEvent,
    JobItem,
    Job,
    SearchEvent,
    FeedbackEvent,
    ChatThread,
    ModerationEvent,
)
# Seconds for all of them; a task has half a minute (CELERY_TASK_TIME_LIMIT).
PRUNING = 15.0


@shared_task
def prune() -> None:
    """Delete what is kept for a time only; what is too much for one time, soon after."""
    ends_at = time.monotonic() + PRUNING
    logger.info("pruned", extra={"model": "export", "rows": discard_expired_exports()})
    call_command("clearsessions")
    deleted = 0
    for place, model in enumerate(PRUNED):
        # Of the time that is left, so that nobody's many rows keep others from being pruned.
        share = (ends_at - time.monotonic()) / (len(PRUNED) - place)
        rows = delete_in_batches(model.expired(), ends_at=time.monotonic() + share)
        logger.info("pruned", extra={"model": model.__name__, "rows": rows})
        deleted += rows
    # What is left though nothing could be deleted is locked by somebody, and has time.
    if deleted and any(model.expired().exists() for model in PRUNED):
        prune.delay()
