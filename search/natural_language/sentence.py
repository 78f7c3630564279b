"""A shopper's sentence as everything else reads it: its tokens, and what is known about each."""

from dataclasses import dataclass
from functools import cached_property

from catalog.vocabulary.tokens import Token, tokenize
from catalog.vocabulary.words import Color, Meaning
from search.natural_language.lexicon import lexicon
from search.natural_language.nouns import Interpretation
from search.natural_language.shop import Shop, in_languages, most_spoken

# Languages in which what describes a thing stands behind it.
ROMANCE = frozenset(("fr", "es", "it", "pt"))

MAX_SKIPPED = 4
# The small words that hold a sentence together.
CONNECTING = ("not", "joins", "article", "glue", "by", "with")


@dataclass(frozen=True)
class Finding:
    """Tokens `start` to `end` and what they ask for; where it `stays`, the vector search gets the words too."""

    start: int
    end: int
    meaning: str
    asks: Interpretation
    stays: bool = False


@dataclass(frozen=True)
class Sentence:
    """A text with its shop. Positions are those of tokens; what is found there is (end, meanings) or None."""

    text: str
    shop: Shop

    @cached_property
    def tokens(self) -> list[Token]:
        return tokenize(self.text)

    @cached_property
    def things(self) -> list[tuple[int, list[Meaning]] | None]:
        return [lexicon().things.longest(self.tokens, i) for i in range(len(self.tokens))]

    @cached_property
    def colors(self) -> list[tuple[int, list[Color]] | None]:
        return [lexicon().colors.longest(self.tokens, i) for i in range(len(self.tokens))]

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages that most words are in: by things, by colours, and by what excludes and compares."""
        found: list[set[str]] = []
        for i in range(len(self.tokens)):
            meanings = [meaning for hit in (self.things[i], self.colors[i]) if hit is not None for meaning in hit[1]]
            found.append({meaning.language for meaning in meanings})
            for role in ("below", "above", *CONNECTING):
                match = lexicon().roles[role].longest(self.tokens, i)
                if match is not None:
                    found.append(set(match[1]))
        return most_spoken(found)

    @property
    def is_romance(self) -> bool:
        return bool(self.languages) and self.languages <= ROMANCE

    def slice(self, start: int, end: int) -> str:
        """Return the text of tokens `start` to `end` as it was written."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end] if start < end else ""

    def says(self, role: str, start: int) -> int | None:
        """Return where a small word of this role ends, or None if there is none or it means something else here."""
        match = lexicon().roles[role].longest(self.tokens, start) if start < len(self.tokens) else None
        if match is None:
            return None
        word = self.tokens[start].folded
        means_else = any(word in lexicon().other_meanings[language] for language in self.languages)
        if match[0] == start + 1 and means_else and self.languages.isdisjoint(match[1]):
            return None
        return match[0]

    def says_any(self, roles: tuple[str, ...], start: int) -> int | None:
        """Return where the longest small word of these roles ends."""
        return max((end for role in roles if (end := self.says(role, start)) is not None), default=None)

    def skip(self, roles: tuple[str, ...], start: int) -> int:
        """Return where the words of these roles are over, of which a sentence never has more than a few in a row."""
        for _ in range(MAX_SKIPPED):
            start = self.says_any(roles, start) or start
        return start

    def is_mark(self, position: int) -> bool:
        return position < len(self.tokens) and self.tokens[position].is_mark

    def is_number(self, position: int) -> bool:
        return position < len(self.tokens) and self.tokens[position].is_number

    def touches(self, position: int) -> bool:
        """Tell whether a token follows the one before it without a space."""
        return 0 < position < len(self.tokens) and self.tokens[position - 1].end == self.tokens[position].start

    def is_measure(self, position: int) -> bool:
        """Tell whether a number before this position counts centimetres, years or people; M and L are sizes."""
        if position >= len(self.tokens) or self.tokens[position].text in ("M", "L"):
            return False
        return self.tokens[position].folded in lexicon().measures

    def things_at(self, position: int) -> tuple[int, list[Meaning]] | None:
        """Return the longest thing from here on, as it is meant in the sentence's language: "or" is gold in French."""
        hit = self.things[position] if position < len(self.things) else None
        if hit is None:
            return None
        meanings = in_languages(hit[1], self.languages)
        is_foreign = self.languages.isdisjoint(meaning.language for meaning in meanings)
        if is_foreign and hit[0] == position + 1 and self.says_any(CONNECTING, position) is not None:
            return None
        return hit[0], meanings

    def thing_before(self, position: int) -> list[Meaning]:
        """Return the thing whose name ends here."""
        for start in range(max(0, position - 4), position):
            hit = self.things_at(start)
            if hit is not None and hit[0] == position:
                return hit[1]
        return []
