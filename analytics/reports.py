"""Figures read from what happened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from accounts.models import Tenant
from analytics.models import SearchEvent


@dataclass(frozen=True)
class SearchCounts:
    """Searches of today and of this calendar month, and of each of the last days, oldest first."""

    today: int
    month: int
    by_day: list[tuple[datetime, int]]

    @property
    def busiest(self) -> int:
        """The searches of the busiest of these days."""
        return max(count for _, count in self.by_day)


def count_searches(tenant: Tenant, *, at: datetime, days: int = 14) -> SearchCounts:
    """Return how often a tenant's products were searched; days and months are those of UTC."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    month_start = midnight.replace(day=1)
    first_day = midnight - timedelta(days=days - 1)
    events = SearchEvent.objects.filter(tenant=tenant, created_at__gte=min(month_start, first_day))
    counts = events.aggregate(
        today=Count("pk", filter=Q(created_at__gte=midnight)),
        month=Count("pk", filter=Q(created_at__gte=month_start)),
    )
    found = dict(
        events.filter(created_at__gte=first_day)
        .annotate(day=TruncDate("created_at"))
        .values_list("day")
        .annotate(Count("pk"))
        .order_by("day")
    )
    by_day = [(day, found.get(day.date(), 0)) for day in (first_day + timedelta(days=n) for n in range(days))]
    return SearchCounts(today=counts["today"], month=counts["month"], by_day=by_day)
