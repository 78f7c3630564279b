"""Deleting in batches."""

import time
from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from accounts import pruning
from accounts.models import WebhookDelivery, WebhookEvent
from accounts.pruning import delete_in_batches


def create_events(tenant, count):
    long_ago = timezone.now() - timedelta(days=31)
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(tenant=tenant, type="product.deleted", data={}, created_at=long_ago) for _ in range(count)
    )
    WebhookDelivery.objects.bulk_create(WebhookDelivery(tenant=tenant, event=event) for event in events)


def test_rows_go_with_what_refers_to_them_a_batch_a_transaction(tenant, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    create_events(tenant, 5)
    WebhookEvent.objects.create(tenant=tenant, type="product.deleted", data={})
    assert delete_in_batches(WebhookEvent.expired(), ends_at=time.monotonic() + 60) == 10
    assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count()) == (1, 0)


def test_what_there_is_no_time_for_is_left(tenant, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 2)
    create_events(tenant, 5)
    moments = iter([0, 1, 2])
    monkeypatch.setattr(pruning, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    assert delete_in_batches(WebhookEvent.expired(), ends_at=2) == 8
    assert WebhookEvent.objects.count() == 1
