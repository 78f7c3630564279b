"""The words of the seven languages that sentences are understood in.

Things, qualities and colours are those of `catalog/vocabulary`; `vocabulary/grammar.toml` was written for queries.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from catalog.vocabulary.tokens import OPTIONAL_MARKS, Phrases, fold, tokenize
from catalog.vocabulary.words import Color, Meaning, colors, things

VOCABULARY = Path(__file__).resolve().parent / "vocabulary"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")

# Qualities that tell who wears a thing or how it looks, after which nothing more is needed.
LOOSE_QUALITIES = frozenset(("style", "audience"))


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
        things=things(LANGUAGES),
        colors=colors(LANGUAGES),
        roles=_roles(grammar),
        other_meanings={language: _folded(grammar[language].pop("ordinary")) for language in LANGUAGES},
        currencies=_currencies(grammar["currencies"]),
        shared_currencies={name: tuple(codes) for name, codes in grammar["shared_currencies"].items()},
        measures=_folded(grammar["measures"]["words"]),
        ordinary=_folded(grammar["ordinary"]["words"]),
    )


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


def _folded(words: list[str]) -> frozenset[str]:
    """Return phrases as tokens of theirs are compared: folded, with one space between."""
    return frozenset(
        " ".join(fold(token.text) for token in tokenize(word) if token.text not in OPTIONAL_MARKS) for word in words
    )
