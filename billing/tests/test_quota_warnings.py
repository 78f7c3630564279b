import pytest

from accounts.models import WebhookEvent
from accounts.revisions import bump_revision
from billing.quota_warnings import warn_of_quota


@pytest.fixture(autouse=True)
def _endpoint(tenant):
    tenant.webhook_endpoints.create(url="https://shop.example/hook", events=["quota.warning"], secret="s" * 24)
    bump_revision(tenant)


def told():
    return [(event.data["percent"], event.data["used"]) for event in WebhookEvent.objects.order_by("pk")]


def test_four_fifths_and_the_whole_of_a_limit_are_told_once(tenant):
    for used in (79, 80, 81, 100, 100):
        warn_of_quota(tenant, "products", used, 100)
    assert told() == [(80, 80), (100, 100)]


def test_a_warning_says_what_is_used_and_by_which_plan(tenant):
    warn_of_quota(tenant, "products", 80, 100)
    event = WebhookEvent.objects.get()
    warned_at = event.data.pop("warned_at")
    assert (len(warned_at), warned_at[10], warned_at[-1]) == (20, "T", "Z")
    assert event.type == "quota.warning"
    assert event.data == {"resource": "products", "used": 80, "limit": 100, "percent": 80, "plan": "premium"}


def test_another_limit_is_told_of_anew(tenant):
    warn_of_quota(tenant, "products", 90, 100)
    warn_of_quota(tenant, "products", 90, 110)
    assert told() == [(80, 90), (80, 90)]


@pytest.mark.parametrize(("used", "limit"), [(79, 100), (10**6, None)])
def test_what_is_far_from_its_limit_costs_no_query(tenant, used, limit, django_assert_num_queries):
    with django_assert_num_queries(0):
        warn_of_quota(tenant, "products", used, limit)
