"""A delivery as it goes over the wire."""

import json
import logging
from typing import Any

from cryptography.fernet import InvalidToken
from django.utils import timezone

from accounts.models import CallbackSecret, Tenant, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.events import timestamp
from accounts.webhooks.sending import Message
from accounts.webhooks.signing import new_secret

logger = logging.getLogger(__name__)


def message_of(delivery: WebhookDelivery) -> Message:
    """Return what the next attempt of a delivery sends."""
    endpoint = delivery.endpoint
    return Message(
        url=endpoint.url if endpoint else delivery.callback_url,
        message_id=delivery.event.event_id,
        body=json.dumps(payload_of(delivery), ensure_ascii=False, separators=(",", ":")).encode(),
        attempt=delivery.attempts + 1,
        signed_by=_secrets_of(delivery),
    )


def payload_of(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return the body: an envelope round the event's data for an endpoint, a job's report alone for a callback."""
    event, endpoint = delivery.event, delivery.endpoint
    if endpoint is None:
        return dict(event.data)
    return {
        "id": event.event_id,
        "type": event.type,
        "event": event.type,
        "timestamp": timestamp(event.created_at),
        "webhook_id": endpoint.webhook_id,
        "data": event.data,
    }


def callback_secret_of(tenant: Tenant) -> str:
    """Return the secret that signs the callbacks of a tenant's jobs, and make it if there is none yet."""
    row, _ = CallbackSecret.objects.get_or_create(tenant=tenant, defaults={"secret": new_secret()})
    return str(row.secret)


def _secrets_of(delivery: WebhookDelivery) -> tuple[str, ...]:
    """Return the secrets that sign a delivery, or none when they cannot be decrypted."""
    try:
        return _secrets_of_endpoint(delivery.endpoint) if delivery.endpoint else (callback_secret_of(delivery.tenant),)
    except InvalidToken:
        logger.error("a secret of webhooks cannot be read", extra={"delivery_id": delivery.delivery_id})
        return ()


def _secrets_of_endpoint(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    expires_at = endpoint.previous_secret_expires_at
    if endpoint.previous_secret and expires_at is not None and timezone.now() < expires_at:
        return endpoint.secret, endpoint.previous_secret
    return (endpoint.secret,)
