"""From a query to vectors: load its pictures, encode them and its words, and make one search of all."""

import hashlib
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rest_framework import serializers

from accounts.models import Tenant
from catalog import color_search
from catalog.encoder_heads import heads_of
from catalog.encoders import encoder_row
from catalog.indexing import open_picture, read_source
from catalog.moderation.scores import Scan, merge_scores
from catalog.product_vectors import Cover, find_covers
from catalog.relevance import relevance_of
from catalog.vision.composition import (
    CancelledOutError,
    Reference,
    blend_scores,
    blend_vectors,
    move,
    penalise,
)
from catalog.vision.encoder import Encoder
from catalog.vision.logistic import IGNORANT, Logistic
from catalog.vision.palette import Swatch
from catalog.vision.relevance import JUNK
from catalog.vision.shape import Shape
from catalog.vision.vocabulary import Vector, Vocabulary
from merchandising.synonyms import expand
from search.query import Box, Combine, Example, Query
from search.query_sight import palette_of_words, product_types_of_words
from search.query_vectors import SeenPicture, look_at, vector_of_text
from search.ranking import Sought

# A shopper waits for these pictures; a shop's server that is slower than that has lost them anyway.
FETCH_DEADLINE = 8.0
# A part of a picture that is smaller than this shows nothing.
MIN_CROP_SIDE = 8


@dataclass(frozen=True)
class Probe:
    """A unit vector to search with, float32 (dimensions,), and the curve that tells what its cosines are worth."""

    vector: Vector
    curve: Logistic


@dataclass(frozen=True)
class Target:
    """What a query looks for, each probe by itself; a search by colour has no probes.

    `penalise` tells of candidates' vectors (n, dimensions) how sure each is to be of what is not wanted, 0..1 (n,).
    `scans` are of all pictures that the query brings.
    """

    probes: tuple[Probe, ...] = ()
    sought: Sought = field(default_factory=Sought)
    penalise: Callable[[Vector], NDArray[np.float64]] | None = None
    scans: tuple[Scan, ...] = ()

    @property
    def curve(self) -> Logistic:
        """What similarities are worth; all probes of one search are pictures where there are several."""
        return self.probes[0].curve if self.probes else IGNORANT

    def relevance(self, similarity: float) -> float:
        """Return the chance, 0..1, that a product so similar is what was meant."""
        return self.curve(similarity) if self.probes else color_search.relevance_of(similarity)

    @property
    def junk_below(self) -> float:
        """The similarity, 0..1, below which hits are junk."""
        return float(np.clip(self.curve.crossing(JUNK), 0, 1))


def load_pictures(query: Query) -> Query:
    """Return a query that holds the bytes of its pictures, or of the parts that it means. Raises PictureError."""
    loaded = _load_all([*query.examples, *query.unlike])
    count = len(query.examples)
    return replace(query, examples=tuple(loaded[:count]), unlike=tuple(loaded[count:]))


def _load_all(examples: Sequence[Example]) -> list[Example]:
    """Load all pictures side by side: together they take no longer than the slowest."""
    if sum(bool(example.image_url) for example in examples) < 2:
        return [_load(example) for example in examples]
    with ThreadPoolExecutor(len(examples)) as pool:
        return list(pool.map(_load, examples))


def encode(tenant: Tenant, query: Query, encoder: Encoder) -> Target:
    """Return what a query, its pictures loaded, looks for.

    Raises PictureError for bytes that are no picture, EncoderError, and ValidationError for a product unknown.
    """
    wanted, unwanted = _look_at_all(tenant, query.examples, encoder), _look_at_all(tenant, query.unlike, encoder)
    probes = _combine(query, [seen.probe for seen in wanted], heads_of(encoder).vocabulary)
    return Target(
        probes=probes,
        sought=_sought(query, wanted),
        penalise=_penalty(tenant, query, probes, unwanted, encoder) if unwanted and probes else None,
        scans=tuple(seen.scan for seen in (*wanted, *unwanted) if seen.scan is not None),
    )


def _penalty(
    tenant: Tenant, query: Query, probes: Sequence[Probe], unwanted: Sequence["_Seen"], encoder: Encoder
) -> Callable[[Vector], NDArray[np.float64]]:
    return partial(
        penalise,
        like=Reference(probes[0].vector, query.shows_picture),
        unlike=[
            Reference(seen.probe.vector, example.is_picture)
            for seen, example in zip(unwanted, query.unlike, strict=True)
        ],
        vocabulary=heads_of(encoder).vocabulary,
        relevance=relevance_of(tenant, encoder),
    )


@dataclass(frozen=True)
class _Seen:
    """One example, encoded, and what is seen in it beside its vector."""

    probe: Probe
    sought: Sought = field(default_factory=Sought)
    scan: Scan | None = None


def _look_at_all(tenant: Tenant, examples: Sequence[Example], encoder: Encoder) -> list[_Seen]:
    covers = _find_covers(tenant, {example.product_id for example in examples if example.product_id}, encoder)
    return [_look(tenant, example, covers, encoder) for example in examples]


def _look(tenant: Tenant, example: Example, covers: Mapping[str, Cover], encoder: Encoder) -> _Seen:
    curve = relevance_of(tenant, encoder).of_mode(is_picture=example.is_picture).curve
    if example.product_id:
        cover = covers[example.product_id]
        return _Seen(Probe(cover.vector, curve), _sought_of_cover(cover))
    if example.image_data:
        picture = look_at(example.image_data, encoder)
        [types] = heads_of(encoder).zero_shot.product_types(picture.vector[None])
        sought = Sought(types, {}, picture.sight.palette, picture.sight.shape)
        return _Seen(Probe(picture.vector, curve), sought, scan_of(example.image_data, picture, encoder))
    said = example.english or example.text
    # The merchant's synonyms are of either language.
    texts = dict.fromkeys((said, *expand(tenant, said)[1:], *expand(tenant, example.text)[1:]))
    variants = np.array([vector_of_text(text, encoder) for text in texts])
    vector = blend_vectors(variants, np.ones(len(variants)))
    named = product_types_of_words(said, vector, heads_of(encoder).zero_shot)
    return _Seen(Probe(vector, curve), Sought(named, palette=palette_of_words(said)))


def scan_of(data: bytes, picture: SeenPicture, encoder: Encoder) -> Scan:
    """Return how much there is of each moderation category in a picture that was looked at."""
    [by_words] = heads_of(encoder).zero_shot.moderation(picture.vector[None])
    return Scan(hashlib.sha256(data).hexdigest(), merge_scores(by_words, picture.nudity))


def _find_covers(tenant: Tenant, product_ids: Collection[str], encoder: Encoder) -> dict[str, Cover]:
    covers = find_covers(tenant, encoder_row(encoder), product_ids)
    if missing := sorted(set(product_ids) - covers.keys()):
        message = f"There is no product {missing[0]!r} with a picture in this account."
        raise serializers.ValidationError({"product_id": [serializers.ErrorDetail(message, code="unknown_product")]})
    return covers


def _sought_of_cover(cover: Cover) -> Sought:
    return Sought(
        product_types={cover.product_type: 1.0} if cover.product_type else {},
        categories={cover.category: 1.0} if cover.category else {},
        palette=tuple(Swatch(**swatch) for swatch in cover.palette),
        shape=Shape(**{**cover.shape, "silhouette": tuple(cover.shape["silhouette"])}),
    )


def _sought(query: Query, seen: Sequence[_Seen]) -> Sought:
    """Return what is known of the thing sought: what words say of it goes before what pictures show."""
    pairs = sorted(zip(query.examples, seen, strict=True), key=lambda pair: pair[0].is_picture)
    known = [one.sought for _, one in pairs]
    return Sought(
        product_types=next((one.product_types for one in known if one.product_types), {}),
        categories=next((one.categories for one in known if one.categories), {}),
        palette=next((one.palette for one in known if one.palette), ()),
        shape=next((one.shape for one in known if one.shape), None),
    )


def _combine(query: Query, probes: Sequence[Probe], vocabulary: Vocabulary) -> tuple[Probe, ...]:
    """Return the searches that the examples' probes make: one, or one for each example."""
    if len(probes) < 2 or query.combine in (Combine.BEST, Combine.UNION):
        return tuple(probes)
    try:
        return (_merge(query, probes, vocabulary),)
    except CancelledOutError as error:
        message = f"{error} Send others, or other weights."
        raise serializers.ValidationError(serializers.ErrorDetail(message, code="cancelled_out")) from error


def _merge(query: Query, probes: Sequence[Probe], vocabulary: Vocabulary) -> Probe:
    weights = [example.weight for example in query.examples]
    if query.combine is Combine.MOVE:
        picture, words, *others = probes
        moved = Probe(move(picture.vector, words.vector, weights[0], vocabulary), picture.curve)
        return _blend([moved, *others], [1.0, *weights[2:]])
    return _blend(probes, weights)


def _blend(probes: Sequence[Probe], weights: Sequence[float]) -> Probe:
    vectors = np.array([probe.vector for probe in probes])
    curves = [probe.curve for probe in probes]
    if len(set(curves)) == 1:
        return Probe(blend_vectors(vectors, weights), curves[0])
    return Probe(*blend_scores(vectors, curves, weights))


def _load(example: Example) -> Example:
    if example.image_url:
        example = replace(example, image_url="", image_data=read_source(example.image_url, deadline=FETCH_DEADLINE))
    if example.crop:
        example = replace(example, crop=None, image_data=cut_out(example.image_data, example.crop))
    return example


def cut_out(data: bytes, box: Box) -> bytes:
    """Return the part of a picture that a box frames, as a PNG. Raises PictureError for what is no picture."""
    image = open_picture(data).image
    left = min(round(box.x * image.width), max(0, image.width - MIN_CROP_SIDE))
    top = min(round(box.y * image.height), max(0, image.height - MIN_CROP_SIDE))
    right = max(round((box.x + box.width) * image.width), left + MIN_CROP_SIDE)
    bottom = max(round((box.y + box.height) * image.height), top + MIN_CROP_SIDE)
    out = io.BytesIO()
    image.crop((left, top, min(right, image.width), min(bottom, image.height))).save(out, "PNG", compress_level=1)
    return out.getvalue()
