"""The words for kinds of products, colours and qualities in seven languages, from the tables in `training/lexicon`."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lexicon"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")


@dataclass(frozen=True)
class Entry:
    """What is called by these words, the usual one first; the words are given by language."""

    name: str
    words: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Kind(Entry):
    """A kind of product: part of a broader one, or not (""), and shown by these classes of ImageNet (in lower case)."""

    parent: str
    imagenet: tuple[str, ...]


@dataclass(frozen=True)
class Quality(Entry):
    """A material, a pattern, a style, or whom a product is for."""

    group: str


@cache
def kinds() -> dict[str, Kind]:
    """Return all kinds by their name."""
    return {
        row["kind"]: Kind(row["kind"], _words(row), parent=row["parent"], imagenet=_split(row["imagenet"].lower()))
        for table in sorted(FOLDER.glob("kinds-*.csv"))
        for row in _rows(table)
    }


@cache
def colors() -> dict[str, Entry]:
    """Return the sixteen basic colours by their name."""
    return {row["colour"]: Entry(row["colour"], _words(row)) for row in _rows(FOLDER / "colours.csv")}


@cache
def qualities() -> dict[str, Quality]:
    """Return materials, patterns, styles and audiences by their name."""
    return {
        row["value"]: Quality(row["value"], _words(row), group=row["group"]) for row in _rows(FOLDER / "qualities.csv")
    }


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _words(row: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {language: _split(row[language]) for language in LANGUAGES}


def _split(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split("|") if word.strip())
