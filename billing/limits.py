"""What a tenant's plan has room for."""

from rest_framework import exceptions

from accounts.models import Tenant
from billing.models import Plan


class PlanLimitReached(exceptions.PermissionDenied):
    default_code = "plan_limit_reached"


def plan_of(tenant: Tenant) -> Plan:
    """Return the plan of a tenant; without a subscription it is the free one."""
    return Plan.objects.filter(subscriptions__tenant=tenant).first() or Plan.objects.get(name=Plan.FREE)


def require_room(plan: Plan, *, used: int, wanted: int) -> None:
    """Raise PlanLimitReached unless the plan has room for `wanted` products beside the `used` ones."""
    if plan.max_products is not None and used + wanted > plan.max_products:
        raise PlanLimitReached(
            f"{plan.title} allows {plan.max_products:,} products; {used:,} are used and {wanted:,} more were sent. "
            "Delete products or choose a larger plan."
        )
