"""Whoever changes configuration locks the tenant before its rows: else two could wait for each other for ever."""

import threading
import time

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Tenant, User
from catalog.models import CustomField
from conftest import PASSWORD
from merchandising.models import PromoBanner
from search.models import SearchConfig
from search.ranking import Weights
from trooply.testing.database import database_url

WEIGHTS = {"visual_similarity": 40, "product_type": 60, "popularity": 0, "category_match": 0, "shape": 0, "color": 0}


@pytest.fixture
def desk(transactional_db, settings):
    settings.STAFF_REQUIRE_2FA = False
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    return client


class Request(threading.Thread):
    """A request of another process, as it were: on connections of its own."""

    def __init__(self, send):
        super().__init__()
        self.send, self.status = send, None

    def run(self):
        try:
            self.status = self.send().status_code
        finally:
            connections.close_all()

    def wait_for_lock(self):
        """Wait until the request waits for a lock that this connection holds."""
        with connection.cursor() as cursor:
            while self.is_alive():
                cursor.execute(
                    "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                )
                if cursor.fetchone() is not None:
                    return
                time.sleep(0.01)
        raise AssertionError(f"the request waits for no lock, and answers {self.status}")


def banner(tenant):
    return PromoBanner.objects.create(tenant=tenant, title="Sale")


def field(tenant):
    return CustomField.objects.create(tenant=tenant, key="season", display_name="Season", type="string")


def config(tenant):
    return SearchConfig.objects.create(tenant=tenant, **vars(Weights()))


def banner_form(row):
    colors = {"background_color": "#000000", "foreground_color": "#ffffff"}
    return {"title": "Sail", "position": "top", "scope_type": "always", "priority": 7, **colors}


def page(row, name):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def ticked(row):
    return {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}


def listed(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")


@pytest.mark.parametrize(
    ("create", "change", "status"),
    [
        (banner, lambda api, desk, row: api.patch(f"/v1/promo-banners/{row.pk}", {"title": "Sail"}), 200),
        (banner, lambda api, desk, row: api.delete(f"/v1/promo-banners/{row.pk}"), 204),
        (banner, lambda api, desk, row: desk.post(page(row, "change"), banner_form(row)), 302),
        (banner, lambda api, desk, row: desk.post(page(row, "delete"), {"post": "yes"}), 302),
        (banner, lambda api, desk, row: desk.post(listed(row), ticked(row)), 302),
        (field, lambda api, desk, row: api.patch(f"/v1/custom-fields/{row.key}", {"display_name": "When"}), 200),
        (field, lambda api, desk, row: api.delete(f"/v1/custom-fields/{row.key}"), 204),
        (field, lambda api, desk, row: desk.post(page(row, "change"), {"display_name": "When"}), 302),
        (field, lambda api, desk, row: desk.post(page(row, "delete"), {"post": "yes"}), 302),
        (config, lambda api, desk, row: api.patch("/v1/search-config", {"weights": WEIGHTS}), 200),
        (config, lambda api, desk, row: desk.post(page(row, "change"), WEIGHTS), 302),
        (config, lambda api, desk, row: desk.post(page(row, "delete"), {"post": "yes"}), 302),
        (config, lambda api, desk, row: desk.post(listed(row), ticked(row)), 302),
    ],
)
def test_a_row_is_not_locked_before_its_tenant(desk, owner, create, change, status):
    row = create(owner.tenant)
    request = Request(lambda: change(owner.client, desk, row))
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=owner.tenant.pk)
        request.start()
        try:
            request.wait_for_lock()
            type(row).objects.select_for_update(nowait=True).get(pk=row.pk)
        except DatabaseError as error:
            raise AssertionError("the row is locked") from error
    request.join()
    assert request.status == status


def test_of_two_that_declare_the_last_custom_field_one_is_refused(transactional_db, owner):
    fields = [CustomField(tenant=owner.tenant, key=f"f{number}", type="string") for number in range(99)]
    CustomField.objects.bulk_create(fields)
    body = {"key": "mine", "display_name": "Mine", "type": "string"}
    request = Request(lambda: owner.client.post("/v1/custom-fields", body))
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=owner.tenant.pk)
        request.start()
        request.wait_for_lock()
        CustomField.objects.create(tenant=owner.tenant, key="theirs", display_name="Theirs", type="string")
    request.join()
    assert (request.status, CustomField.objects.count()) == (422, 100)


def test_a_statement_that_takes_too_long_is_told_as_such(transactional_db, owner):
    row = banner(owner.tenant)
    with psycopg.connect(database_url()) as other, connection.cursor() as cursor:
        other.execute("SELECT FROM accounts_tenant WHERE id = %s FOR NO KEY UPDATE", [owner.tenant.pk])
        cursor.execute("SET statement_timeout = '300ms'")
        response = owner.client.delete(f"/v1/promo-banners/{row.pk}")
        cursor.execute("RESET statement_timeout")
    assert (response.status_code, response.json()["error"], response["Retry-After"]) == (503, "took_too_long", "10")
    assert response.json()["retryable"] is True
    assert PromoBanner.objects.exists()
