"""In which order the products found are shown: ranked, kept off what is not wanted, varied, ruled and grouped."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from catalog.candidates import Candidate, Signal
from catalog.vision.composition import diversify
from catalog.vision.vocabulary import Vector
from merchandising.rules import apply_rules, bury
from search.encoding import Target
from search.query import Combine, Query
from search.ranking import Scale, Weights, by_score, score
from search.retrieval import Found

# Returns the unit vectors of products by their product_id.
ReadVectors = Callable[[Collection[str]], Mapping[str, Vector]]


def arrange(found: Found, query: Query, target: Target, weights: Weights, read_vectors: ReadVectors) -> list[Candidate]:
    """Return the products found in the order in which they are shown, all pages of it.

    A deeper search finds the same pool, so it arranges it in the same order and further pages fit on.
    """
    scale = Scale.of(target.curve, is_picture=query.shows_picture)
    candidates = [*found.pool, *found.farther]
    scored = score(candidates, found.pool, target.sought, weights, scale, explain=query.explain)
    pool, farther = scored[: len(found.pool)], scored[len(found.pool) :]
    if target.penalise:
        vectors = read_vectors([candidate.product_id for candidate in scored])
        pool, farther = _keep_off(pool, target, vectors), _keep_off(farther, target, vectors)
    # Where references take turns their turns are the order.
    if query.combine is not Combine.UNION:
        pool = by_score(pool)
    if query.diversity:
        pool = _vary(pool, read_vectors([candidate.product_id for candidate in pool]), query.diversity)
    # Rules move products within the pool alone: farther down, a deeper search would move them elsewhere.
    return _group([*apply_rules(pool, found.rules), *bury(farther, found.rules)], query.group_by)


def _keep_off(candidates: Sequence[Candidate], target: Target, vectors: Mapping[str, Vector]) -> list[Candidate]:
    """Return the candidates with less of their scores the surer it is that they are of what is not wanted."""
    known = [candidate for candidate in candidates if candidate.product_id in vectors]
    if not target.penalise or not known:
        return list(candidates)
    penalties = target.penalise(np.array([vectors[candidate.product_id] for candidate in known]))
    kept = dict(zip((candidate.pk for candidate in known), (1 - penalties).tolist(), strict=True))
    return [_scaled(candidate, kept.get(candidate.pk, 1.0)) for candidate in candidates]


def _scaled(candidate: Candidate, factor: float) -> Candidate:
    signals = {name: Signal(signal.value, factor * signal.share) for name, signal in candidate.signals.items()}
    return replace(candidate, score=factor * candidate.score, kept=factor, signals=signals)


def _vary(candidates: Sequence[Candidate], vectors: Mapping[str, Vector], diversity: float) -> list[Candidate]:
    known = [candidate for candidate in candidates if candidate.product_id in vectors]
    if not known:
        return list(candidates)
    order = diversify(
        [candidate.score for candidate in known],
        np.array([vectors[candidate.product_id] for candidate in known]),
        diversity,
        len(known),
    )
    unknown = [candidate for candidate in candidates if candidate.product_id not in vectors]
    return [*(known[row] for row in order), *unknown]


def _group(candidates: Sequence[Candidate], field: str) -> list[Candidate]:
    """Return the first candidate of each value of a field, and those without a value; it names the others."""
    if not field:
        return list(candidates)
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        value = _group_of(candidate, field)
        groups.setdefault(value, []).append(candidate)
    return [replace(first, variants=tuple(other.product_id for other in others)) for first, *others in groups.values()]


def _group_of(candidate: Candidate, field: str) -> str:
    """Return what a candidate is grouped by: a parent counts among its variants."""
    value = getattr(candidate, field)
    if field == "parent_id":
        return value or candidate.product_id
    return value.lower() or f"\0{candidate.product_id}"
