"""Against numbers that were published."""

import pytest

from search.experiments.statistics import (
    Difference,
    Proportion,
    Verdict,
    difference_of,
    judge,
    needed_sample,
    sample_ratio_p_value,
)


@pytest.mark.parametrize(
    ("b", "a", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_interval_is_that_of_newcombes_table_2(a, b, low, high):
    found = difference_of(Proportion(*a), Proportion(*b))
    assert found == Difference(
        value=pytest.approx(b[0] / b[1] - a[0] / a[1]),
        low=pytest.approx(low, abs=5e-5),
        high=pytest.approx(high, abs=5e-5),
    )


def test_the_sample_is_that_of_the_example_of_rs_power_prop_test():
    assert needed_sample(0.50, effect=0.25, power=0.90) == 77  # R gives 76.7


def test_a_smaller_effect_needs_a_larger_sample():
    assert [needed_sample(0.2, effect=effect) for effect in (0.05, 0.02, -0.05)] == [1094, 6510, 906]


def test_the_split_of_kohavis_example_comes_by_chance_twice_in_a_million():
    assert sample_ratio_p_value(821_588, 815_482) == pytest.approx(1.8e-6, abs=5e-8)


@pytest.mark.parametrize(("a", "b", "expected"), [(0, 0, 1.0), (500, 500, 1.0), (10, 0, 0.0015654)])
def test_an_even_split_is_no_wonder_and_a_lopsided_one_is(a, b, expected):
    assert sample_ratio_p_value(a, b) == pytest.approx(expected, abs=5e-8)


@pytest.mark.parametrize(
    ("a", "b", "sample_ratio", "expected"),
    [
        ((10, 100), (30, 99), 1.0, Verdict(None, "planned_sample_not_reached")),
        ((10, 100), (30, 100), 1.0, Verdict("b", "interval_excludes_zero")),
        ((30, 100), (10, 100), 1.0, Verdict("a", "interval_excludes_zero")),
        ((10, 100), (12, 100), 1.0, Verdict("no_difference", "interval_includes_zero")),
        ((10, 100), (30, 100), 0.0009, Verdict(None, "sample_ratio_mismatch")),
        ((10, 100), (30, 100), 0.001, Verdict("b", "interval_excludes_zero")),
    ],
)
def test_the_verdict(a, b, sample_ratio, expected):
    assert judge(Proportion(*a), Proportion(*b), planned=100, sample_ratio=sample_ratio) == expected
