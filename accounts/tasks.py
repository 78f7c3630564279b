"""Background work of accounts; each task calls one function."""

from celery import shared_task

from accounts.models import WebhookEndpoint
from accounts.webhooks.delivery import deliver_in_turn
from accounts.webhooks.mail import tell_of_disabled


@shared_task
def deliver_webhooks() -> None:
    """Deliver the webhooks that are due for a while, then queue up again."""
    if deliver_in_turn():
        deliver_webhooks.delay()


@shared_task
def tell_of_disabled_endpoint(pk: int) -> None:
    """Write to the people of a shop that one of its endpoints was disabled, unless it is deleted already."""
    if (endpoint := WebhookEndpoint.objects.filter(pk=pk).first()) is not None:
        tell_of_disabled(endpoint)
