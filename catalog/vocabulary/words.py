"""The words that shops and shoppers have for things, their qualities and their colours, in eight languages.

`things.csv`, `qualities.csv` and `colors.csv` were taken from the lexicon that the encoder was trained with
(`training/lexicon`) without the names of single grocery articles; their Polish was written for the most frequent.
"""

import csv
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from catalog.vision.palette import EXAMPLES, SYNONYMS
from catalog.vocabulary.tokens import Phrases

FOLDER = Path(__file__).resolve().parent
# ISO 639-1; English comes first.
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")

# What is worn or stands in rooms is named by colour even where the colour is a thing itself: an orange dress. Beside
# other things such a word is their kind: a lemon squeezer, a wine glass.
NAMED_BY_KIND = frozenset(
    ("food", "kitchenware", "appliance", "tool", "garden product", "household product", "pet supply", "stationery")
)
# A ring of gold is no yellow ring, whatever the picture shows.
METALS = frozenset(("gold", "silver", "bronze"))


class Thing(NamedTuple):
    """A kind of product with the kinds it belongs to, the nearest first, or a quality such as material cotton."""

    name: str
    within: tuple[str, ...] = ()
    quality: str = ""

    @property
    def key(self) -> str:
        """What tells this from other things; of a kind simply its name."""
        return f"{self.quality}: {self.name}" if self.quality else self.name

    @property
    def is_named_by_kind(self) -> bool:
        return not NAMED_BY_KIND.isdisjoint((self.name, *self.within))

    @property
    def is_food(self) -> bool:
        return "food" in (self.name, *self.within)


class Meaning(NamedTuple):
    """A thing that a phrase means in one language."""

    language: str
    thing: Thing


class Color(NamedTuple):
    """A colour that a phrase means in one language; unsure where the word is first of all a thing, as orange."""

    language: str
    name: str
    is_sure: bool


def things(languages: Collection[str] = LANGUAGES) -> Phrases[Meaning]:
    """Return the phrases for things and qualities in these languages."""
    phrases: Phrases[Meaning] = Phrases()
    for thing, forms in [*thing_forms().items(), *quality_forms().items()]:
        for language in languages:
            for word in forms[language]:
                phrases.add(word, Meaning(language, thing))
    return phrases


def colors(languages: Collection[str] = LANGUAGES) -> Phrases[Color]:
    """Return the phrases for colours; what the palette calls them in English goes before."""
    phrases: Phrases[Color] = Phrases()
    words = [
        (language, word, name)
        for name, forms in color_forms().items()
        for language in languages
        for word in forms[language]
    ]
    unsure = {word.rstrip("?") for language, word, _ in words if language == "en" and word.endswith("?")}
    named = {name: name for name in EXAMPLES} | SYNONYMS
    for word, name in named.items():
        if word not in METALS:
            phrases.add(word, Color("en", name, word not in unsure))
    for language, word, name in words:
        if language != "en" or word.rstrip("?") not in named:
            phrases.add(word.rstrip("?"), Color(language, name, not word.endswith("?")))
    return phrases


@cache
def thing_forms() -> dict[Thing, dict[str, list[str]]]:
    """Return what each kind of product is called, by language, the usual word first; nothing where it is not known."""
    rows = read_rows("things.csv")
    within = {row["thing"]: row["within"] for row in rows}
    return {Thing(row["thing"], tuple(_ancestors(row["thing"], within))): _forms(row) for row in rows}


@cache
def quality_forms() -> dict[Thing, dict[str, list[str]]]:
    """Return how each quality is said, by language."""
    return {Thing(row["value"], quality=row["quality"]): _forms(row) for row in read_rows("qualities.csv")}


@cache
def color_forms() -> dict[str, dict[str, list[str]]]:
    """Return how each colour is said, by language; a word that is first of all a thing ends with a question mark."""
    return {row["color"]: _forms(row) for row in read_rows("colors.csv")}


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of this folder."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _forms(row: dict[str, str]) -> dict[str, list[str]]:
    return {language: [word for word in row[language].split("|") if word] for language in LANGUAGES}


def _ancestors(name: str, within: dict[str, str]) -> Iterator[str]:
    while name := within[name]:
        yield name
