"""Other words for a query, as the merchant knows them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accounts.models import Tenant
from accounts.revisions import until_changed
from merchandising.models import SynonymSet
from merchandising.scopes import normalise

MAX_VARIANTS = 5
_TOKEN = re.compile(r"\w+|[^\w\s]")

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Synonyms:
    """What each phrase may also mean; a phrase is a tuple of normalised words and punctuation marks."""

    meanings: Mapping[Phrase, tuple[str, ...]]
    longest: int


def expand(tenant: Tenant, text: str) -> tuple[str, ...]:
    """Return a text and at most five variants of it, in each of which one phrase gives way to a synonym.

    Words are compared whole and without case. A longer phrase goes before a shorter one, and takes its words from it.
    """
    synonyms = synonyms_of(tenant)
    plain = normalise(text)
    replaced = sorted(_phrases(plain, synonyms), key=lambda found: len(found[2]), reverse=True)
    variants = dict.fromkeys(
        f"{plain[:start]}{meaning}{plain[end:]}"
        for start, end, phrase in replaced
        for meaning in synonyms.meanings[phrase]
    )
    return (text, *list(variants)[:MAX_VARIANTS])


@until_changed
def synonyms_of(tenant: Tenant) -> Synonyms:
    """Return the active synonyms of a tenant; the newest go first."""
    meanings: dict[Phrase, dict[str, None]] = defaultdict(dict)
    for row in SynonymSet.objects.filter(tenant=tenant, active=True).order_by(*SynonymSet.SHOWN_ORDER):
        words = [normalise(word) for word in row.words]
        for root in [normalise(row.root)] if row.root else words:
            meanings[tuple(_TOKEN.findall(root))] |= dict.fromkeys(word for word in words if word != root)
    return Synonyms(
        meanings={phrase: tuple(words) for phrase, words in meanings.items()},
        longest=max(map(len, meanings), default=0),
    )


def _phrases(plain: str, synonyms: Synonyms) -> Iterator[tuple[int, int, Phrase]]:
    """Find the phrases that have synonyms, from left to right, the longest at each word: start, end and phrase."""
    tokens = list(_TOKEN.finditer(plain))
    first = 0
    while first < len(tokens):
        for length in range(min(synonyms.longest, len(tokens) - first), 0, -1):
            here = tokens[first : first + length]
            phrase = tuple(token.group() for token in here)
            if phrase in synonyms.meanings:
                yield here[0].start(), here[-1].end(), phrase
                break
        else:
            length = 1
        first += length
