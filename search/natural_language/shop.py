"""The shop's own words, ready to be found in sentences: also in other languages, and in singular and plural."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from catalog.vocabulary.tokens import Phrases, Token, fold, tokenize
from catalog.vocabulary.words import Color, Meaning
from search.natural_language.lexicon import lexicon
from search.natural_language.nouns import Catalogue, FieldCondition

K = TypeVar("K")
V = TypeVar("V")
M = TypeVar("M", Meaning, Color)

# "Women > Dresses", "Dresses & Skirts".
LEVELS = re.compile(r"\s*[>/|]\s*")
PARTS = re.compile(r"\s*[&,+]\s*")


@dataclass(frozen=True)
class Shop:
    """What phrases mean to one shop.

    `categories_of` and `values_of` find them by things' keys, in any language; `categories_below` the categories of
    more special things: who asks for shoes wants sneakers too.
    """

    brands: Phrases[str]
    categories: Phrases[str]
    categories_of: dict[str, tuple[str, ...]]
    categories_below: dict[str, tuple[str, ...]]
    values: Phrases[FieldCondition]
    values_of: dict[str, tuple[FieldCondition, ...]]
    sizes: dict[str, str]
    currencies: tuple[str, ...]


@lru_cache(maxsize=64)
def shop_of(catalogue: Catalogue) -> Shop:
    """Return a catalogue's words, ready to be found; the last 64 catalogues are remembered."""
    parts = [(part, name) for name in catalogue.categories for part in _parts(name)]
    forms = [(form, name) for part, name in parts for form in (name, *_numbers(part))]
    kinds = [(meaning.thing, name) for part, name in _meanings(parts) for meaning in part if not meaning.thing.quality]
    conditions = [
        (value, FieldCondition(field.name, value))
        for field in catalogue.fields
        for value in field.values
        if _is_word(value)
    ]
    qualities = [(meaning.thing.key, condition) for part, condition in _meanings(conditions) for meaning in part]
    return Shop(
        brands=_phrases((brand, brand) for brand in catalogue.brands),
        categories=_phrases(forms),
        categories_of=_grouped((kind.key, name) for kind, name in kinds),
        categories_below=_grouped((key, name) for kind, name in kinds for key in kind.within),
        values=_phrases(conditions),
        values_of=_grouped(qualities),
        sizes=_sizes(catalogue),
        currencies=catalogue.currencies,
    )


def in_languages(meanings: list[M], languages: frozenset[str]) -> list[M]:
    """Return what a word means in these languages, or in any if it is no word of theirs."""
    return [meaning for meaning in meanings if meaning.language in languages] or meanings


def most_spoken(found: Iterable[set[str]]) -> frozenset[str]:
    """Return the languages that most words belong to, several if equally many do."""
    votes: dict[str, int] = {}
    for languages in found:
        for language in languages:
            votes[language] = votes.get(language, 0) + 1
    return frozenset(language for language, count in votes.items() if count == max(votes.values()))


def _parts(name: str) -> list[str]:
    """Return what the last level of a category's name consists of."""
    return [part for part in PARTS.split(LEVELS.split(name.strip())[-1]) if part]


def _numbers(name: str) -> list[str]:
    """Return a name in singular and plural by the rules of English, for words that the lexicon lacks."""
    forms = [name, name + "s"]
    if name.endswith("ies"):
        forms.append(name[:-3] + "y")
    elif name.endswith("s") and not name.endswith("ss"):
        forms.append(name[:-1])
    if name.endswith("y"):
        forms.append(name[:-1] + "ies")
    return forms


def _meanings(named: list[tuple[str, V]]) -> list[tuple[list[Meaning], V]]:
    """Return what names mean that are things of the lexicon, in the language that most of them are in."""
    found = []
    for name, value in named:
        tokens = tokenize(name)
        match = lexicon().things.longest(tokens, 0)
        if match is not None and match[0] == len(tokens):
            found.append((match[1], value))
    languages = most_spoken({meaning.language for meaning in meanings} for meanings, _ in found)
    return [(in_languages(meanings, languages), value) for meanings, value in found]


def _is_word(value: str) -> bool:
    """Tell whether a value may be looked for in sentences: S, 38 and no are too short to mean anything alone."""
    tokens = tokenize(value)
    is_color = (match := lexicon().colors.longest(tokens, 0)) is not None and match[0] == len(tokens)
    return len(value) > 2 and not value[0].isdigit() and not is_color


def _sizes(catalogue: Catalogue) -> dict[str, str]:
    """Return the values of fields that are called something like size, as they are written by folded form."""
    said = lexicon().roles["size"]
    is_size = {
        field: any(said.longest(tokens, i) for tokens in [_words(field.name)] for i in range(len(tokens)))
        for field in catalogue.fields
    }
    return {fold(value): value for field in catalogue.fields if is_size[field] for value in field.values}


def _words(name: str) -> list[Token]:
    return tokenize(name.replace("_", " "))


def _phrases(named: Iterable[tuple[str, V]]) -> Phrases[V]:
    phrases: Phrases[V] = Phrases()
    for name, value in named:
        phrases.add(name, value)
    return phrases


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    groups: dict[K, dict[V, None]] = {}
    for key, value in pairs:
        groups.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in groups.items()}
