"""The way of a query: parse -> encode -> candidates -> rank -> rules -> respond.

`modes.py` parses, `encoding.py` encodes, `retrieval.py` finds candidates, `arrangement.py` ranks them and applies the
merchant's rules, `answers.py` responds. Here they are put together, and each step's time is taken.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Tenant
from analytics.models import SearchEvent
from analytics.search_events import SearchContext, record_search
from catalog.candidates import Candidate
from catalog.encoders import active_encoder, encoder_row
from catalog.facets import count_facets, parse_facets
from catalog.filter_hints import find_hint
from catalog.filters import conditions_of
from catalog.hits import Hit, load_hits
from catalog.models import Encoder, ModerationEvent
from catalog.moderation.judging import judge_search
from catalog.product_vectors import cover_vectors
from merchandising.banners import Banner, banners_for
from merchandising.rules import Rule
from search.arrangement import arrange
from search.encoding import Target, encode, load_pictures
from search.query import Query
from search.retrieval import Found, find_candidates, pool_size, products_found
from search.terms import Terms, terms_of

Surface = SearchEvent.Surface

# Of all products of one value, however many, only the first would be shown: somewhere it has to end.
MAX_DEPTH = 1_600
DEEPENING = 4


@dataclass(frozen=True)
class Answer:
    """The products found and what goes with them; no hit is less similar than `threshold`, but for pinned ones.

    `rules` are those that came about. `total` counts what was found for all pages, as deep as it was looked for: exact
    where that is all.
    """

    search_id: str
    query: Query
    terms: Terms
    target: Target
    encoder: Encoder
    rules: tuple[Rule, ...]
    hits: list[Hit]
    threshold: float
    total: int
    has_more: bool
    facets: Mapping[str, Any]
    hint: str
    banners: list[Banner]
    timing: Mapping[str, float]

    @property
    def total_ms(self) -> float:
        return round(sum(self.timing.values()), 1)


@dataclass
class Stopwatch:
    """Milliseconds by step, in the order in which they were first taken."""

    timing: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        taken = (time.perf_counter() - started) * 1000
        self.timing[name] = round(self.timing.get(name, 0.0) + taken, 1)


def answer(tenant: Tenant, query: Query, *, surface: Surface = Surface.API, watch: Stopwatch | None = None) -> Answer:
    """Search, and remember that it was searched, and where. Raises what `search` raises."""
    found = search(tenant, query, surface=surface, watch=watch)
    remember(tenant, found, surface)
    return found


def search(
    tenant: Tenant,
    query: Query,
    *,
    rules: Sequence[Rule] | None = None,
    surface: Surface = Surface.API,
    watch: Stopwatch | None = None,
) -> Answer:
    """Return the products of a tenant that fit a query best, as the tenant's rules, or these, arrange them.

    Raises PictureError when a picture of the query cannot be used or is refused, EncoderError when there is no encoder,
    and ValidationError when the query names a product that there is none of.
    """
    watch = watch or Stopwatch()
    # Asked for once: a switch to another encoder may happen at any line below.
    encoder = active_encoder()
    terms = terms_of(tenant, query, rules)
    with watch.step("fetch"):
        query = load_pictures(query)
    with watch.step("encode"):
        target = encode(tenant, query, encoder)
        judge_search(tenant, target.scans, moderated_as(surface))
    return find(tenant, query, target, terms, encoder_row(encoder), watch)


def find(tenant: Tenant, query: Query, target: Target, terms: Terms, encoder: Encoder, watch: Stopwatch) -> Answer:
    """Return the products that fit what a query, once it is encoded, looks for."""
    found, arranged = _collect(tenant, query, target, terms, encoder, watch)
    page_end = query.offset + query.limit
    with watch.step("database"):
        hits = load_hits(arranged[query.offset : page_end], target.relevance)
        facets = _count_facets(tenant, query, target, terms, encoder, threshold=found.threshold)
    return Answer(
        search_id=query.search_id or f"srch_{secrets.token_hex(12)}",
        query=query,
        terms=terms,
        target=target,
        encoder=encoder,
        rules=found.rules,
        hits=hits,
        threshold=found.threshold,
        total=len(arranged),
        has_more=len(arranged) > page_end,
        facets=facets,
        hint="" if arranged else find_hint(tenant, query.filters),
        banners=banners_for(tenant, query.text, {candidate.category for candidate in found.pool}, terms.at),
        timing=watch.timing,
    )


def moderated_as(surface: Surface) -> ModerationEvent.Surface:
    """Return what moderation calls a search from here."""
    if surface == Surface.WIDGET:
        return ModerationEvent.Surface.WIDGET
    return ModerationEvent.Surface.SEARCH_UPLOAD


def _collect(
    tenant: Tenant, query: Query, target: Target, terms: Terms, encoder: Encoder, watch: Stopwatch
) -> tuple[Found, list[Candidate]]:
    """Return the products found and their order, as far as the query's page and one beyond it.

    Rules that drop and groups that fold leave fewer than were found; then it looks deeper, down to MAX_DEPTH, so that
    no page is short.
    """
    wanted = query.offset + query.limit + 1
    depth = max(pool_size(query), wanted)
    while True:
        with watch.step("database"):
            found = find_candidates(tenant, query, target, terms, encoder, depth)
        with watch.step("rank"):
            arranged = arrange(found, query, target, terms.weights, lambda ids: cover_vectors(tenant, encoder, ids))
        if len(arranged) >= wanted or found.is_all or depth >= MAX_DEPTH:
            return found, arranged
        depth *= DEEPENING


def _count_facets(
    tenant: Tenant, query: Query, target: Target, terms: Terms, encoder: Encoder, *, threshold: float
) -> dict[str, Any]:
    """Return the facets that a query asks for, counted over all products that fit it, not only those shown."""
    if not query.facets:
        return {}
    products = products_found(tenant, query, target, terms, encoder, threshold=threshold)
    return count_facets(products, parse_facets(tenant, query.facets))


def remember(tenant: Tenant, found: Answer, surface: Surface = Surface.API) -> None:
    """Record a search that was answered."""
    query, assignment = found.query, found.terms.assignment
    record_search(
        tenant,
        search_id=found.search_id,
        mode=query.mode,
        text=query.text,
        results=len(found.hits),
        milliseconds=found.total_ms,
        context=SearchContext(
            params=query.params,
            filters=[
                {"field": condition.field.name, "value": condition.value}
                for condition, is_excluded in conditions_of(query.filters)
                if not is_excluded
            ],
            session_id=query.session_id,
            user_id=query.user_id,
            experiment=assignment.experiment_id if assignment else "",
            variant=assignment.variant if assignment else "",
            top_product_ids=[hit.product_id for hit in found.hits],
            surface=surface,
        ),
    )
