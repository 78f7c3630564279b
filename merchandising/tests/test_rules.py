"""How rules move candidates. Nothing here needs a database."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog.candidates import AppliedRule, Candidate
from merchandising.rules import (
    MAX_WANTED,
    Rule,
    Wanted,
    apply_rules,
    buried_by,
    categories_of,
    coming_rules,
    open_rules,
    wanted_by,
)
from merchandising.scopes import Occasion

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_SHOES = Occasion("category_match", "Shoes")


def candidates(**scores):
    return [
        Candidate(pk=n, product_id=name, similarity=score, score=score)
        for n, (name, score) in enumerate(scores.items())
    ]


def bury(*product_ids, **fields):
    return Rule("the bury", "bury", product_ids, **fields)


def boost(multiplier, *product_ids, rule_id="the boost", **fields):
    return Rule(rule_id, "boost", product_ids, boost_multiplier=multiplier, **fields)


def pin(*product_ids, rule_id="the pin", **fields):
    return Rule(rule_id, "pin", product_ids, **fields)


def ids(moved):
    return [candidate.product_id for candidate in moved]


FOUR = {"a": 0.8, "b": 0.6, "c": 0.4, "d": 0.2}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "abcd"),
        ([bury("b", "x")], "acd"),
        ([boost(2, "c")], "acbd"),
        ([boost(2.5, "c")], "cabd"),
        ([boost(0.6, "a")], "bacd"),
        ([pin("d", "x", "b")], "dbac"),
        ([pin("c"), pin("d", "c")], "cdab"),
        ([bury("a"), boost(4, "d"), pin("c")], "cdb"),
        ([pin("a", "d"), bury("d")], "abc"),
        ([boost(5, "b"), bury("b")], "acd"),
    ],
)
def test_rules_bury_then_boost_then_pin(rules, expected):
    assert "".join(ids(apply_rules(candidates(**FOUR), rules))) == expected


def test_scores_are_multiplied_and_one_at_most():
    moved = apply_rules(candidates(**FOUR), [boost(5, "c"), boost(1.5, "d"), boost(0.5, "d", rule_id="a second")])
    assert [(c.product_id, c.score) for c in moved] == [
        ("c", 1.0),
        ("a", 0.8),
        ("b", 0.6),
        ("d", pytest.approx(0.2 * 1.5 * 0.5)),
    ]


def test_boosted_alike_products_keep_their_order():
    assert ids(apply_rules(candidates(**FOUR), [boost(5, "a", "b", "c")])) == ["a", "b", "c", "d"]


def test_products_that_no_rule_boosts_keep_an_order_that_is_not_that_of_their_scores():
    varied = candidates(a=0.8, b=0.3, c=0.7, d=0.2)
    assert ids(apply_rules(varied, [boost(2, "d")])) == ["a", "d", "b", "c"]


def test_moved_products_carry_the_rules_that_moved_them():
    rules = [pin("c"), pin("c", "d", rule_id="a later pin"), boost(2, "c")]
    applied = {c.product_id: c.applied_rules for c in apply_rules(candidates(**FOUR), rules)}
    assert applied == {
        "a": (),
        "b": (),
        "c": (AppliedRule("the boost", "boost"), AppliedRule("the pin", "pin")),
        "d": (AppliedRule("a later pin", "pin"),),
    }


def test_words_and_time_open_rules():
    red = pin("a", occasion=Occasion("query_contains", "red"))
    over = pin("b", occasion=Occasion(end_at=NOON))
    assert open_rules([red, over, pin("c")], "a red dress", NOON) == (red, pin("c"))
    assert open_rules([red, over], "blue", NOON) == ()


def test_a_rule_for_a_category_comes_about_where_a_result_has_it():
    shoes = [Candidate(pk=1, product_id="boot", similarity=0.9, score=0.9, category="SHOES")]
    rules = (pin("d", occasion=IN_SHOES), pin("c"))
    assert coming_rules(rules, categories_of(shoes)) == rules
    assert coming_rules(rules, categories_of(candidates(**FOUR))) == (pin("c"),)


def test_what_is_out_of_stock_is_not_pinned_unless_the_rule_goes_past_filters():
    found = [replace(candidate, in_stock=candidate.product_id != "d") for candidate in candidates(**FOUR)]
    assert ids(apply_rules(found, [pin("d", "c")])) == ["c", "a", "b", "d"]
    assert ids(apply_rules(found, [pin("d", "c", ignore_filters=True)])) == ["d", "c", "a", "b"]


RULES = [
    bury("buried"),
    bury("maybe", occasion=IN_SHOES),
    pin("pinned", "buried"),
    pin("anyway", ignore_filters=True),
    boost(2, "raised"),
    boost(0.5, "lowered"),
]


def test_a_search_leaves_out_what_is_buried_whatever_is_found():
    assert buried_by(RULES) == {"buried"}


def test_a_search_looks_for_what_rules_raise():
    assert wanted_by(RULES) == Wanted(
        product_ids=frozenset({"pinned", "anyway", "raised"}),
        pinned_ids=frozenset({"pinned", "anyway"}),
        unfiltered_ids=frozenset({"anyway"}),
    )


def test_a_search_looks_for_a_bounded_number_of_products():
    wanted = wanted_by([pin(*(f"{rule}-{n}" for n in range(90)), rule_id=str(rule)) for rule in range(4)])
    assert len(wanted.product_ids) == MAX_WANTED == 200
    assert wanted.product_ids == {f"{rule}-{n}" for rule in (0, 1) for n in range(90)} | {f"2-{n}" for n in range(20)}
    assert wanted.pinned_ids == wanted.product_ids
