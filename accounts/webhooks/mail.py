"""Mail to the people of a shop about its webhooks."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from accounts.models import User, WebhookEndpoint
from accounts.webhooks.schedule import DISABLED_AFTER

logger = logging.getLogger(__name__)


def tell_of_disabled(endpoint: WebhookEndpoint) -> None:
    """Write to the people of the tenant who may change webhooks."""
    people = User.objects.filter(
        tenant=endpoint.tenant, is_active=True, user_groups__permissions__contains=["webhooks:write"]
    )
    addresses = sorted(set(people.values_list("email", flat=True)))
    text = render_to_string(
        "accounts/webhooks_disabled.txt",
        {"endpoint": endpoint, "base_url": settings.BASE_URL, "days": DISABLED_AFTER.days},
    )
    try:
        for address in addresses:
            send_mail("A webhook endpoint of yours was disabled", text, None, [address])
    except (SMTPException, OSError) as error:
        logger.error("no mail of a disabled endpoint", extra={"webhook_id": endpoint.webhook_id, "error": str(error)})
