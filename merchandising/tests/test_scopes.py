from datetime import UTC, datetime

import pytest

from merchandising.scopes import Occasion, holds, normalise

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE = datetime(2026, 11, 21, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Red \t DRESS\n", "red dress"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Crème", "crème"),
        ("Cre\u0300me", "crème"),
        ("\uff32\uff45\uff44", "red"),
        ("", ""),
    ],
)
def test_texts_are_compared_without_case_and_spare_white_space(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("red dresses", "Dress", True),
        ("Red  dresses", "red dress", True),
        ("earrings", "ring", False),
        ("earrings and a ring", "ring", True),
        ("size-m dress", "m", True),
        ("t-shirt", "-shirt", True),
        ("dress", "dresses", False),
        ("", "dress", False),
    ],
)
def test_a_text_holds_what_begins_with_a_word_of_it(text, part, expected):
    assert holds(text, part) is expected


@pytest.mark.parametrize(
    ("scope_type", "scope_value", "text", "expected"),
    [
        ("always", "", "", True),
        ("query_exact", "Red Dress", "red  dress", True),
        ("query_exact", "red dress", "red dresses", False),
        ("query_exact", "red", "", False),
        ("query_contains", "red", "a RED dress", True),
        ("query_contains", "red", "", False),
        ("category_match", "shoes", "", True),
    ],
)
def test_words_open_an_occasion(scope_type, scope_value, text, expected):
    assert Occasion(scope_type, scope_value).is_open(text, NOON) is expected


@pytest.mark.parametrize(
    ("start", "end", "at", "expected"),
    [
        (NOON, None, NOON, True),
        (ONE, None, NOON, False),
        (None, ONE, NOON, True),
        (None, ONE, ONE, False),
        (NOON, ONE, NOON, True),
    ],
)
def test_an_occasion_begins_with_its_start_and_is_over_at_its_end(start, end, at, expected):
    assert Occasion(start_at=start, end_at=end).is_open("", at) is expected


def test_a_category_among_the_results_brings_it_about():
    occasion = Occasion("category_match", "Running Shoes")
    assert occasion.comes({"running shoes", "bags"})
    assert not occasion.comes({"shoes"})
    assert Occasion().comes(set())
