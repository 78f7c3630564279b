"""Figures read from what happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.models import Tenant
from analytics.models import FeedbackEvent, SearchEvent
from analytics.popularity import count_actions
from analytics.vocabulary import count_queries

TOP_QUERIES = 10


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
    midnight = _midnight(at)
    month_start = midnight.replace(day=1)
    first_day = midnight - timedelta(days=days - 1)
    events = SearchEvent.objects.filter(tenant=tenant, created_at__gte=min(month_start, first_day))
    counts = events.aggregate(
        today=Count("pk", filter=Q(created_at__gte=midnight)),
        month=Count("pk", filter=Q(created_at__gte=month_start)),
    )
    by_day = _count_by_day(events.filter(created_at__gte=first_day), first_day, days)
    return SearchCounts(today=counts["today"], month=counts["month"], by_day=by_day)


def report_searches(tenant: Tenant, *, at: datetime, days: int) -> dict[str, Any]:
    """Return the figures of the last days, of which today is one; rates are 0 to 1, and 0 without a search."""
    first_day = _midnight(at) - timedelta(days=days - 1)
    events = SearchEvent.objects.filter(tenant=tenant, created_at__gte=first_day)
    figures = events.aggregate(
        searches=Count("pk"), latency=Avg("milliseconds"), empty=Count("pk", filter=Q(results=0))
    )
    total = figures["searches"]
    return {
        "total_searches": total,
        "avg_latency_ms": round(figures["latency"] or 0.0, 1),
        "zero_result_searches": figures["empty"],
        "zero_result_rate": _share(figures["empty"], total),
        "by_day": [{"date": day.date(), "searches": count} for day, count in _count_by_day(events, first_day, days)],
        "by_type": dict(events.values_list("mode").annotate(count=Count("pk")).order_by("-count", "mode")),
        "top_queries": list(count_queries(events).values("query", "count")[:TOP_QUERIES]),
        "conversion": _report_conversion(tenant, events, first_day, total),
    }


def _report_conversion(tenant: Tenant, events: QuerySet[SearchEvent], since: datetime, total: int) -> dict[str, Any]:
    """Count all feedback; rates and revenue are of what names one of these searches."""
    feedback = FeedbackEvent.objects.filter(tenant=tenant, created_at__gte=since)
    attributed = feedback.filter(Exists(events.filter(search_id=OuterRef("search_id"))))
    followed = attributed.aggregate(
        clicked=Count("search_id", distinct=True, filter=Q(action=FeedbackEvent.Action.CLICK)),
        bought=Count("search_id", distinct=True, filter=Q(action=FeedbackEvent.Action.PURCHASE)),
    )
    return feedback.aggregate(**count_actions()) | {
        "click_through_rate": _share(followed["clicked"], total),
        "conversion_rate": _share(followed["bought"], total),
        "revenue": _sum_orders(attributed.exclude(order_value=None)),
    }


def _sum_orders(purchases: QuerySet[FeedbackEvent]) -> list[dict[str, Any]]:
    """Return the orders and their value by currency; an order whose products are reported one by one counts once."""
    earlier = purchases.filter(order_id=OuterRef("order_id"), pk__lt=OuterRef("pk"))
    orders = purchases.exclude(~Q(order_id="") & Exists(earlier))
    rows = orders.values("currency").annotate(amount=Sum("order_value"), orders=Count("pk")).order_by("currency")
    return [dict(row) for row in rows]


def _count_by_day(events: QuerySet[SearchEvent], first_day: datetime, days: int) -> list[tuple[datetime, int]]:
    counted: Iterable[tuple[Any, int]] = (
        events.annotate(day=TruncDate("created_at")).values_list("day").annotate(Count("pk")).order_by("day")
    )
    found = dict(counted)
    return [(day, found.get(day.date(), 0)) for day in (first_day + timedelta(days=n) for n in range(days))]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _share(part: int, total: int) -> float:
    return round(part / total, 4) if total else 0.0
