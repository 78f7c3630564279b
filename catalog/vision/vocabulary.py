"""What the words of the heads tell of a vector: which questions a text answers, and how a picture answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalog.vision.heads import ATTRIBUTES, COLOR, HEADS, PRODUCT_TYPE, Head
from catalog.vision.logistic import Logistic, sigmoid

Vector: TypeAlias = NDArray[np.float32]

# What shoppers mean by "like this": such a thing in such a colour, as long as they do not say otherwise.
KEPT = (PRODUCT_TYPE, COLOR)

# A text answers a question when it is nearer to one of its words than so many words of all other questions are.
# Told by the encoder's own words, the bound holds for any encoder, however near to each other all its texts lie.
UNRELATED = 0.95

# The label that each question of a vocabulary is answered with, or None.
Labels: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True)
class Question:
    """A head with the unit vectors of its words (words, dimensions).

    The words of label i begin at `starts[i]`. A text answers the question from a cosine of `answered_from` on.
    A question `is_kept` when a picture's answer holds until words give another.
    """

    word_vectors: Vector
    starts: tuple[int, ...]
    answered_from: float
    is_kept: bool

    def fits(self, vectors: Vector) -> Vector:
        """Return how well each label fits each vector: the cosine with the best of its words, (n, labels)."""
        return np.asarray(np.maximum.reduceat(vectors @ self.word_vectors.T, self.starts, axis=1))

    def likeliest(self, vector: Vector) -> tuple[int, float]:
        """Return the label that fits a vector best, and its cosine."""
        fits = self.fits(vector[None])[0]
        best = int(fits.argmax())
        return best, float(fits[best])

    def nearest_word(self, vector: Vector) -> Vector:
        """Return the vector of the word that fits a vector best."""
        return np.asarray(self.word_vectors[(self.word_vectors @ vector).argmax()])

    def certainty(self, label: int, vectors: Vector, curve: Logistic) -> NDArray[np.float64]:
        """Return how sure each vector (n, dimensions) is to have a label, 0..1: even where another fits as well.

        Of the text curve only the slope counts: what a difference of two cosines is worth.
        """
        fits = self.fits(vectors)
        others = np.delete(fits, label, axis=1).max(axis=1)
        return sigmoid(curve.slope * (fits[:, label] - others))


@dataclass(frozen=True)
class Vocabulary:
    """The questions that words can answer: the kind of thing and its attributes."""

    questions: tuple[Question, ...]

    @classmethod
    def from_heads(cls, word_vectors: Vector) -> Self:
        """Return the vocabulary of an encoder, whose words are as `zero_shot.encode_words` gives them."""
        ends = accumulate((len(head.words) for head in HEADS), initial=0)
        words = {head.name: word_vectors[start:end] for head, (start, end) in zip(HEADS, pairwise(ends), strict=True)}
        return cls.of([(head, words[head.name]) for head in (PRODUCT_TYPE, *ATTRIBUTES)])

    @classmethod
    def of(cls, heads: Sequence[tuple[Head, Vector]]) -> Self:
        """Return the vocabulary of several heads, each with its words' vectors."""
        return cls(
            tuple(
                Question(
                    word_vectors=words,
                    starts=tuple(accumulate((len(label.words) for label in head.labels[:-1]), initial=0)),
                    answered_from=_unrelated([theirs for other, theirs in heads if other is not head], words),
                    is_kept=head in KEPT,
                )
                for head, words in heads
            )
        )

    def certainty(self, labels: Labels, vectors: Vector, curve: Logistic) -> NDArray[np.float64]:
        """Return how sure each vector (n, dimensions) is to have all of some labels, 0..1, as in `Question`."""
        asked = zip(self.questions, labels, strict=True)
        each = [question.certainty(label, vectors, curve) for question, label in asked if label is not None]
        return np.asarray(np.prod(each, axis=0) if each else np.zeros(len(vectors)))

    def read_text(self, vector: Vector) -> Labels:
        """Return what a text says: None for each question that it leaves open."""
        found = [(question, *question.likeliest(vector)) for question in self.questions]
        return tuple(label if cosine > question.answered_from else None for question, label, cosine in found)

    def read_picture(self, vector: Vector) -> Labels:
        """Return what a picture shows, which has an answer to every question."""
        return tuple(question.likeliest(vector)[0] for question in self.questions)


def _unrelated(others: Sequence[Vector], words: Vector) -> float:
    nearest = (np.concatenate(others) @ words.T).max(axis=1)
    return float(np.quantile(nearest, UNRELATED))
