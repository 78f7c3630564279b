"""What the killings did, as a table."""

from collections.abc import Sequence

from bench.chaos.cases import Outcome
from bench.markdown import table

HEADER = ("killed", "processes", "products", "seconds", "lost", "twice", "events lost", "under two ids", "repeated")


def write_report(outcomes: Sequence[Outcome]) -> str:
    """Return a Markdown table with a row for each program that was killed."""
    return table(HEADER, [_row(outcome) for outcome in outcomes])


def _row(outcome: Outcome) -> list[str]:
    counts = (
        outcome.killed,
        outcome.sent,
        round(outcome.seconds),
        outcome.products_lost,
        outcome.products_twice,
        outcome.events_lost,
        outcome.events_with_two_ids,
        outcome.deliveries_repeated,
    )
    return [outcome.victim, *map(str, counts)]
