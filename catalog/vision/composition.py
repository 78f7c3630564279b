"""Several examples as one search: pictures and words blended, words that move a picture, examples of what not to find.

Everything works on unit vectors of any encoder and knows nothing of what their places mean. What is chosen here was
measured with `python -m bench.composition`.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalog.vision.logistic import IGNORANT, Logistic, sigmoid
from catalog.vision.relevance import Relevance
from catalog.vision.vocabulary import Labels, Vector, Vocabulary

Id = TypeVar("Id", bound=Hashable)
# Products and their similarities, the best first.
Ranking: TypeAlias = Sequence[tuple[Id, float]]

# Cosines of pictures with words spread this many times less than those of pictures with each other (measured: 3.1
# with scout-2 on the demo shop), so that in a plain sum a picture drowns the words.
LOUDNESS = 3.0

# How much of a fusion is the picture where nobody says it.
PICTURE_WEIGHT = 0.6


class CancelledOutError(ValueError):
    """Examples whose vectors add up to nothing, so that they point nowhere."""


@dataclass(frozen=True)
class Reference:
    """The unit vector of words or of a picture (several examples may be blended in it)."""

    vector: Vector
    is_picture: bool


def blend_vectors(vectors: Vector, weights: ArrayLike) -> Vector:
    """Return the weighted mean of unit vectors (n, dimensions) as a unit vector; raise CancelledOutError."""
    return _unit(np.asarray(weights, dtype=np.float64) @ vectors)


def blend_scores(vectors: Vector, curves: Sequence[Logistic], weights: ArrayLike) -> tuple[Vector, Logistic]:
    """Return the one unit vector and curve whose log-odds are the weighted mean of those of all examples.

    Log-odds are linear in a candidate's vector, so the blend needs one search only. Weights (n,) count by their
    share. Where a curve that counts says nothing, vectors are blended alone and the blend's curve says nothing either.
    Raises CancelledOutError.
    """
    shares = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    slopes = np.array([curve.slope for curve in curves])
    if (slopes[shares > 0] == 0).any():
        return blend_vectors(vectors, shares), IGNORANT
    total = (shares * slopes) @ vectors
    offset = float(shares @ [curve.offset for curve in curves])
    return _unit(total), Logistic(float(np.linalg.norm(total)), offset)


def move(picture: Vector, text: Vector, picture_weight: float, vocabulary: Vocabulary) -> Vector:
    """Return the unit vector of a picture as words change it: the words alone at 0, the picture alone at 1.

    What the words speak of loses the picture's own answer ("in blue" said of a red dress: red), and the kind and
    colour that they leave open are said for them (dress). Raises CancelledOutError.
    """
    words = text.astype(np.float64)
    for question, said in zip(vocabulary.questions, vocabulary.read_text(text), strict=True):
        if said is not None:
            words -= picture_weight * question.nearest_word(picture)
        elif question.is_kept:
            words += picture_weight * question.nearest_word(picture)
    return _unit(picture_weight * picture + (1 - picture_weight) * LOUDNESS * words)


def penalise(
    candidates: Vector, like: Reference, unlike: Sequence[Reference], vocabulary: Vocabulary, relevance: Relevance
) -> NDArray[np.float64]:
    """Return how sure each candidate (n, dimensions) is to be of what the search is to leave out, 0..1.

    A hit's relevance times 1 - penalty is the chance that it is of what is sought and of nothing else. It is of words
    when it is near to them, or nearer than to the other labels of a question that they answer; of a picture when it
    has the kind and colour that tell that picture from what is sought, or looks like it where nothing does.
    """
    spared = np.ones(len(candidates))
    for reference in unlike:
        spared *= 1 - _fit(candidates, reference, like, vocabulary, relevance)
    return 1 - spared


def diversify(scores: ArrayLike, vectors: Vector, diversity: float, count: int) -> list[int]:
    """Return the rows of `count` hits in an order that weighs being unlike the hits before by `diversity`, 0..1.

    The best comes first, and of equals the earlier. Maximal marginal relevance: Carbonell and Goldstein, "The use of
    MMR, diversity-based reranking for reordering documents and producing summaries", 1998. Scores count by their place
    between the least and the best, so that those of any scale can be weighed against cosines.
    """
    merits = _to_unit_range(np.asarray(scores, dtype=np.float64))
    nearest = np.zeros(len(merits))
    left = np.ones(len(merits), dtype=bool)
    order: list[int] = []
    while len(order) < min(count, len(merits)):
        marginal = (1 - diversity) * merits - diversity * nearest if order else merits
        chosen = int(np.where(left, marginal, -np.inf).argmax())
        cosines = vectors @ vectors[chosen]
        nearest = np.maximum(nearest, cosines) if order else cosines
        left[chosen] = False
        order.append(chosen)
    return order


def merge_best(rankings: Sequence[Ranking[Id]]) -> list[tuple[Id, float]]:
    """Return each product once with its best similarity to any reference, the best first, of equals the first met."""
    best: dict[Id, float] = {}
    for found, similarity in chain.from_iterable(rankings):
        best[found] = max(similarity, best.get(found, similarity))
    return sorted(best.items(), key=lambda item: -item[1])


def merge_union(rankings: Sequence[Ranking[Id]]) -> list[tuple[Id, float]]:
    """Return each product once, the references taking turns with the best that none has named, and its similarity."""
    taken: dict[Id, float] = {}
    turns = [iter(ranking) for ranking in rankings]
    while turns:
        turns = [turn for turn in turns if _take_next(turn, taken)]
    return list(taken.items())


def _take_next(turn: Iterator[tuple[Id, float]], taken: dict[Id, float]) -> bool:
    """Take the next product that is not yet taken; return whether there was one."""
    for found, similarity in turn:
        if found not in taken:
            taken[found] = similarity
            return True
    return False


def _fit(
    candidates: Vector, reference: Reference, like: Reference, vocabulary: Vocabulary, relevance: Relevance
) -> NDArray[np.float64]:
    curve = relevance.of_mode(is_picture=reference.is_picture).curve
    is_near = sigmoid(curve.slope * (candidates @ reference.vector) + curve.offset)
    if not reference.is_picture:
        has_labels = vocabulary.certainty(vocabulary.read_text(reference.vector), candidates, curve)
        return 1 - (1 - is_near) * (1 - has_labels)
    labels = _told_apart(reference, like, vocabulary)
    if any(label is not None for label in labels):
        return vocabulary.certainty(labels, candidates, relevance.text.curve)
    return is_near


def _told_apart(picture: Reference, like: Reference, vocabulary: Vocabulary) -> Labels:
    """Return the kind and the colour of a picture where what is sought has or names another, or names none."""
    sought = vocabulary.read_picture(like.vector) if like.is_picture else vocabulary.read_text(like.vector)
    shown = vocabulary.read_picture(picture.vector)
    questions = zip(vocabulary.questions, shown, sought, strict=True)
    return tuple(label if question.is_kept and label != other else None for question, label, other in questions)


def _to_unit_range(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of each score between the least, 0, and the best, 1; 0 where all are equal."""
    spread = np.ptp(scores) if len(scores) else 0.0
    return (scores - scores.min()) / spread if spread else np.zeros_like(scores)


def _unit(vector: NDArray[np.floating]) -> Vector:
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        raise CancelledOutError("The examples cancel each other out.")
    return np.asarray(vector / length, dtype=np.float32)
