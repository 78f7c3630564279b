"""Housekeeping over all apps."""

import logging

from celery import shared_task
from django.core.management import call_command

from accounts.models import IdempotentRequest
from analytics.models import FeedbackEvent, SearchEvent
from catalog.models import Job
from search.models import ChatThread

logger = logging.getLogger(__name__)


@shared_task
def prune() -> None:
    """Delete what is kept for a time only."""
    for model in (IdempotentRequest, Job, SearchEvent, FeedbackEvent, ChatThread):
        logger.info("pruned", extra={"model": model.__name__, "rows": model.prune()})
    call_command("clearsessions")
