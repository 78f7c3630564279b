"""What an experiment's counts are worth: how many are needed, how sure a difference is, whether the split is even."""

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
POWER = 0.8
# A split this lopsided comes by chance once in a thousand experiments; the usual cause is lost or doubled data
# (Kohavi, Tang and Xu, "Trustworthy Online Controlled Experiments", 2020, chapter 21).
SAMPLE_RATIO_ALARM = 0.001


@dataclass(frozen=True)
class Proportion:
    """How many of so many trials succeeded."""

    successes: int
    trials: int

    @property
    def rate(self) -> float:
        return self.successes / self.trials


@dataclass(frozen=True)
class Difference:
    """The rate of b less that of a, and where the true one lies with the confidence of CONFIDENCE."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """Which variant is better (a, b or no_difference), or None and the reason why nothing can be said."""

    winner: str | None
    reason: str


def needed_sample(baseline: float, *, effect: float, power: float = POWER) -> int:
    """Return the trials of each variant by which a rate's change by `effect` is noticed with a chance of `power`.

    Fleiss, Levin and Paik, "Statistical Methods for Rates and Proportions", 3rd edition, 2003, chapter 4, without
    correction for continuity: two-sided at 1 - CONFIDENCE.
    """
    changed = baseline + effect
    mean = (baseline + changed) / 2
    by_chance = _z(CONFIDENCE) * math.sqrt(2 * mean * (1 - mean))
    by_effect = NormalDist().inv_cdf(power) * math.sqrt(baseline * (1 - baseline) + changed * (1 - changed))
    return math.ceil(((by_chance + by_effect) / effect) ** 2)


def difference_of(a: Proportion, b: Proportion) -> Difference:
    """Return how much higher the rate of b is, with Newcombe's hybrid score interval.

    Newcombe, "Interval estimation for the difference between independent proportions", 1998, method 10.
    """
    low_a, high_a = _wilson(a)
    low_b, high_b = _wilson(b)
    value = b.rate - a.rate
    return Difference(
        value=value,
        low=value - math.hypot(b.rate - low_b, high_a - a.rate),
        high=value + math.hypot(high_b - b.rate, a.rate - low_a),
    )


def sample_ratio_p_value(a: int, b: int) -> float:
    """Return the chance that an even split of a + b comes out as uneven as this: Pearson's chi-square, one degree."""
    if a + b == 0:
        return 1.0
    chi_square = (a - b) ** 2 / (a + b)
    return math.erfc(math.sqrt(chi_square / 2))


def judge(a: Proportion, b: Proportion, *, planned: int, sample_ratio: float) -> Verdict:
    """Return which variant is better; only once both have the planned trials, since who peeks finds what is not there.

    `sample_ratio` is the p-value of the split.
    """
    if sample_ratio < SAMPLE_RATIO_ALARM:
        return Verdict(None, "sample_ratio_mismatch")
    if min(a.trials, b.trials) < planned:
        return Verdict(None, "planned_sample_not_reached")
    difference = difference_of(a, b)
    if difference.low <= 0 <= difference.high:
        return Verdict("no_difference", "interval_includes_zero")
    return Verdict("b" if difference.value > 0 else "a", "interval_excludes_zero")


def _wilson(proportion: Proportion) -> tuple[float, float]:
    """Return the score interval of a rate (Wilson 1927)."""
    n, rate, z = proportion.trials, proportion.rate, _z(CONFIDENCE)
    centre = rate + z**2 / (2 * n)
    reach = z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
