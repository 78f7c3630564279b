import pytest

from accounts.models import Tenant
from billing.limits import PlanLimitReached, plan_of, require_room
from billing.models import Plan


def test_a_tenant_is_on_the_plan_of_its_subscription(tenant):
    assert plan_of(tenant).name == "premium"


def test_a_tenant_without_a_subscription_is_on_the_free_plan(db):
    tenant, _ = Tenant.objects.create_tenant(name="New shop")
    assert plan_of(tenant).name == "free"


def test_a_plan_has_room_up_to_its_limit():
    require_room(Plan(title="Free", max_products=100), used=60, wanted=40)


def test_one_product_above_the_limit_is_refused():
    with pytest.raises(PlanLimitReached, match="1,000 products; 960 are used and 41 more were sent"):
        require_room(Plan(title="Free", max_products=1000), used=960, wanted=41)


def test_a_plan_without_a_limit_has_room_for_everything():
    require_room(Plan(title="Enterprise", max_products=None), used=10_000_000, wanted=10_000_000)
