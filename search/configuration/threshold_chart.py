"""The scores of what was meant and of what was not, as a chart and in figures; lengths are per cent of the chart."""

from dataclasses import dataclass

import numpy as np

from catalog.vision.relevance import HISTOGRAM_EDGES, Calibration

# Hits stand on the middle of the chart and misses hang from it; what is left of each half has room for a label.
MIDDLE = 50.0
TALLEST = 38.0


@dataclass(frozen=True)
class Bar:
    """The scores between two edges: from `left` on, `width` wide, hits from `top` to the middle, misses below it."""

    left: float
    width: float
    top: float
    hits: float
    misses: float


@dataclass(frozen=True)
class Chart:
    """The bars, where the threshold 0 to 1 stands among them, and how many hits and misses, per cent, are above it."""

    bars: tuple[Bar, ...]
    threshold: float
    at: float
    kept_hits: int
    kept_misses: int


def chart_of(calibration: Calibration) -> Chart | None:
    """Return the chart of a mode's scores, or None where there are none."""
    histogram = calibration.histogram
    if not histogram.hits:
        return None
    scale = TALLEST / max(*histogram.hits, *histogram.misses)
    positions = [_position(float(edge)) for edge in HISTOGRAM_EDGES]
    spread = zip(positions, positions[1:], histogram.hits, histogram.misses, strict=False)
    return Chart(
        bars=tuple(
            Bar(
                left=left,
                width=round(right - left, 2),
                top=round(MIDDLE - hits * scale, 2),
                hits=round(hits * scale, 2),
                misses=round(misses * scale, 2),
            )
            for left, right, hits, misses in spread
        ),
        threshold=calibration.threshold,
        at=_position(calibration.threshold),
        kept_hits=_share_above(calibration.threshold, histogram.hits),
        kept_misses=_share_above(calibration.threshold, histogram.misses),
    )


def _position(cosine: float) -> float:
    low, high = HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1]
    return round(float((cosine - low) / (high - low)) * 100, 2)


def _share_above(threshold: float, shares: tuple[float, ...]) -> int:
    """Return how many scores, per cent, are above a threshold, as if they were spread evenly between two edges."""
    below = np.interp(threshold, HISTOGRAM_EDGES, np.concatenate([[0.0], np.cumsum(shares)]))
    return round(float(np.clip(1 - below, 0, 1)) * 100)
