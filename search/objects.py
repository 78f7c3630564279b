"""Shop the look: what the shop has for each of the things in one picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from PIL.Image import Image

from accounts.models import Tenant
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.hits import Hit
from catalog.indexing import open_picture
from catalog.models import ModerationEvent
from catalog.moderation.judging import judge_search
from catalog.relevance import relevance_of
from catalog.vision.encoder import Encoder
from catalog.vision.regions import Region, frame, propose_regions
from search.encoding import Probe, Target, encode, load_pictures, scan_of
from search.pipeline import Answer, Stopwatch, find, remember
from search.query import Query
from search.query_sight import sight_of
from search.query_vectors import look_at
from search.ranking import Sought
from search.terms import terms_of


@dataclass(frozen=True)
class Row:
    """The products found for one thing, none less similar than `threshold`, 0..1, but for pinned ones.

    `region` is where the thing is; None is the picture as a whole.
    """

    region: Region | None
    hits: list[Hit]
    threshold: float


@dataclass(frozen=True)
class Look:
    """The rows of products for the things in a picture, or one for the whole of it where no things are told apart.

    `answer` is the search that all of it was: its hits are those of the rows in turns, each row's best first.
    """

    answer: Answer
    rows: Sequence[Row]


def shop_the_look(tenant: Tenant, query: Query, *, max_regions: int) -> Look:
    """Find the things in a query's only picture, search for each, and remember that it was searched.

    Raises PictureError when the picture cannot be used or is refused, and EncoderError when there is no encoder.
    """
    watch = Stopwatch()
    # Asked for once: a switch to another encoder may happen at any line below.
    encoder = active_encoder()
    terms = terms_of(tenant, query)
    with watch.step("fetch"):
        query = load_pictures(query)
    with watch.step("encode"):
        data = query.examples[0].image_data
        scan = scan_of(data, look_at(data, encoder), encoder)
        judge_search(tenant, [scan], ModerationEvent.Surface.SEARCH_UPLOAD)
        image = open_picture(data).image
        regions = propose_regions(image, encoder, heads_of(encoder).zero_shot, max_regions)
        targets = [_target(tenant, image, region, encoder) for region in regions]
        targets = targets or [encode(tenant, query, encoder)]
    answers = [find(tenant, query, target, terms, encoder_row(encoder), watch) for target in targets]
    rows = [Row(region, found.hits, found.threshold) for region, found in zip(regions or [None], answers, strict=True)]
    hits = list(_in_turns([row.hits for row in rows]))
    look = replace(
        answers[0],
        hits=hits,
        threshold=min(row.threshold for row in rows),
        total=len(hits),
        has_more=False,
        hint="",
        banners=[],
    )
    remember(tenant, look)
    return Look(look, rows)


def _target(tenant: Tenant, image: Image, region: Region, encoder: Encoder) -> Target:
    """Return the search for what is in a region, whose vector is known: it was proposed for it."""
    sight = sight_of(frame(image, region.box))
    [types] = heads_of(encoder).zero_shot.product_types(region.vector[None])
    curve = relevance_of(tenant, encoder).of_mode(is_picture=True).curve
    return Target((Probe(region.vector, curve),), Sought(types, {}, sight.palette, sight.shape))


def _in_turns(rows: Sequence[Sequence[Hit]]) -> Iterable[Hit]:
    return (hit for hit in chain.from_iterable(zip_longest(*rows)) if hit is not None)
