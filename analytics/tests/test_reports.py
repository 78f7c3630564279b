from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from analytics.models import SearchEvent
from analytics.reports import count_searches

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
numbers = count()


def search(tenant, *times):
    for time in times:
        SearchEvent.objects.create(
            tenant=tenant, search_id=f"search-{next(numbers)}", mode="text", results=1, milliseconds=5, created_at=time
        )


def instants_around(edge):
    return edge - timedelta(microseconds=1), edge


def test_a_day_begins_at_midnight(tenant):
    search(tenant, *instants_around(datetime(2026, 3, 20, tzinfo=UTC)), NOON)
    counts = count_searches(tenant, at=NOON)
    assert counts.today == 2
    assert counts.by_day[-2:] == [(datetime(2026, 3, 19, tzinfo=UTC), 1), (datetime(2026, 3, 20, tzinfo=UTC), 2)]
    assert counts.busiest == 2


def test_a_month_begins_with_its_first_day_though_fewer_days_are_shown(tenant):
    search(tenant, *instants_around(datetime(2026, 3, 1, tzinfo=UTC)))
    counts = count_searches(tenant, at=NOON)
    assert (counts.today, counts.month) == (0, 1)
    assert [searches for _, searches in counts.by_day] == [0] * 14


def test_days_before_this_month_are_shown_and_not_counted_in_it(tenant):
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    search(tenant, *instants_around(datetime(2026, 2, 17, tzinfo=UTC)), datetime(2026, 2, 28, tzinfo=UTC), at)
    counts = count_searches(tenant, at=at)
    assert (counts.today, counts.month) == (1, 1)
    shown = {day.date().isoformat(): searches for day, searches in counts.by_day if searches}
    assert shown == {"2026-02-17": 1, "2026-02-28": 1, "2026-03-02": 1}
    assert len(counts.by_day) == 14


@pytest.mark.parametrize("days", [1, 7])
def test_as_many_days_are_shown_as_asked_for(tenant, days):
    by_day = count_searches(tenant, at=NOON, days=days).by_day
    assert [day for day, _ in by_day] == [
        datetime(2026, 3, 20, tzinfo=UTC) - timedelta(days=n) for n in reversed(range(days))
    ]


def test_searches_of_another_tenant_do_not_count(tenant, stranger):
    search(stranger.tenant, NOON)
    counts = count_searches(tenant, at=NOON)
    assert (counts.today, counts.month, counts.busiest) == (0, 0, 0)
