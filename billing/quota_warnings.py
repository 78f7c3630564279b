"""Telling a tenant in time that what its plan allows is nearly used up."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_event, timestamp
from billing.limits import plan_of
from billing.models import QuotaWarning

# Of a limit, in percent; each is told of once.
STEPS = (80, 100)


def warn_of_quota(tenant: Tenant, resource: str, used: int, limit: int | None) -> None:
    """Tell a tenant's endpoints, once for each step, that so much of a limit is used; below the first it costs nothing.

    No limit is never reached. Another limit is told of anew.
    """
    if not limit:
        return
    for percent in STEPS:
        if 100 * used >= percent * limit:
            _warn_once(tenant, resource, used, limit, percent)


@transaction.atomic
def _warn_once(tenant: Tenant, resource: str, used: int, limit: int, percent: int) -> None:
    _, is_new = QuotaWarning.objects.get_or_create(tenant=tenant, resource=resource, limit=limit, percent=percent)
    if is_new:
        data = {
            "resource": resource,
            "used": used,
            "limit": limit,
            "percent": percent,
            "plan": plan_of(tenant).name,
            "warned_at": timestamp(timezone.now()),
        }
        record_event(tenant, EventType.QUOTA_WARNING, data)
