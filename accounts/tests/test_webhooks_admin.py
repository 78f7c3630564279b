"""Staff see webhooks and mend them, and never see a secret."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from conftest import PASSWORD

SECRET = "a-secret-of-the-shop"


@pytest.fixture
def desk(db, settings):
    settings.STAFF_REQUIRE_2FA = False
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    return client


@pytest.fixture
def endpoint(tenant):
    return tenant.webhook_endpoints.create(url="https://example.com/hooks", events=["*"], secret=SECRET)


@pytest.fixture
def delivery(tenant, endpoint):
    event = WebhookEvent.objects.create(tenant=tenant, type="product.deleted", data={"product_id": "shoe-001"})
    return endpoint.deliveries.create(tenant=tenant, event=event, status="failed", attempts=10)


def act(desk, row, action):
    fields = {"action": action, "_selected_action": [row.pk], "confirmed": "yes"}
    return desk.post(reverse(f"admin:accounts_{row._meta.model_name}_changelist"), fields, follow=True)


@pytest.mark.parametrize("is_readable", [True, False])
def test_every_list_and_page_answers_without_a_secret(desk, endpoint, delivery, is_readable):
    if not is_readable:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_webhookendpoint SET secret = 'of another key'")
    for row in (endpoint, delivery, delivery.event):
        name = f"admin:accounts_{row._meta.model_name}"
        for path in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            page = desk.get(path)
            assert page.status_code == 200
            assert SECRET not in page.content.decode()


def test_staff_disable_and_enable_an_endpoint(desk, endpoint):
    for action, state in (("disable", "disabled"), ("enable", "active")):
        act(desk, endpoint, action)
        assert WebhookEndpoint.objects.get().state == state
    assert list(AuditEntry.objects.values_list("actor", "action").distinct()) == [
        ("staff staff@example.com", "webhook.updated")
    ]


def test_staff_deliver_once_more(desk, delivery):
    act(desk, delivery, "redeliver")
    row = WebhookDelivery.objects.get()
    assert (row.status, row.attempts) == ("pending", 0)
    assert AuditEntry.objects.get().action == "webhook.redelivered"
