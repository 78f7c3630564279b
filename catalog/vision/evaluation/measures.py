"""How often vectors find what they should: plain arithmetic on rows of length 1.

Where candidates of a query tie, the wrong ones come first, so that vectors which are all alike find nothing.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The quantile of the normal distribution for intervals that hold in 95 of 100 cases.
Z95 = 1.959964

# A neighbour votes with exp(cosine / this): Wu et al., "Unsupervised feature learning via non-parametric instance
# discrimination" (2018), section 3.4.
VOTE_TEMPERATURE = 0.07

# So many rows are compared at a time: 100 MB against 50,000 pictures.
BLOCK = 512

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Rate:
    """How much of `n` tries came out right: `value`, 0..1."""

    value: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % score interval (Wilson, "Probable inference, the law of succession", 1927).

        For a mean of shares, such as a precision at 5, it is rather too wide: shares vary less than yes and no.
        """
        spread = Z95**2 / self.n
        middle = (self.value + spread / 2) / (1 + spread)
        half = math.sqrt(self.value * (1 - self.value) * spread + spread**2 / 4) / (1 + spread)
        return max(0.0, middle - half), min(1.0, middle + half)


def zero_shot(vectors: Vectors, labels: Sequence[Hashable], *, classes: Sequence[Hashable], texts: Vectors) -> Rate:
    """Return how many pictures are nearest to the text of their own label.

    `texts` has a row for each of `classes`; a picture whose label is none of them counts as wrong.
    (Radford et al., "Learning transferable visual models from natural language supervision", 2021, section 3.1.)
    """
    return recall(vectors, labels, candidates=texts, keys=classes, k=1)


def neighbours_vote(
    vectors: Vectors, labels: Sequence[Hashable], *, references: Vectors, reference_labels: Sequence[Hashable], k: int
) -> Rate:
    """Return how many pictures get their own label from the `k` nearest references (weights: VOTE_TEMPERATURE)."""
    own, theirs = _number(labels, reference_labels)
    right = [
        _votes(similarities, theirs, k).argmax(axis=1) == own[rows]
        for rows, similarities in _similarities(vectors, references)
    ]
    return _mean(np.concatenate(right))


def others_vote(vectors: Vectors, labels: Sequence[Hashable], *, k: int) -> Rate:
    """Return how many pictures get their own label from the `k` nearest of the others (leave one out)."""
    own, _ = _number(labels, [])
    right = []
    for rows, similarities in _similarities(vectors, vectors):
        similarities[np.arange(len(rows)), rows] = -np.inf
        right.append(_votes(similarities, own, k).argmax(axis=1) == own[rows])
    return _mean(np.concatenate(right))


def recall(
    queries: Vectors, wanted: Sequence[Hashable], *, candidates: Vectors, keys: Sequence[Hashable], k: int
) -> Rate:
    """Return how many queries have a candidate with the wanted key among their `k` nearest."""
    own, theirs = _number(wanted, keys)
    found = []
    for rows, similarities in _similarities(queries, candidates):
        right = own[rows, None] == theirs
        best = np.where(right, similarities, -np.inf).max(axis=1, keepdims=True)
        found.append((~right & (similarities >= best)).sum(axis=1) < k)
    return _mean(np.concatenate(found))


def precision(
    queries: Vectors, wanted: Sequence[Hashable], *, candidates: Vectors, keys: Sequence[Hashable], k: int
) -> Rate:
    """Return how much of the `k` nearest candidates of each query has the wanted key, as a mean over the queries."""
    own, theirs = _number(wanted, keys)
    shares = []
    for rows, similarities in _similarities(queries, candidates):
        right = own[rows, None] == theirs
        nearest = np.lexsort((right, -similarities), axis=1)[:, :k]
        shares.append(np.take_along_axis(right, nearest, axis=1).sum(axis=1) / k)
    return _mean(np.concatenate(shares))


def _votes(similarities: Vectors, labels: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Return the weight (rows, labels) of each label among the `k` nearest."""
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    weights = np.exp(np.take_along_axis(similarities, nearest, axis=1).astype(np.float64) / VOTE_TEMPERATURE)
    votes = np.zeros((len(similarities), labels.max() + 1))
    np.add.at(votes, (np.arange(len(similarities))[:, None], labels[nearest]), weights)
    return votes


def _similarities(queries: Vectors, candidates: Vectors) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Yield the numbers of some queries and their cosines (queries, candidates), until all had their turn."""
    for start in range(0, len(queries), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(queries)))
        yield rows, queries[rows] @ candidates.T


def _number(keys: Sequence[Hashable], others: Sequence[Hashable]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the same number for the same key."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys([*others, *keys]))}
    own, theirs = ([numbers[key] for key in some] for some in (keys, others))
    return np.array(own, np.int64), np.array(theirs, np.int64)


def _mean(values: NDArray[Any]) -> Rate:
    return Rate(value=float(values.mean()), n=len(values))
