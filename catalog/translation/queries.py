"""A shopper's words in English, which encoders and the words for types and colours know best.

A query is translated only where it is another language's for sure; any other stays as it is, to the letter.
"""

from functools import lru_cache

from catalog.translation.composing import compose
from catalog.translation.reading import Piece, english_words, read, words_of
from catalog.vocabulary.tokens import clean, fold
from catalog.vocabulary.words import LANGUAGES

# Characters of a query that are looked at.
MAX_LENGTH = 500
# A word of fewer letters tells no language.
MIN_LETTERS = 3


@lru_cache(maxsize=10_000)
def in_english(text: str) -> str:
    """Return a query in English, or nothing where it is English already or its language is not sure.

    The language is sure when a word that no English query has is known in it, or when it reads a colour and a thing
    where English reads no colour and no one thing; when all words that are English too are known in it; and when no
    more words are unknown than known.
    """
    language = language_of(text)
    if not language:
        return ""
    return compose(read(clean(text, max_length=MAX_LENGTH), language), "en", keep_unknown=True) or ""


def prepare() -> None:
    """Read the words of all languages, so that the first shopper need not wait for them."""
    for language in LANGUAGES:
        words_of(language)


def language_of(text: str) -> str:
    """Return the language other than English that a text is in for sure, by its ISO code, or nothing."""
    written = clean(text, max_length=MAX_LENGTH)
    english = read(written, "en")
    known_in_english = _known(english, plus=english_words())
    readings = ((language, read(written, language)) for language in LANGUAGES[1:])
    sure = [(language, pieces) for language, pieces in readings if _is_sure(pieces, english, known_in_english)]
    return max(sure, key=lambda one: _worth(one[1]), default=("", []))[0]


def _is_sure(pieces: list[Piece], english: list[Piece], known_in_english: frozenset[int]) -> bool:
    known = _known(pieces)
    unknown = sum(piece.meaning is None and piece.text.isalpha() for piece in pieces)
    telling = sum(piece.tells for piece in pieces)
    if not telling or unknown > telling or not known_in_english <= known:
        return False
    if any(piece.tells and _has_foreign_word(piece, known_in_english) for piece in pieces):
        return True
    reads_color = any(piece.is_color for piece in pieces) and any(piece.is_thing for piece in pieces)
    is_one_thing = all(piece.meaning is not None for piece in english) and sum(piece.is_thing for piece in english) == 1
    return reads_color and not is_one_thing and not any(piece.is_color for piece in english)


def _has_foreign_word(piece: Piece, known_in_english: frozenset[int]) -> bool:
    words = fold(piece.text).split() if piece.end - piece.start > 1 else [fold(piece.text)]
    longest = max(map(len, words), default=0)
    return longest >= MIN_LETTERS and not known_in_english.issuperset(_span(piece))


def _known(pieces: list[Piece], plus: frozenset[str] = frozenset()) -> frozenset[int]:
    """Return the positions of words that are known."""
    return frozenset(
        position
        for piece in pieces
        if piece.meaning is not None or fold(piece.text) in plus
        for position in _span(piece)
    )


def _span(piece: Piece) -> range:
    return range(piece.start, piece.end)


def _worth(pieces: list[Piece]) -> tuple[int, bool, int]:
    """Return how many words are known, whether they colour a thing, and how few pieces they make."""
    colors_thing = any(piece.is_color for piece in pieces) and any(piece.is_thing for piece in pieces)
    return len(_known(pieces)), colors_thing, -len(pieces)
