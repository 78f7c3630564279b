"""A probability that grows with a score, fitted to scores whose truth is known."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Newton's method on a convex loss doubles its digits with each step; this many are never needed.
MAX_STEPS = 100
# Of the loss, which is of the order of 1; less is rounding.
SETTLED = 1e-12


@dataclass(frozen=True)
class Logistic:
    """The probability 1 / (1 + exp(-(slope * score + offset))); with a slope of 0 the score says nothing."""

    slope: float
    offset: float

    def __call__(self, score: float) -> float:
        """Return the probability 0..1 of a score."""
        return float(sigmoid(np.array(self.slope * score + self.offset)))

    def crossing(self, probability: float) -> float:
        """Return the score from which on the probability is at least this; infinite where it never or always is."""
        wanted = math.log(probability / (1 - probability)) - self.offset
        if self.slope == 0:
            return math.inf if wanted > 0 else -math.inf
        return wanted / self.slope


# Where a score does not tell hits from misses: every probability is an even one.
IGNORANT = Logistic(0.0, 0.0)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) of each element, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits)), dtype=np.float64)


def fit_logistic(
    scores: NDArray[np.floating], is_hit: NDArray[np.bool_], weights: NDArray[np.floating], *, witnesses: int
) -> Logistic:
    """Return the likeliest curve for scores (n,) of hits and misses with weights (n,), IGNORANT if it would not rise.

    Platt, "Probabilistic outputs for support vector machines", 1999: the targets keep off 0 and 1 by what so many
    independent `witnesses` of each kind can vouch for, so that the curve stays finite where scores part perfectly.
    """
    spread = float(scores.std()) if len(scores) else 0.0
    if spread == 0 or is_hit.all() or not is_hit.any():
        return IGNORANT
    centre = float(scores.mean())
    targets = np.where(is_hit, witnesses + 1, 1) / (witnesses + 2)
    slope, offset = _minimise((scores.astype(np.float64) - centre) / spread, targets, weights / weights.sum())
    if slope <= 0:
        return IGNORANT
    return Logistic(slope / spread, offset - slope * centre / spread)


def _minimise(
    scores: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.floating]
) -> tuple[float, float]:
    """Return slope and offset of the least cross-entropy, by Newton's method with a step that always descends."""
    inputs = np.stack([scores, np.ones_like(scores)])
    point = np.zeros(2)

    def loss_at(where: NDArray[np.float64]) -> float:
        logits = where @ inputs
        return float(weights @ (np.logaddexp(0, logits) - targets * logits))

    loss = loss_at(point)
    for _ in range(MAX_STEPS):
        chances = sigmoid(point @ inputs)
        gradient = inputs @ (weights * (chances - targets))
        curvature = (inputs * (weights * chances * (1 - chances))) @ inputs.T
        step = np.linalg.solve(curvature, gradient)
        while loss_at(point - step) > loss:
            step = step / 2
        point = point - step
        gained, loss = loss - loss_at(point), loss_at(point)
        if gained < SETTLED:
            break
    return float(point[0]), float(point[1])
