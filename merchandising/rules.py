"""The merchant's hand in the results: bury, then boost, then pin.

A search asks four times: for `open_rules` and `buried_by` before it looks for products, for `coming_rules` and
`wanted_by` once it knows their categories; at the end it lets `apply_rules` move them.
What is buried is gone before anything can be pinned, so a product that is both stays away.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.models import Tenant
from accounts.revisions import until_changed
from catalog.candidates import AppliedRule, Candidate
from merchandising.models import MerchandisingRule
from merchandising.scopes import ANY_SEARCH, Occasion, ScopeType, normalise

BURY, BOOST, PIN = MerchandisingRule.Type.BURY, MerchandisingRule.Type.BOOST, MerchandisingRule.Type.PIN

# A search looks for no more products than these on behalf of rules, those of the first rules first.
MAX_WANTED = 200


@dataclass(frozen=True)
class Rule:
    """A rule as searches read it; `boost_multiplier` is 0.01 to 5 and counts for boosts alone."""

    rule_id: str
    rule_type: str
    product_ids: tuple[str, ...]
    occasion: Occasion = ANY_SEARCH
    boost_multiplier: float = 1.0
    ignore_filters: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether an open rule comes about whatever is found."""
        return self.occasion.scope_type != ScopeType.CATEGORY_MATCH


@dataclass(frozen=True)
class Wanted:
    """The product_ids that rules ask a search to look for beside the nearest ones.

    `pinned_ids`, some of them, need not be similar to what is sought, and `unfiltered_ids`, some of these, need not
    pass its filters.
    """

    product_ids: frozenset[str] = frozenset()
    pinned_ids: frozenset[str] = frozenset()
    unfiltered_ids: frozenset[str] = frozenset()


@until_changed
def rules_of(tenant: Tenant) -> tuple[Rule, ...]:
    """Return the active rules of a tenant in the order in which they go: by priority, then the newest first."""
    rows = MerchandisingRule.objects.filter(tenant=tenant, active=True)
    return tuple(to_rule(row) for row in rows.order_by(*MerchandisingRule.SHOWN_ORDER))


def to_rule(row: MerchandisingRule) -> Rule:
    """Return a row, saved or not, as searches read it."""
    return Rule(
        rule_id=str(row.pk),
        rule_type=row.rule_type,
        product_ids=tuple(row.product_ids),
        occasion=Occasion(row.scope_type, row.scope_value, row.start_at, row.end_at),
        boost_multiplier=row.boost_multiplier or 1.0,
        ignore_filters=row.ignore_filters,
    )


def open_rules(rules: Iterable[Rule], text: str, at: datetime) -> tuple[Rule, ...]:
    """Return the rules that words and time allow; a search by picture alone has the text ""."""
    return tuple(rule for rule in rules if rule.occasion.is_open(text, at))


def buried_by(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the products that open rules bury whatever is found, so that a search need not find them."""
    return frozenset(_products(rule for rule in rules if rule.rule_type == BURY and rule.is_certain))


def coming_rules(rules: Iterable[Rule], categories: Collection[str]) -> tuple[Rule, ...]:
    """Return the open rules that results of these normalised categories bring about."""
    return tuple(rule for rule in rules if rule.occasion.comes(categories))


def wanted_by(rules: Sequence[Rule]) -> Wanted:
    """Return what a search is to look for on behalf of rules that come about."""
    buried = set(_products(rule for rule in rules if rule.rule_type == BURY))
    raised = dict.fromkeys(_products(rule for rule in rules if _raises(rule)))
    wanted = frozenset([product_id for product_id in raised if product_id not in buried][:MAX_WANTED])
    pins = [rule for rule in rules if rule.rule_type == PIN]
    return Wanted(
        product_ids=wanted,
        pinned_ids=wanted.intersection(_products(pins)),
        unfiltered_ids=wanted.intersection(_products(rule for rule in pins if rule.ignore_filters)),
    )


def apply_rules(candidates: Sequence[Candidate], rules: Sequence[Rule]) -> list[Candidate]:
    """Return ranked candidates as rules move them: buried ones dropped, boosted ones rescored, pinned ones first.

    What is out of stock is not pinned, unless the rule goes past filters.
    """
    return _pin(_boost(bury(candidates, rules), rules), rules)


def bury(candidates: Sequence[Candidate], rules: Iterable[Rule]) -> list[Candidate]:
    """Return the candidates but for those that rules bury."""
    buried = set(_products(rule for rule in rules if rule.rule_type == BURY))
    return [candidate for candidate in candidates if candidate.product_id not in buried]


def categories_of(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Return the normalised categories among candidates."""
    return frozenset(normalise(candidate.category) for candidate in candidates)


def _boost(candidates: Sequence[Candidate], rules: Sequence[Rule]) -> list[Candidate]:
    boosts = [rule for rule in rules if rule.rule_type == BOOST]
    named = set(_products(boosts))
    others = [candidate for candidate in candidates if candidate.product_id not in named]
    boosted = [_multiplied(candidate, boosts) for candidate in candidates if candidate.product_id in named]
    boosted.sort(key=_falling)
    # The others keep their order, which is not that of their scores alone, and each boosted one goes before the first
    # whose score is lower.
    return list(heapq.merge(others, boosted, key=_falling))


def _multiplied(candidate: Candidate, boosts: Sequence[Rule]) -> Candidate:
    score, applied = candidate.score, candidate.applied_rules
    for rule in boosts:
        if candidate.product_id in rule.product_ids:
            score *= rule.boost_multiplier
            applied = (*applied, AppliedRule(rule.rule_id, rule.rule_type))
    return replace(candidate, score=min(1.0, score), applied_rules=applied)


def _pin(candidates: Sequence[Candidate], rules: Sequence[Rule]) -> list[Candidate]:
    at_hand = {candidate.product_id: candidate for candidate in candidates}
    pinned: dict[str, Candidate] = {}
    for rule in rules:
        if rule.rule_type == PIN:
            for product_id in rule.product_ids:
                found = at_hand.get(product_id)
                if found is not None and product_id not in pinned and (found.in_stock or rule.ignore_filters):
                    applied = (*found.applied_rules, AppliedRule(rule.rule_id, rule.rule_type))
                    pinned[product_id] = replace(found, applied_rules=applied)
    return [*pinned.values(), *(candidate for candidate in candidates if candidate.product_id not in pinned)]


def _falling(candidate: Candidate) -> float:
    return -candidate.score


def _raises(rule: Rule) -> bool:
    return rule.rule_type == PIN or (rule.rule_type == BOOST and rule.boost_multiplier > 1)


def _products(rules: Iterable[Rule]) -> Iterator[str]:
    return (product_id for rule in rules for product_id in rule.product_ids)
