"""What staff repairs counts at the tenant's next search, as what the tenant changes does."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conftest import PASSWORD
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet


@pytest.fixture
def desk(db, settings):
    settings.STAFF_REQUIRE_2FA = False
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.com", PASSWORD))
    return client


@pytest.fixture
def rows(tenant):
    """A row of each kind, and what its form sends when a little is changed."""
    scheduled = {"scope_type": "always", "priority": 7}
    return [
        (
            MerchandisingRule.objects.create(
                tenant=tenant, rule_type="boost", boost_multiplier=2, product_ids=["a, b", "c"]
            ),
            scheduled | {"rule_type": "boost", "boost_multiplier": "1.5", "product_ids": "a, b\r\nc\r\nd"},
            {"priority": 7, "boost_multiplier": 1.5, "product_ids": ["a, b", "c", "d"], "active": False},
        ),
        (
            PromoBanner.objects.create(tenant=tenant, title="Sail"),
            scheduled
            | {"title": "Sale", "position": "top", "background_color": "#000000", "foreground_color": "#ffffff"},
            {"title": "Sale", "priority": 7, "active": False},
        ),
        (
            SynonymSet.objects.create(tenant=tenant, words=["sofa", "couch"]),
            {"synonym_type": "two_way", "words": "sofa\ncouch\nsettee", "active": "on"},
            {"words": ["sofa", "couch", "settee"], "active": True},
        ),
    ]


def address(row, page):
    return reverse(f"admin:merchandising_{row._meta.model_name}_{page}", args=[row.pk])


def test_what_staff_changes_counts_at_once(desk, tenant, rows):
    for number, (row, form, expected) in enumerate(rows, 1):
        response = desk.post(address(row, "change"), form)
        assert response.status_code == 302, response.context["errors"]
        row.refresh_from_db()
        tenant.refresh_from_db()
        assert {name: getattr(row, name) for name in expected} == expected
        assert tenant.revision == number


def test_what_staff_deletes_is_gone_at_once(desk, tenant, rows):
    for number, (row, _, _) in enumerate(rows, 1):
        desk.post(address(row, "delete"), {"post": "yes"})
        tenant.refresh_from_db()
        assert not type(row).objects.exists()
        assert tenant.revision == number


def test_deleting_ticked_rows_tells_each_tenant_once(desk, tenant, stranger):
    ours = [PromoBanner.objects.create(tenant=tenant, title=title) for title in "ab"]
    theirs = PromoBanner.objects.create(tenant=stranger.tenant, title="c")
    form = {"action": "delete_selected", "_selected_action": [row.pk for row in (*ours, theirs)], "post": "yes"}
    desk.post(reverse("admin:merchandising_promobanner_changelist"), form)
    tenant.refresh_from_db()
    stranger.tenant.refresh_from_db()
    assert not PromoBanner.objects.exists()
    assert (tenant.revision, stranger.tenant.revision) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule_type": "pin"}, "A boost needs a multiplier from 0.01 to 5, and nothing else takes one."),
        ({"scope_type": "query_exact"}, "Every scope but always needs a value, and always takes none."),
        ({"product_ids": ""}, "This field is required."),
    ],
)
def test_what_cannot_be_saved_is_told(desk, tenant, rows, fields, message):
    row, form, _ = rows[0]
    response = desk.post(address(row, "change"), form | fields)
    assert response.status_code == 200
    assert message in response.content.decode()
    tenant.refresh_from_db()
    assert tenant.revision == 0
