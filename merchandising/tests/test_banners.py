from datetime import UTC, datetime

import pytest

from accounts.models import Tenant
from accounts.revisions import bump_revision
from merchandising.banners import banners_for
from merchandising.models import PromoBanner

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE = datetime(2026, 11, 21, 13, tzinfo=UTC)


@pytest.fixture
def create(tenant):
    def run(title, **fields):
        PromoBanner.objects.create(tenant=tenant, title=title, **fields)
        bump_revision(tenant)

    return run


def titles(tenant, text="", categories=(), at=NOON):
    return [banner.title for banner in banners_for(tenant, text, categories, at)]


def test_three_banners_come_by_priority_and_then_the_newest_first(tenant, create):
    create("older")
    create("newer")
    create("first", priority=1)
    create("last", priority=200)
    assert titles(tenant) == ["first", "newer", "older"]


def test_banners_come_where_they_are_meant_to(tenant, create):
    create("exact", scope_type="query_exact", scope_value="red dress")
    create("contains", scope_type="query_contains", scope_value="red")
    create("category", scope_type="category_match", scope_value="Shoes")
    assert titles(tenant, "Red Dress") == ["contains", "exact"]
    assert titles(tenant, "red", ["SHOES", "bags"]) == ["category", "contains"]
    assert titles(tenant) == []


def test_paused_foreign_and_untimely_banners_stay_away(tenant, stranger, create):
    PromoBanner.objects.create(tenant=stranger.tenant, title="foreign")
    create("paused", active=False)
    create("early", start_at=ONE)
    create("over", end_at=NOON)
    assert titles(tenant) == []
    assert titles(tenant, at=ONE) == ["early"]


def test_banners_cost_one_query_until_they_change(tenant, create, django_assert_num_queries):
    create("sale")
    tenant = Tenant.objects.get(pk=tenant.pk)
    with django_assert_num_queries(1):
        assert titles(tenant) == titles(tenant, "red") == ["sale"]
