"""In which order candidates are shown: six signals, each from 0 to 1, weighed as the tenant wants.

    visual_similarity   how alike the pictures are, or the words and the picture: 0 at a cosine that is surely junk in
                        this catalogue, 1 at one that is surely meant, linear between them (`Scale`)
    product_type        the chance of the product's type by the chance of the likeliest one, which has 1
    popularity          the product's own, from clicks, carts and purchases
    category_match      the weight of the product's category among the sought ones by the greatest; where the query
                        names none, the nearest candidates vote (`consensus`)
    shape               the area that the two outlines share by the area that they cover together
    color               the cosine of the two palettes in Oklab

A signal that cannot be told is left out, as shape is without a picture, and the others share its weight in proportion:
a score is always from 0 to 1. A product whose own shape or palette is unknown is neither like nor unlike.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from operator import attrgetter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from catalog.candidates import Candidate, Signal
from catalog.vision.logistic import Logistic
from catalog.vision.palette import Swatch, palette_similarities
from catalog.vision.shape import Shape, shape_similarities

FULL_WEIGHT = 100
# A cosine of this relevance is surely junk, and one of that relevance surely meant.
SURELY_JUNK, SURELY_MEANT = 0.01, 0.999
# The candidates that vote on the category.
VOTERS = 20


@dataclass(frozen=True)
class Weights:
    """How much each signal counts, in per cent; raises ValueError unless they total 100 and none is below 0."""

    visual_similarity: float = 57
    product_type: float = 23
    popularity: float = 5
    category_match: float = 5
    shape: float = 5
    color: float = 5

    def __post_init__(self) -> None:
        weights = asdict(self).values()
        if not (min(weights) >= 0 and math.isclose(sum(weights), FULL_WEIGHT)):
            raise ValueError(f"Weights are at least 0 and total {FULL_WEIGHT}, not {sum(weights):g}.")


@dataclass(frozen=True)
class Sought:
    """What is known of the thing sought; what is empty or None is unknown.

    `product_types` holds chances by type, `categories` weights by category in any case; only their proportions count.
    """

    product_types: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)
    palette: tuple[Swatch, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True)
class Scale:
    """The cosines that are worth 0 and 1."""

    zero: float = 0.0
    one: float = 1.0

    @classmethod
    def of(cls, curve: Logistic, *, is_picture: bool) -> Self:
        """Return the scale of a curve of relevance; where that tells nothing a cosine is worth itself.

        A query that shows a picture finds that very picture at a cosine of 1. Words never come so near, so they are
        surely meant as soon as the curve says so.
        """
        if curve.slope == 0:
            return cls()
        zero, one = curve.crossing(SURELY_JUNK), 1.0 if is_picture else min(1.0, curve.crossing(SURELY_MEANT))
        return cls(zero, one) if zero < one else cls()

    def __call__(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what cosines are worth, 0 to 1."""
        return ((cosines - self.zero) / (self.one - self.zero)).clip(0, 1)


def rank(
    candidates: Sequence[Candidate], sought: Sought, weights: Weights, scale: Scale, *, explain: bool = False
) -> list[Candidate]:
    """Return the candidates with their scores, the best first, ties by product_id; `explain` adds their signals."""
    return by_score(score(candidates, candidates, sought, weights, scale, explain=explain))


def by_score(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return scored candidates, the best first, ties by product_id."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.product_id))


def score(
    candidates: Sequence[Candidate],
    pool: Sequence[Candidate],
    sought: Sought,
    weights: Weights,
    scale: Scale,
    *,
    explain: bool = False,
) -> list[Candidate]:
    """Return the candidates, in their order, with their scores; what is known of the pool alone decides what is told.

    So a deeper search scores the same candidates alike.
    """
    told = _told(candidates, pool, sought, scale)
    shares = {name: share * told[name] for name, share in _shared_out(weights, told).items()}
    # Summed in this order for every candidate alike, so that equal ones tie; rounding must not lead beyond 1.
    scores = sum(shares.values(), start=np.zeros(len(candidates))).clip(max=1)
    scored = [replace(candidate, score=score) for candidate, score in zip(candidates, scores.tolist(), strict=True)]
    if not explain:
        return scored
    explained = zip(scored, _signals(told, shares), strict=True)
    return [replace(candidate, signals=signals) for candidate, signals in explained]


def consensus(candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return how much the nearest candidates are for each category, 0 to 1, by its name in lower case.

    Each of the VOTERS nearest votes by how much nearer it is than the farthest of them (Dudani, "The
    distance-weighted k-nearest-neighbor rule", 1976). The winner has 1. The others have less only as far as voters
    agree: where the winner has few of the votes all have nearly as much, since then the category says little.
    """
    voters = sorted(
        (candidate for candidate in candidates if candidate.category), key=attrgetter("similarity"), reverse=True
    )[:VOTERS]
    votes = {candidate.category.lower(): 0.0 for candidate in candidates if candidate.category}
    for candidate in voters:
        votes[candidate.category.lower()] += _vote(candidate, nearest=voters[0], farthest=voters[-1])
    total, most = sum(votes.values()), max(votes.values(), default=0.0)
    return {category: 1 - most / total * (1 - vote / most) for category, vote in votes.items()}


def _vote(candidate: Candidate, *, nearest: Candidate, farthest: Candidate) -> float:
    reach = nearest.similarity - farthest.similarity
    return (candidate.similarity - farthest.similarity) / reach if reach > 0 else 1.0


def _told(
    candidates: Sequence[Candidate], pool: Sequence[Candidate], sought: Sought, scale: Scale
) -> dict[str, NDArray[np.float64]]:
    """Return those signals of n candidates that can be told, by the names of their weights, each 0 to 1 (n,)."""
    told = {
        "visual_similarity": scale(np.array([candidate.similarity for candidate in candidates])),
    }
    if any(candidate.popularity for candidate in pool):
        told["popularity"] = np.array([candidate.popularity for candidate in candidates])
    if sought.product_types:
        told["product_type"] = _proportions(sought.product_types, [candidate.product_type for candidate in candidates])
    if categories := sought.categories or consensus(pool):
        lowered: dict[str, float] = defaultdict(float)
        for category, weight in categories.items():
            lowered[category.lower()] += weight
        told["category_match"] = _proportions(lowered, [candidate.category.lower() for candidate in candidates])
    if sought.shape is not None and sought.shape.silhouette:
        silhouettes = [candidate.shape["silhouette"] if candidate.shape else () for candidate in candidates]
        told["shape"] = shape_similarities(sought.shape, silhouettes)
    if sought.palette:
        palette = [(swatch.hex, swatch.share) for swatch in sought.palette]
        stored = [[(swatch["hex"], swatch["share"]) for swatch in candidate.palette] for candidate in candidates]
        told["color"] = palette_similarities(palette, stored)
    return told


def _proportions(weights: Mapping[str, float], names: Sequence[str]) -> NDArray[np.float64]:
    greatest = max(weights.values())
    return np.array([weights.get(name, 0.0) / greatest for name in names])


def _shared_out(weights: Weights, told: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the weights of the signals told, which total 1; where none of them weighs anything the looks decide."""
    known = {name: weight for name, weight in asdict(weights).items() if name in told}
    total = sum(known.values())
    return {name: weight / total for name, weight in known.items()} if total else {"visual_similarity": 1.0}


def _signals(
    told: Mapping[str, NDArray[np.float64]], shares: Mapping[str, NDArray[np.float64]]
) -> list[dict[str, Signal]]:
    """Return for each candidate what each weighed signal says, and what of its score that is."""
    columns = [
        [Signal(value, share) for value, share in zip(told[name].tolist(), shares[name].tolist(), strict=True)]
        for name in shares
    ]
    return [dict(zip(shares, row, strict=True)) for row in zip(*columns, strict=True)]
