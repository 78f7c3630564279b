"""From a sentence to what it asks for, and to what remains for the vector search."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import and_

from catalog.vocabulary.tokens import OPTIONAL_MARKS, clean
from search.natural_language.nouns import Catalogue, Interpretation, Understood
from search.natural_language.prices import read_price
from search.natural_language.reading import (
    read_brand,
    read_category,
    read_color,
    read_request,
    read_unwanted,
    read_value,
    read_wish,
)
from search.natural_language.sentence import Finding, Sentence
from search.natural_language.shop import shop_of
from search.natural_language.sizes import read_sizes

MAX_TEXT_LENGTH = 500
# The first that understands a position has it.
READERS: tuple[Callable[[Sentence, int], Finding | None], ...] = (
    read_request,
    read_price,
    read_unwanted,
    read_sizes,
    read_wish,
    read_brand,
)
# What may stand before words that were understood and carries nothing alone: "in size M", "and by Zara".
CARRYING_NOTHING = ("glue", "with", "article", "joins", "by")
MAX_GLUE = 4


def interpret(text: str, catalogue: Catalogue) -> Interpretation:
    """Return what a sentence in one of seven languages asks for; what is not understood stays in `words`.

    Only the first 500 characters are read. The same sentence and catalogue always give the same.
    """
    sentence = Sentence(clean(text, max_length=MAX_TEXT_LENGTH), shop_of(catalogue))
    findings = _with_glue(sentence, list(_read(sentence)))
    asks = reduce(and_, (finding.asks for finding in findings), Interpretation())
    words = _remaining(sentence, findings)
    if not words and asks == Interpretation():
        return Interpretation(words=" ".join(sentence.text.split()))
    understood = (
        Understood(sentence.slice(finding.start, finding.end).lstrip(", "), finding.meaning) for finding in findings
    )
    return replace(asks, words=words, understood=tuple(understood))


def _read(sentence: Sentence) -> Iterator[Finding]:
    """Yield what is understood from left to right.

    What stands behind "with" is a part of the product, and behind "for" another thing: colours of parts and categories
    of either are no filters.
    """
    position, behind, has_words = 0, "", False
    while position < len(sentence.tokens):
        finding = next((found for read in READERS if (found := read(sentence, position)) is not None), None)
        finding = finding or _described(sentence, position, behind)
        if finding is not None:
            yield finding
            has_words = has_words or finding.stays
            position = finding.end
            continue
        small = _preposition(sentence, position)
        if small is not None:
            behind = small[1] if has_words else ""
            position = small[0]
        elif sentence.is_mark(position):
            behind = behind if sentence.tokens[position].text in OPTIONAL_MARKS else ""
            position += 1
        else:
            has_words = has_words or sentence.says_any(CARRYING_NOTHING, position) is None
            name = sentence.things_at(position)
            position = position + 1 if name is None else name[0]


def _described(sentence: Sentence, position: int, behind: str) -> Finding | None:
    """Return the longest of a category, a field's value and a colour."""
    found = [
        read_category(sentence, position) if not behind else None,
        read_value(sentence, position),
        read_color(sentence, position) if behind != "with" else None,
    ]
    return max((one for one in found if one is not None), key=lambda one: one.end, default=None)


def _preposition(sentence: Sentence, position: int) -> tuple[int, str] | None:
    """Return where a preposition ends, and whether it tells of a part ("with") or of another thing ("for")."""
    end = sentence.says("with", position)
    if end is not None:
        return end, "with"
    end = sentence.says("glue", position)
    if end is None or sentence.says_any(("joins", "article"), position) is not None:
        return None
    return end, "for"


def _with_glue(sentence: Sentence, findings: list[Finding]) -> list[Finding]:
    """Return the findings with the small words before them that carry nothing alone."""
    widened: list[Finding] = []
    for finding in findings:
        floor = widened[-1].end if widened else 0
        widened.append(finding if finding.stays else _widen(sentence, finding, floor))
    return widened


def _widen(sentence: Sentence, finding: Finding, floor: int) -> Finding:
    start, end = finding.start, finding.end
    while (before := _glue_before(sentence, start, floor)) is not None:
        start = before
    if start == 0:
        end = sentence.says("joins", end) or end
    return replace(finding, start=start, end=end)


def _glue_before(sentence: Sentence, end: int, floor: int) -> int | None:
    if end > floor and sentence.tokens[end - 1].text == ",":
        return end - 1
    for start in range(max(floor, end - MAX_GLUE), end):
        if sentence.says_any(CARRYING_NOTHING, start) == end:
            return start
    return None


def _remaining(sentence: Sentence, findings: list[Finding]) -> str:
    """Return the text without what was understood and is not seen; marks stay only between words that stay."""
    removed = [finding for finding in findings if not finding.stays]
    starts = [0, *(finding.end for finding in removed)]
    ends = [*(finding.start for finding in removed), len(sentence.tokens)]
    runs = (_between_marks(sentence, start, end) for start, end in zip(starts, ends, strict=True))
    return " ".join(" ".join(runs).split())


def _between_marks(sentence: Sentence, start: int, end: int) -> str:
    while start < end and sentence.is_mark(start):
        start += 1
    while start < end and sentence.is_mark(end - 1):
        end -= 1
    return sentence.slice(start, end)
