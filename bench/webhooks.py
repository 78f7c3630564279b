"""How many webhooks the worker delivers a second to receivers on loopback."""

import time
from dataclasses import dataclass

from django.db import transaction

from accounts.models import Tenant, WebhookDelivery
from accounts.revisions import bump_revision
from accounts.webhooks.events import EventType, record_events
from accounts.webhooks.signing import new_secret
from trooply.testing.webhook_receiver import WebhookReceiver

ENDPOINTS = 4
POLL_SECONDS = 0.05
# A worker that delivers nothing for so long is lost.
PATIENCE_SECONDS = 60.0
METADATA = {"name": "Blue Running Sneaker", "category": "footwear", "brand": "SportMax", "price": 89.99}


@dataclass(frozen=True)
class WebhookSpeed:
    """`deliveries` to some endpoints of one shop, and the seconds from the commit of their events to the last of them.

    `repeated` are requests that reached a receiver a second time.
    """

    deliveries: int
    endpoints: int
    seconds: float
    repeated: int

    @property
    def per_second(self) -> float:
        return self.deliveries / self.seconds


def measure_webhooks(tenant: Tenant, events: int) -> WebhookSpeed:
    """Tell four endpoints of so many products each, while the worker program runs, until all have been accepted."""
    with WebhookReceiver() as receiver:
        with transaction.atomic():
            bump_revision(tenant)
            for number in range(ENDPOINTS):
                tenant.webhook_endpoints.create(url=receiver.url(f"/{number}"), events=["*"], secret=new_secret())
            record_events(tenant, EventType.PRODUCT_INDEXED, map(_indexed, range(events)))
        started = time.perf_counter()
        _wait_until_delivered(tenant)
        seconds = time.perf_counter() - started
        requests = len(receiver.received)
    deliveries = events * ENDPOINTS
    return WebhookSpeed(deliveries, ENDPOINTS, seconds, repeated=requests - deliveries)


def _indexed(number: int) -> dict[str, object]:
    return {
        "product_id": f"shoe-{number}",
        "vector_id": f"vec_{number}",
        "image_url": f"https://shop.example/shoes/{number}.jpg",
        "metadata": METADATA,
        "indexed_at": "2026-02-27T10:30:00Z",
    }


def _wait_until_delivered(tenant: Tenant) -> None:
    waiting, deadline = -1, 0.0
    undelivered = WebhookDelivery.objects.filter(tenant=tenant).exclude(status=WebhookDelivery.Status.DELIVERED)
    while left := undelivered.count():
        if left != waiting:
            waiting, deadline = left, time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > deadline:
            raise RuntimeError(f"The worker delivers nothing more, and {left} webhooks are left; see worker.log.")
        time.sleep(POLL_SECONDS)
