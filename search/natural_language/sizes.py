"""Sizes as shoppers say them: letters, numbers of a country, and what the shop itself calls a size."""

import re

from search.natural_language.nouns import Interpretation
from search.natural_language.prices import is_price
from search.natural_language.sentence import Finding, Sentence

LETTERS = re.compile(r"(?:x{1,4}|[2-6]x)?[sl]|m", re.IGNORECASE)
NUMBER = re.compile(r"\d{1,3}(?:[.,]5)?")
# In lower case some of these are ordinary words.
COUNTRIES = frozenset(("EU", "UK", "US", "FR", "IT", "DE", "ES", "JP", "BR", "AU"))
ALWAYS_COUNTRIES = frozenset(("EU", "UK"))
NAMED = {"small": "S", "medium": "M", "large": "L", "x-large": "XL", "klein": "S", "mittel": "M", "groß": "L"}


def read_sizes(sentence: Sentence, start: int, *, is_excluded: bool = False) -> Finding | None:
    """Return the sizes at this position: "size M or L", "EU 42", "XL", or a number that is a size of the shop."""
    said = sentence.says("size", start)
    end, sizes = start if said is None else _after_full_stop(sentence, said), []
    while (size := _size(sentence, end, is_said=said is not None)) is not None:
        sizes.append(sentence.shop.sizes.get(size[1].casefold(), size[1]))
        last = size[0]
        end = _next(sentence, last)
    if not sizes:
        return None
    asks = Interpretation(excluded_sizes=tuple(sizes)) if is_excluded else Interpretation(sizes=tuple(sizes))
    return Finding(start, last, ("size is not " if is_excluded else "size ") + " or ".join(sizes), asks)


def _after_full_stop(sentence: Sentence, position: int) -> int:
    """Return where an abbreviation is over: "Gr. 38"."""
    return position + 1 if sentence.is_mark(position) and sentence.tokens[position].text in ".:" else position


def _next(sentence: Sentence, end: int) -> int:
    """Return where another size may follow: "M or L", "38, 40", "S/M"."""
    if sentence.is_mark(end) and sentence.tokens[end].text in ",/":
        end += 1
    return sentence.skip(("joins",), end)


def _size(sentence: Sentence, start: int, *, is_said: bool) -> tuple[int, str] | None:
    if start >= len(sentence.tokens) or is_price(sentence, start):
        return None
    return (
        _of_country(sentence, start, is_said=is_said)
        or _of_waist_and_length(sentence, start)
        or _of_letters(sentence, start, is_said=is_said)
        or _of_number(sentence, start, is_said=is_said)
    )


def _of_country(sentence: Sentence, start: int, *, is_said: bool) -> tuple[int, str] | None:
    """Return "EU 42", also where the country stands behind."""
    for country, number in ((start, start + 1), (start + 1, start)):
        if not (_is_country(sentence, country, is_said=is_said) and _is_size_number(sentence, number)):
            continue
        return start + 2, f"{sentence.tokens[country].text.upper()} {sentence.tokens[number].text.replace(',', '.')}"
    return None


def _of_waist_and_length(sentence: Sentence, start: int) -> tuple[int, str] | None:
    """Return "W32 L34" of trousers."""
    tokens = sentence.tokens
    letters = [token.folded for token in tokens[start : start + 5] if token.text != "/"]
    if letters[:3:2] != ["w", "l"] or not (sentence.touches(start + 1) and _is_size_number(sentence, start + 1)):
        return None
    end = start + (5 if tokens[start + 2].text == "/" else 4)
    if not _is_size_number(sentence, end - 1):
        return None
    return end, f"W{tokens[start + 1].text} L{tokens[end - 1].text}"


def _of_letters(sentence: Sentence, start: int, *, is_said: bool) -> tuple[int, str] | None:
    """Return "XL"; unsaid it must end what is spoken of, and S, M and L must be capitals: not "L-shaped sofa"."""
    tokens = sentence.tokens
    end = start + 1
    if sentence.is_number(start) and sentence.touches(end):
        end += 1
    text = sentence.slice(start, min(end, len(tokens)))
    if is_said and (name := NAMED.get(text.lower())) is not None:
        return end, name
    if not LETTERS.fullmatch(text):
        return None
    if is_said or _stands_alone(sentence, start, end):
        return end, text.upper()
    return None


def _of_number(sentence: Sentence, start: int, *, is_said: bool) -> tuple[int, str] | None:
    """Return a number that is said to be a size, or is one of the shop's."""
    if not _is_size_number(sentence, start) or sentence.is_measure(start + 1):
        return None
    text = sentence.tokens[start].text
    if is_said or (text in sentence.shop.sizes and not sentence.touches(start) and not sentence.touches(start + 1)):
        return start + 1, text.replace(",", ".")
    return None


def _stands_alone(sentence: Sentence, start: int, end: int) -> bool:
    text = sentence.slice(start, end)
    if (len(text) == 1 and not text.isupper()) or start == 0:
        return False
    if sentence.touches(start) and sentence.tokens[start - 1].text not in ",/(":
        return False
    if end == len(sentence.tokens):
        return True
    if sentence.is_mark(end):
        return not sentence.touches(end) or sentence.tokens[end].text in ",./;!?)"
    roles = ("not", "joins", "below", "above", "around", "between", "glue", "by", "at_least_weakly", "or_less")
    return sentence.says_any(roles, end) is not None or is_price(sentence, end)


def _is_country(sentence: Sentence, position: int, *, is_said: bool) -> bool:
    if position >= len(sentence.tokens):
        return False
    text = sentence.tokens[position].text
    return (text if not is_said else text.upper()) in COUNTRIES or text.upper() in ALWAYS_COUNTRIES


def _is_size_number(sentence: Sentence, position: int) -> bool:
    return sentence.is_number(position) and NUMBER.fullmatch(sentence.tokens[position].text) is not None
