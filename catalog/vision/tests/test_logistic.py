import math

import numpy as np
import pytest

from catalog.vision.logistic import IGNORANT, Logistic, fit_logistic


def fit(hits, misses, *, weights=None, witnesses=1_000_000):
    scores = np.array([*hits, *misses], dtype=np.float64)
    is_hit = np.arange(len(scores)) < len(hits)
    return fit_logistic(scores, is_hit, np.ones(len(scores)) if weights is None else weights, witnesses=witnesses)


def test_it_rises_from_0_to_1():
    curve = Logistic(slope=10, offset=-5)
    assert [curve(score) for score in (-100, 0.5, 100)] == [pytest.approx(0), 0.5, pytest.approx(1)]
    assert curve(0.6) == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_crossing_is_the_score_of_a_probability():
    curve = Logistic(slope=10, offset=-5)
    assert curve.crossing(0.5) == pytest.approx(0.5)
    assert curve(curve.crossing(0.1)) == pytest.approx(0.1)


def test_a_flat_curve_is_crossed_nowhere():
    assert (IGNORANT.crossing(0.1), IGNORANT.crossing(0.9)) == (-math.inf, math.inf)


def test_the_curve_meets_the_frequencies_it_was_fitted_to():
    # Of four scores of 0.2 one is a hit, of four of 0.4 three are: two points determine slope and offset.
    curve = fit(hits=[0.2] + [0.4] * 3, misses=[0.2] * 3 + [0.4])
    assert (curve(0.2), curve(0.4)) == (pytest.approx(0.25, abs=1e-5), pytest.approx(0.75, abs=1e-5))
    assert curve.slope == pytest.approx(2 * math.log(3) / 0.2, rel=1e-4)


def test_weights_count_as_repetitions():
    weights = np.array([1.0, 3.0, 3.0, 1.0])
    curve = fit(hits=[0.2, 0.4], misses=[0.2, 0.4], weights=weights)
    assert (curve(0.2), curve(0.4)) == (pytest.approx(0.25, abs=1e-5), pytest.approx(0.75, abs=1e-5))


def test_few_witnesses_vouch_for_little_even_where_scores_part():
    curve = fit(hits=[0.6] * 3, misses=[0.1] * 3, witnesses=3)
    assert (curve(0.1), curve(0.6)) == (pytest.approx(1 / 5), pytest.approx(4 / 5))


@pytest.mark.parametrize(
    ("hits", "misses"),
    [([0.1], [0.9]), ([0.5], [0.5]), ([0.1, 0.2], []), ([], [0.1, 0.2]), ([], [])],
    ids=["falling", "equal", "hits alone", "misses alone", "nothing"],
)
def test_scores_that_tell_nothing_give_no_curve(hits, misses):
    assert fit(hits, misses) == IGNORANT


def test_it_finds_the_curve_that_made_the_scores():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.3, 0.1, 50_000)
    truth = Logistic(slope=40, offset=-12)
    is_hit = rng.random(len(scores)) < np.array([truth(score) for score in scores])
    found = fit_logistic(scores, is_hit, np.ones(len(scores)), witnesses=len(scores))
    assert (found.slope, found.offset) == (pytest.approx(40, rel=0.03), pytest.approx(-12, rel=0.03))
