"""The words of the seven languages that queries are understood in, from `vocabulary`.

`things.csv`, `qualities.csv` and `colors.csv` were taken from the lexicon that the encoder was trained with
(`training/lexicon`) without the names of single grocery articles; `grammar.toml` was written for queries.
"""

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from catalog.vision.palette import EXAMPLES, SYNONYMS
from search.natural_language.tokens import OPTIONAL_MARKS, Phrases, fold, tokenize

VOCABULARY = Path(__file__).resolve().parent / "vocabulary"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")

# What is worn or stands in rooms is named by colour even where the colour is a thing itself: an orange dress. Beside
# other things such a word is their kind: a lemon squeezer, a wine glass.
NAMED_BY_KIND = frozenset(
    ("food", "kitchenware", "appliance", "tool", "garden product", "household product", "pet supply", "stationery")
)
# A ring of gold is no yellow ring, whatever the picture shows.
METALS = frozenset(("gold", "silver", "bronze"))
# Qualities that tell who wears a thing or how it looks, after which nothing more is needed.
LOOSE_QUALITIES = frozenset(("style", "audience"))


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


@dataclass(frozen=True)
class Lexicon:
    """All phrases: things and qualities, colours, small words by role, currencies, measures, ordinary words."""

    things: Phrases[Meaning]
    colors: Phrases[Color]
    roles: dict[str, Phrases[str]]
    other_meanings: dict[str, frozenset[str]]
    currencies: Phrases[str]
    shared_currencies: dict[str, tuple[str, ...]]
    measures: frozenset[str]
    ordinary: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """Return the words of all languages, read once for each process."""
    with (VOCABULARY / "grammar.toml").open("rb") as file:
        grammar = tomllib.load(file)
    return Lexicon(
        things=_things(),
        colors=_colors(),
        roles=_roles(grammar),
        other_meanings={language: _folded(grammar[language].pop("ordinary")) for language in LANGUAGES},
        currencies=_currencies(grammar["currencies"]),
        shared_currencies={name: tuple(codes) for name, codes in grammar["shared_currencies"].items()},
        measures=_folded(grammar["measures"]["words"]),
        ordinary=_folded(grammar["ordinary"]["words"]),
    )


def _things() -> Phrases[Meaning]:
    phrases: Phrases[Meaning] = Phrases()
    rows = _rows("things.csv")
    within = {row["thing"]: row["within"] for row in rows}
    named = [(Thing(row["thing"], tuple(_ancestors(row["thing"], within))), row) for row in rows]
    named += [(Thing(row["value"], quality=row["quality"]), row) for row in _rows("qualities.csv")]
    for thing, row in named:
        for language, word in _words(row):
            phrases.add(word, Meaning(language, thing))
    return phrases


def _colors() -> Phrases[Color]:
    """Return the colours in words; what the palette calls them in English goes before."""
    phrases: Phrases[Color] = Phrases()
    words = [(language, word, row["color"]) for row in _rows("colors.csv") for language, word in _words(row)]
    unsure = {word.rstrip("?") for language, word, _ in words if language == "en" and word.endswith("?")}
    named = {name: name for name in EXAMPLES} | SYNONYMS
    for word, name in named.items():
        if word not in METALS:
            phrases.add(word, Color("en", name, word not in unsure))
    for language, word, name in words:
        if language != "en" or word.rstrip("?") not in named:
            phrases.add(word.rstrip("?"), Color(language, name, not word.endswith("?")))
    return phrases


def _words(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    for language in LANGUAGES:
        for word in row[language].split("|"):
            yield language, word


def _roles(grammar: dict[str, dict[str, list[str]]]) -> dict[str, Phrases[str]]:
    roles: dict[str, Phrases[str]] = {}
    for language in LANGUAGES:
        for role, words in grammar[language].items():
            for word in words:
                roles.setdefault(role, Phrases()).add(word, language)
    return roles


def _currencies(words_of: dict[str, list[str]]) -> Phrases[str]:
    phrases: Phrases[str] = Phrases()
    for currency, words in words_of.items():
        for word in words:
            phrases.add(word, currency)
    return phrases


def _rows(name: str) -> list[dict[str, str]]:
    with (VOCABULARY / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _ancestors(name: str, within: dict[str, str]) -> Iterator[str]:
    while name := within[name]:
        yield name


def _folded(words: list[str]) -> frozenset[str]:
    """Return phrases as tokens of theirs are compared: folded, with one space between."""
    return frozenset(
        " ".join(fold(token.text) for token in tokenize(word) if token.text not in OPTIONAL_MARKS) for word in words
    )
