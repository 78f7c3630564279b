"""The heads of one encoder at work: what kind of thing a picture shows, its attributes, what may be amiss with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catalog.vision.encoder import Encoder
from catalog.vision.heads import ATTRIBUTES, HEADS, MODERATION, PRODUCT_TYPE, Head
from catalog.vision.logistic import sigmoid


@dataclass(frozen=True)
class ProductType:
    """A kind of thing, one of the labels of the head, and how sure that is, 0..1."""

    name: str
    confidence: float


@dataclass(frozen=True)
class Suggestion:
    """A value of an attribute, and how sure that is, 0..1."""

    value: str
    confidence: float


@dataclass(frozen=True)
class Answers:
    """What the heads tell of one picture.

    `attributes` holds, for each attribute, the values worth suggesting, the surest first. `moderation` holds a score
    0..1 for each category; at 0.5 it leaves behind what ordinary products reach.
    """

    product_type: ProductType
    attributes: Mapping[str, tuple[Suggestion, ...]]
    moderation: Mapping[str, float]


@dataclass(frozen=True)
class HeadCalibration:
    """How the scores of one head become certainties: a slope and an offset for each label.

    A label is worth suggesting from a certainty of `threshold` (0..1) on.
    """

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]
    threshold: float = 0.5

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(tuple(data["slopes"]), tuple(data["offsets"]), data["threshold"])


class ZeroShot:
    """The heads of one encoder: the vectors of all their words, as one matrix, and how each head is calibrated."""

    def __init__(self, word_vectors: NDArray[np.float32], calibrations: Mapping[str, HeadCalibration]) -> None:
        self._matrix = np.ascontiguousarray(word_vectors.T)
        self._calibrations = calibrations

    def look(self, vectors: NDArray[np.float32]) -> list[Answers]:
        """Return what is told of each picture, given its unit vector (n, dimensions): one matrix product for all."""
        certainties = self._certainties(vectors)
        return [
            Answers(
                product_type=_likeliest(PRODUCT_TYPE, certainties[PRODUCT_TYPE.name][row]),
                attributes={head.name: self._suggest(head, certainties[head.name][row]) for head in ATTRIBUTES},
                moderation=_by_category(certainties[MODERATION.name][row]),
            )
            for row in range(len(vectors))
        ]

    def product_types(self, vectors: NDArray[np.float32]) -> list[dict[str, float]]:
        """Return the chance of every type for each picture, given its unit vector (n, dimensions); they total 1."""
        chances = self._certainties(vectors)[PRODUCT_TYPE.name]
        return [dict(zip(PRODUCT_TYPE.label_names, row, strict=True)) for row in chances.tolist()]

    def moderation(self, vectors: NDArray[np.float32]) -> list[dict[str, float]]:
        """Return each picture's score 0..1 of every moderation category, given its unit vector (n, dimensions)."""
        return [_by_category(row) for row in self._certainties(vectors)[MODERATION.name]]

    def _certainties(self, vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
        """Return how sure each label of each head is, by the names of the heads, each (n, labels)."""
        return {
            head.name: certainties_of(head, scores, self._calibrations[head.name])
            for head, scores in zip(HEADS, head_scores(vectors @ self._matrix), strict=True)
        }

    def _suggest(self, head: Head, certainties: NDArray[np.float64]) -> tuple[Suggestion, ...]:
        threshold = self._calibrations[head.name].threshold
        return tuple(
            Suggestion(head.label_names[i], round(float(certainties[i]), 4))
            for i in np.argsort(-certainties, kind="stable")
            if certainties[i] >= threshold
        )


def encode_words(encoder: Encoder) -> NDArray[np.float32]:
    """Return the unit vector of every word of every head (words, dimensions), the mean over its head's prompts."""
    means = [
        np.mean([encoder.encode_texts([prompt.format(word) for word in head.words]) for prompt in head.prompts], axis=0)
        for head in HEADS
    ]
    vectors = np.concatenate(means)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def head_scores(cosines: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return each head's scores (n, labels) from the cosines of pictures with all words (n, words).

    A score is how much better a label fits than the best ordinary word, or than the labels of its head do on average.
    """
    ends = accumulate((len(head.words) for head in HEADS), initial=0)
    return [_scores(head, cosines[:, start:end]) for head, (start, end) in zip(HEADS, pairwise(ends), strict=True)]


def certainties_of(head: Head, scores: NDArray[np.float32], calibration: HeadCalibration) -> NDArray[np.float64]:
    """Return how sure each label of each picture is (n, labels); those of an exclusive head add up to 1."""
    logits = scores * np.array(calibration.slopes) + np.array(calibration.offsets)
    return softmax(logits) if head.exclusive else sigmoid(logits)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return odds that add up to 1 in each row."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float64)


def _scores(head: Head, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    starts = list(accumulate((len(label.words) for label in head.labels), initial=0))
    labels = np.maximum.reduceat(cosines[:, : starts[-1]], starts[:-1], axis=1)
    if head.ordinary:
        return np.asarray(labels - cosines[:, starts[-1] :].max(axis=1, keepdims=True))
    return np.asarray(labels - labels.mean(axis=1, keepdims=True))


def _likeliest(head: Head, certainties: NDArray[np.float64]) -> ProductType:
    best = int(certainties.argmax())
    return ProductType(head.label_names[best], float(certainties[best]))


def _by_category(certainties: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(one), 4) for name, one in zip(MODERATION.label_names, certainties, strict=True)}
