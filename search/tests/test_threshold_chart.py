import numpy as np
import pytest

from catalog.vision.logistic import Logistic
from catalog.vision.relevance import HISTOGRAM_EDGES, UNTOLD, Calibration, Histogram
from search.configuration.threshold_chart import chart_of

BINS = len(HISTOGRAM_EDGES) - 1


def spread(**shares):
    """Return shares by bin: `spread(b4=1)` has all of them in the fifth."""
    found = np.zeros(BINS)
    for name, share in shares.items():
        found[int(name[1:])] = share
    return tuple(found)


def calibration(threshold, *, hits, misses):
    # Relevance is 1 in 10 at the threshold.
    slope = 20.0
    curve = Logistic(slope, -slope * threshold - np.log(9))
    return Calibration(curve, queries=1, scores=1, histogram=Histogram(hits, misses))


def test_bars_and_threshold_stand_where_their_cosines_are():
    chart = chart_of(calibration(0.4, hits=spread(b16=0.5, b20=0.5), misses=spread(b4=1)))
    assert (round(chart.threshold, 6), chart.at) == (0.4, 50.0)
    assert len(chart.bars) == BINS
    assert [(bar.left, bar.width) for bar in (chart.bars[0], chart.bars[-1])] == [(0.0, 4.17), (95.83, 4.17)]
    assert (chart.bars[4].left, chart.bars[4].hits, chart.bars[4].misses) == (16.67, 0, 38)
    assert (chart.bars[16].top, chart.bars[16].hits, chart.bars[16].misses) == (31, 19, 0)


@pytest.mark.parametrize(("threshold", "hits", "misses"), [(0.0, 100, 50), (0.025, 100, 25), (0.4, 50, 0), (0.9, 0, 0)])
def test_what_is_above_the_threshold_is_told(threshold, hits, misses):
    chart = chart_of(calibration(threshold, hits=spread(b8=0.5, b13=0.5), misses=spread(b0=0.5, b4=0.5)))
    assert (chart.kept_hits, chart.kept_misses) == (hits, misses)


def test_without_scores_there_is_no_chart():
    assert chart_of(UNTOLD) is None
