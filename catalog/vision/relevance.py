"""How much a cosine is worth in one catalogue: the chance that a product found is of the kind that was meant.

A catalogue tells us itself. What its products are called and what they look like are queries whose answers we know:

    text    a product's name means its own pictures, a category's name those of its products
    image   a picture means the other views of its product, and the nearest product of its kind
    misses  products that share neither category nor kind with what was meant, in either mode

Texts and pictures lie in different parts of an encoder's space, so each mode has a curve of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catalog.vision.logistic import IGNORANT, Logistic, fit_logistic

# Three of four such hits are of the kind that was meant: a shopper sees why it is there.
STRONG = 0.75
# Below this most are not, but until here it is worth a look.
FAIR = 0.4
MATCHES = ("strong", "fair", "weak")
# Of ten hits at this nine are junk; a search that names no threshold leaves out what is below.
JUNK = 0.1

# Queries with known answers, without which a curve would be chance.
ENOUGH = 20
# A category that so great a share of the pictures is in tells no kinds apart.
UNIVERSAL = 0.5

HISTOGRAM_EDGES = np.linspace(-0.2, 1, 25)


@dataclass(frozen=True)
class Picture:
    """A picture of a sample by its product, any number that is the same for all its views, and its product's kinds."""

    product: int
    category: str
    product_type: str


@dataclass(frozen=True)
class Catalogue:
    """A sample of products: their pictures and what they are called. Vectors are unit rows.

    `text_vectors` (texts, dimensions) are of product names and of categories; `meant` says which product or which
    category each names.
    """

    pictures: tuple[Picture, ...]
    picture_vectors: NDArray[np.float32]
    meant: tuple[int | str, ...]
    text_vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Histogram:
    """How the cosines of hits and of misses are spread: shares that add up to 1, between HISTOGRAM_EDGES."""

    hits: tuple[float, ...]
    misses: tuple[float, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(hits=tuple(data["hits"]), misses=tuple(data["misses"]))


@dataclass(frozen=True)
class Calibration:
    """What a cosine is worth in one mode, the queries and the scores that tell it, and how these are spread."""

    curve: Logistic
    queries: int
    scores: int
    histogram: Histogram

    @property
    def threshold(self) -> float:
        """The cosine 0..1 below which hits are junk."""
        return float(np.clip(self.curve.crossing(JUNK), 0, 1))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "curve": Logistic(**data["curve"]), "histogram": Histogram.from_json(data["histogram"])})


@dataclass(frozen=True)
class Relevance:
    """What cosines are worth in one catalogue: of texts with pictures, and of pictures with pictures."""

    text: Calibration
    image: Calibration

    def of_mode(self, *, is_picture: bool) -> Calibration:
        """Return what cosines of a query are worth that shows a picture, or has words only."""
        return self.image if is_picture else self.text


# Where nothing is known, nothing is called weak, and nothing left out.
UNTOLD = Calibration(IGNORANT, queries=0, scores=0, histogram=Histogram((), ()))


def match_word(relevance: float) -> str:
    """Return how well a hit of this relevance fits: strong, fair or weak."""
    if relevance >= STRONG:
        return "strong"
    return "fair" if relevance >= FAIR else "weak"


def calibrate_text(catalogue: Catalogue) -> Calibration | None:
    """Return what the cosine of a text and a picture is worth, or None where the sample does not tell."""
    pictures = catalogue.pictures
    is_meant = np.array(
        [[meant in (picture.product, picture.category) for picture in pictures] for meant in catalogue.meant],
        dtype=bool,
    ).reshape(len(catalogue.meant), len(pictures))
    is_related = is_meant @ _share_kind(pictures)
    cosines = catalogue.text_vectors @ catalogue.picture_vectors.T
    return _fit(cosines, is_hit=is_meant, is_miss=~is_related)


def calibrate_image(catalogue: Catalogue) -> Calibration | None:
    """Return what the cosine of two pictures is worth, or None where the sample does not tell."""
    products = np.array([picture.product for picture in catalogue.pictures])
    is_same = products[:, None] == products
    share_kind = _share_kind(catalogue.pictures)
    cosines = catalogue.picture_vectors @ catalogue.picture_vectors.T
    of_kind = np.where(share_kind & ~is_same, cosines, -np.inf)
    is_nearest = np.isfinite(of_kind) & (of_kind == of_kind.max(axis=1, keepdims=True, initial=-np.inf))
    is_view = is_same & ~np.eye(len(products), dtype=bool)
    return _fit(cosines, is_hit=is_view | is_nearest, is_miss=~share_kind & ~is_same)


def _share_kind(pictures: Sequence[Picture]) -> NDArray[np.bool_]:
    """Return which pictures are of products of one kind (n, n): of a category or of a type."""
    sizes = Counter(picture.category for picture in pictures)
    blank = {"", *(category for category, size in sizes.items() if size > UNIVERSAL * len(pictures))}
    categories = np.array([picture.category for picture in pictures])
    types = np.array([picture.product_type for picture in pictures])
    told = ~np.isin(categories, list(blank))
    share_category = (categories[:, None] == categories) & told
    return np.asarray(share_category | (types[:, None] == types))


def _fit(cosines: NDArray[np.float32], *, is_hit: NDArray[np.bool_], is_miss: NDArray[np.bool_]) -> Calibration | None:
    """Fit the curve to queries (rows) that have hits and misses; the hits of one weigh 1, all misses as all hits."""
    queries = is_hit.any(axis=1) & is_miss.any(axis=1)
    cosines, is_hit, is_miss = cosines[queries], is_hit[queries], is_miss[queries]
    if len(cosines) < ENOUGH or is_miss.sum() < ENOUGH:
        return None
    hits, misses = cosines[is_hit], cosines[is_miss]
    hit_weights = (is_hit / is_hit.sum(axis=1, keepdims=True))[is_hit]
    miss_weights = np.full(len(misses), len(cosines) / len(misses))
    curve = fit_logistic(
        np.concatenate([hits, misses]),
        np.arange(len(hits) + len(misses)) < len(hits),
        np.concatenate([hit_weights, miss_weights]),
        witnesses=len(cosines),
    )
    if curve == IGNORANT:
        return None
    histogram = Histogram(hits=_spread(hits, hit_weights), misses=_spread(misses, miss_weights))
    return Calibration(curve, queries=len(cosines), scores=len(hits) + len(misses), histogram=histogram)


def _spread(cosines: NDArray[np.float32], weights: NDArray[np.float64]) -> tuple[float, ...]:
    within = cosines.clip(HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
    counts, _ = np.histogram(within, HISTOGRAM_EDGES, weights=weights)
    return tuple(round(float(count), 4) for count in counts / counts.sum())
