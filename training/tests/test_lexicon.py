"""The words in `training/lexicon` are usable, and those that are held out are nowhere among them."""

import csv
from pathlib import Path

import pytest

from training.lexicon import LANGUAGES, colors, kinds, qualities

EVALUATION = Path(__file__).parents[1] / "evaluation"


def test_every_kind_has_words_in_every_language() -> None:
    assert [
        (kind.name, language) for kind in kinds().values() for language in LANGUAGES if not kind.words[language]
    ] == []


def test_the_first_english_word_is_the_kind_itself() -> None:
    assert [kind.name for kind in kinds().values() if kind.words["en"][0].lower() != kind.name] == []


def test_every_parent_is_a_kind() -> None:
    assert {kind.parent for kind in kinds().values()} - {"", *kinds()} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_colour_word_belongs_to_one_colour(language: str) -> None:
    words = [word.lower() for color in colors().values() for word in color.words[language]]
    assert sorted(words) == sorted(set(words))


def test_qualities_are_of_four_groups() -> None:
    assert {quality.group for quality in qualities().values()} == {"material", "pattern", "style", "audience"}


def test_held_out_words_are_in_no_list() -> None:
    with (EVALUATION / "synonyms.csv").open(newline="") as file:
        held_out = {row["word"] for row in csv.DictReader(file) if row["listed"] == "no"}
    assert len(held_out) == 8
    listed = {word.lower() for kind in kinds().values() for words in kind.words.values() for word in words}
    assert held_out & listed == set()
