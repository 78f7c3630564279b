"""What moderation has seen in the last days: how much, of what, and how the scores lie, to choose thresholds by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Tenant
from catalog.moderation.scores import CATEGORIES

WEEK = 7
# Of the scores of each category, from 0 to 1.
BINS = 20
EDGES = tuple(round(edge / BINS, 2) for edge in range(BINS + 1))

COUNTS: Mapping[str, Count] = {
    "scans": Count("pk"),
    "flagged": Count("pk", filter=Q(would_block=True)),
    "blocked": Count("pk", filter=Q(blocked=True)),
}

_DISTRIBUTION = """
SELECT score.key, least(width_bucket(score.value::float, 0, 1, %(bins)s), %(bins)s), count(*)
FROM catalog_moderationevent, jsonb_each_text(scores) AS score
WHERE tenant_id = %(tenant)s AND created_at >= %(since)s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Tally:
    """Pictures that were judged, those of them that enforcing would refuse, and those that were refused."""

    scans: int = 0
    flagged: int = 0
    blocked: int = 0


@dataclass(frozen=True)
class Summary:
    """What was judged in some days: in all, by UTC day, flags by category, and counts of scores between EDGES."""

    days: int
    total: Tally
    by_day: Mapping[date, Tally]
    by_category: Mapping[str, Tally]
    distribution: Mapping[str, Sequence[int]]


def summarise(tenant: Tenant, *, days: int = WEEK) -> Summary:
    """Return what moderation has seen of a tenant in the last days; `scans` by category are pictures with a score."""
    since = timezone.now() - timedelta(days=days)
    events = tenant.moderation_events.filter(created_at__gte=since).order_by()
    distribution = _distribution(tenant, since)
    flags = {row["category"]: row for row in events.values("category").annotate(**COUNTS)}
    by_day = events.annotate(day=TruncDate("created_at")).values("day").annotate(**COUNTS).order_by("day")
    return Summary(
        days=days,
        total=_tally(events.aggregate(**COUNTS)),
        by_day={row["day"]: _tally(row) for row in by_day},
        by_category={name: replace(_tally(flags.get(name, {})), scans=sum(distribution[name])) for name in CATEGORIES},
        distribution=distribution,
    )


def _tally(row: Mapping[str, Any]) -> Tally:
    return Tally(**{name: row.get(name, 0) for name in COUNTS})


def _distribution(tenant: Tenant, since: datetime) -> dict[str, list[int]]:
    found = {name: [0] * BINS for name in CATEGORIES}
    with connection.cursor() as cursor:
        cursor.execute(_DISTRIBUTION, {"tenant": tenant.pk, "since": since, "bins": BINS})
        for category, bucket, count in cursor.fetchall():
            if category in found:
                found[category][bucket - 1] = count
    return found
