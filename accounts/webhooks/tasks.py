"""Calls to the workers of webhooks; the tasks themselves are in `accounts.tasks`."""

import logging
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def call_deliverers() -> None:
    """Tell a worker that deliveries are due. Without a broker they wait until it is back."""
    _call("accounts.tasks.deliver_webhooks")


def call_to_tell_of_disabled(endpoint_pk: int) -> None:
    """Have a worker write to a shop that we have disabled an endpoint. Without a broker nobody writes."""
    _call("accounts.tasks.tell_of_disabled_endpoint", endpoint_pk)


def _call(task: str, *args: Any) -> None:
    try:
        current_app.send_task(task, args)
    except OperationalError as error:
        logger.warning("no broker for webhooks", extra={"task": task, "error": str(error)})
