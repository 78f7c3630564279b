"""Which products may be in an answer: the nearest that pass the filters, and those that rules ask for beside them."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from accounts.models import Tenant
from catalog.candidates import Candidate, Look, load_candidates
from catalog.color_search import MAX_DISTANCE, distance_of, find_by_color, products_of_color, similarity_of
from catalog.filters import EVERYTHING, All, Filter, Not, product_is
from catalog.models import Encoder, Product
from catalog.neighbours import Neighbour, find_among, find_nearest, products_within
from catalog.vision.composition import merge_best, merge_union
from merchandising.rules import Rule, Wanted, buried_by, categories_of, coming_rules, wanted_by
from search.encoding import Target
from search.query import ColorRange, Combine, Query
from search.terms import Terms

# The nearest products, which ranking puts into an order of its own; what is farther follows by similarity.
POOL = 100
# More are needed where many of the nearest are what is not wanted (measured by `bench.composition`).
POOL_TO_KEEP_OFF = 200
# A row of results, shown even where nothing fits well.
MIN_RESULTS = 5


@dataclass(frozen=True)
class Found:
    """The products that may be in an answer, at least as similar as `threshold`, and the rules that they bring about.

    `pool` holds the nearest and those that rules raise, `farther` what follows by similarity. `is_all` tells that no
    further product of the shop is similar enough and passes the filters.
    """

    pool: list[Candidate]
    farther: list[Candidate]
    rules: tuple[Rule, ...]
    threshold: float
    is_all: bool


def find_candidates(tenant: Tenant, query: Query, target: Target, terms: Terms, encoder: Encoder, depth: int) -> Found:
    """Return the `depth` nearest products that are similar enough, and those that rules want beside them.

    A deeper search finds the same pool, and further pages fit on.
    """
    filters = _filters(query, terms)
    nearest = _find_nearest(tenant, query, target, encoder, filters, depth)
    least = terms.threshold if terms.threshold is not None else smart_threshold(nearest, target)
    candidates = load_candidates([row for row in nearest if _is_enough(row, least)], _looks(target))
    first, others = candidates[: pool_size(query)], candidates[pool_size(query) :]
    rules = coming_rules(terms.rules, categories_of(first))
    raised = _find_raised(tenant, query, target, encoder, filters, wanted_by(rules), least)
    known, moved = {candidate.pk for candidate in first}, {row.product_pk for row in raised}
    return Found(
        pool=[*first, *load_candidates([row for row in raised if row.product_pk not in known], _looks(target))],
        farther=[candidate for candidate in others if candidate.pk not in moved],
        rules=rules,
        threshold=least,
        # Where references take turns, each one's last must be too unlike.
        is_all=len(nearest) < depth or not any(_is_enough(last, least) for last in nearest[-len(target.probes) :]),
    )


def pool_size(query: Query) -> int:
    """Return how many of the nearest products are put into an order of their own."""
    return POOL_TO_KEEP_OFF if query.unlike else POOL


def products_found(
    tenant: Tenant, query: Query, target: Target, terms: Terms, encoder: Encoder, *, threshold: float
) -> QuerySet[Product]:
    """Return all products of the shop that fit a query, not only those shown."""
    filters = _filters(query, terms)
    if query.color is None:
        vectors = [probe.vector for probe in target.probes]
        return products_within(tenant, encoder, vectors, filters=filters, threshold=threshold)
    distance = min(query.color.max_distance, distance_of(threshold))
    return products_of_color(tenant, query.color.rgb, distance, filters=filters)


def smart_threshold(nearest: Sequence[Neighbour], target: Target) -> float:
    """Return the similarity, 0..1, below which hits are junk in this catalogue.

    It never leaves out the MIN_RESULTS best: a shopper who sees nothing leaves, and weak hits are called weak.
    """
    kept = [neighbour.similarity for neighbour in nearest[:MIN_RESULTS]]
    # Rounded as similarities are shown, and down, so that no result seems to be below it.
    return max(0.0, math.floor(min([target.junk_below, *kept]) * 10_000) / 10_000)


def _looks(target: Target) -> list[Look]:
    """Return what ranking will compare of the candidates."""
    compared = {Look.PALETTE: target.sought.palette, Look.SHAPE: target.sought.shape}
    return [look for look, sought in compared.items() if sought]


def _is_enough(neighbour: Neighbour, least: float) -> bool:
    # One beyond a right angle counts as 0.
    return max(0.0, neighbour.similarity) >= least


def _filters(query: Query, terms: Terms) -> Filter:
    buried = tuple(sorted(buried_by(terms.rules)))
    return All((query.filters, Not(product_is(*buried)))) if buried else query.filters


def _find_nearest(
    tenant: Tenant, query: Query, target: Target, encoder: Encoder, filters: Filter, depth: int
) -> list[Neighbour]:
    if query.color is not None:
        return _find_by_color(tenant, query.color, filters, depth)
    found = [find_nearest(tenant, encoder, probe.vector, filters=filters, limit=depth) for probe in target.probes]
    if len(found) == 1:
        return found[0]
    merge = merge_union if query.combine is Combine.UNION else merge_best
    merged = merge([[(neighbour.product_pk, neighbour.similarity) for neighbour in one] for one in found])
    return [Neighbour(product_pk, similarity) for product_pk, similarity in merged[:depth]]


def _find_by_color(tenant: Tenant, wanted: ColorRange, filters: Filter, depth: int) -> list[Neighbour]:
    near = find_by_color(tenant, wanted.rgb, max_distance=wanted.max_distance, filters=filters, limit=depth)
    return [Neighbour(product_pk, similarity_of(distance)) for product_pk, distance in near]


def _find_raised(
    tenant: Tenant,
    query: Query,
    target: Target,
    encoder: Encoder,
    filters: Filter,
    wanted: Wanted,
    least: float,
) -> list[Neighbour]:
    """Return the products that rules raise: boosted ones that are similar enough, pinned ones however similar."""

    def among(product_ids: Collection[str], conditions: Filter) -> dict[str, Neighbour]:
        if query.color is not None:
            return _among_colors(tenant, query.color, product_ids, conditions)
        vectors = [probe.vector for probe in target.probes]
        return find_among(tenant, encoder, vectors, product_ids, filters=conditions)

    found = among(wanted.product_ids, filters) | among(wanted.unfiltered_ids, EVERYTHING)
    return [row for product_id, row in found.items() if product_id in wanted.pinned_ids or _is_enough(row, least)]


def _among_colors(
    tenant: Tenant, color: ColorRange, product_ids: Collection[str], filters: Filter
) -> dict[str, Neighbour]:
    """Return those of these products that pass the filters, by how near their colours are, however far that is."""
    if not product_ids:
        return {}
    among = All((filters, product_is(*sorted(product_ids))))
    rows = _find_by_color(tenant, replace(color, max_distance=MAX_DISTANCE), among, len(product_ids))
    names = dict(Product.objects.filter(pk__in=[row.product_pk for row in rows]).values_list("pk", "product_id"))
    return {names[row.product_pk]: row for row in rows if row.product_pk in names}
