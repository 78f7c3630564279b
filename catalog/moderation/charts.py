"""How the scores of a category lie, as a chart; lengths are per cent of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from catalog.moderation.summary import BINS

TALLEST = 92.0
WIDTH = 100 / BINS


@dataclass(frozen=True)
class Bar:
    """The pictures whose score lies in one part of the axis; `is_over` where a part of them is flagged."""

    left: float
    width: float
    top: float
    height: float
    is_over: bool


def bars_of(counts: Sequence[int], threshold: float) -> list[Bar]:
    """Return the bars of counts between 0 and 1, as high as the square root of each.

    Nearly all pictures are ordinary: drawn to scale, the few that matter would not be seen.
    """
    tallest = sqrt(max(counts)) or 1.0
    return [
        Bar(
            left=round(place * WIDTH, 2),
            width=WIDTH,
            top=round(100 - TALLEST * sqrt(count) / tallest, 2),
            height=round(TALLEST * sqrt(count) / tallest, 2),
            is_over=(place + 1) / BINS > threshold,
        )
        for place, count in enumerate(counts)
        if count
    ]
