"""Words, numbers and marks of a text, and phrases that are looked up in it without regard to case and accents."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

# A number with its separators; an article or preposition that French and Italian write together with the next word;
# a word with apostrophes inside; anything else, character by character.
TOKEN = re.compile(
    r"\d+(?:[.,']\d+)*"
    r"|(?:[dljns]|qu|un|all|dall|dell|nell|sull)'(?=[^\W\d_])"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
    r"|\S",
    re.IGNORECASE,
)
# Control characters, and halves of characters that no encoding can write.
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# Letters with a stroke through them, which have no decomposition.
STROKES = str.maketrans("łŁøØđĐ", "lLoOdD")
APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'"})
# Marks that a name may be written with or without: H&M, t-shirt, Dr. Martens.
OPTIONAL_MARKS = frozenset(".&-/'")


class Token(NamedTuple):
    """A piece of a text at `start` to `end`: `folded` is without case, accents and apostrophes."""

    text: str
    folded: str
    start: int
    end: int
    is_number: bool
    is_mark: bool


def clean(text: str, *, max_length: int) -> str:
    """Return the beginning of a text in composed form, without characters that nobody can write."""
    return unicodedata.normalize("NFC", UNWRITABLE.sub(" ", text[:max_length])).strip()


def tokenize(text: str) -> list[Token]:
    """Return the pieces of a text in its order; white space is between them."""
    return [_token(match[0], match.start(), match.end()) for match in TOKEN.finditer(text.translate(APOSTROPHES))]


@lru_cache(maxsize=4_096)
def fold(text: str) -> str:
    """Return a word without case, accents and apostrophes, or as it is where nothing else is left."""
    decomposed = unicodedata.normalize("NFKD", text.translate(STROKES))
    kept = (char for char in decomposed if not unicodedata.combining(char) and char != "'")
    return "".join(kept).casefold() or text


@dataclass
class Phrases(Generic[T]):
    """Phrases with what they mean; the longest that begins at a token is found in as many steps as it has tokens."""

    values: list[T] = field(default_factory=list)
    longer: dict[str, "Phrases[T]"] = field(default_factory=dict)

    def add(self, phrase: str, value: T) -> None:
        tokens = tokenize(phrase)
        node = self
        for token in [token for token in tokens if token.text not in OPTIONAL_MARKS] or tokens:
            node = node.longer.setdefault(token.folded, Phrases())
        if tokens and value not in node.values:
            node.values.append(value)

    def longest(self, tokens: list[Token], start: int) -> "tuple[int, list[T]] | None":
        """Return where the longest phrase from `start` ends and what it means, or None if none begins there."""
        node, found = self, None
        for position in range(start, len(tokens)):
            token = tokens[position]
            deeper = node.longer.get(token.folded)
            if deeper is not None:
                node = deeper
                if node.values:
                    found = position + 1, node.values
            elif node is self or token.text not in OPTIONAL_MARKS:
                break
        return found


def _token(text: str, start: int, end: int) -> Token:
    category = unicodedata.category(text[0])
    return Token(
        text=text,
        folded=fold(text),
        start=start,
        end=end,
        is_number=category == "Nd",
        is_mark=category[0] == "P" or category in ("Sc", "Sm"),
    )
