"""A text in one language as the glossary reads it: piece by piece, what each means in any language."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import NamedTuple

from catalog.vocabulary.tokens import Phrases, Token, fold, tokenize
from catalog.vocabulary.words import (
    FOLDER,
    LANGUAGES,
    Color,
    Meaning,
    Thing,
    colors,
    quality_forms,
    read_rows,
    thing_forms,
    things,
)

# Languages that write a thing and what it is made or meant for as one word: Sommerkleid, zomerjurk.
COMPOUNDING = frozenset(("de", "nl"))
# What a colour's shade is written before it as: hellblau, lichtblauw, jasnoniebieski.
SHADES = {"de": ("hell", "dunkel"), "nl": ("licht", "donker"), "pl": ("jasno", "ciemno")}
# Endings of German adjectives, for colours that are not listed with all of theirs.
GERMAN_ENDINGS = ("es", "er", "en", "em", "e")
# Letters of the shorter half of such a word.
MIN_HALF = 3
# Small words, which tell nothing of a product.
SMALL = frozenset(("joins", "article", "linking", "asking"))


class Common(NamedTuple):
    """A word of `common.csv`: its kind, and how it is said in each language, the usual word first."""

    kind: str
    english: str


@dataclass(frozen=True)
class Piece:
    """Tokens `start` to `end` of a text: a thing or quality, a colour, a common word, or nothing that is known.

    `modifiers` are what a compound word begins with, `quality` is what a thing's name is beside another thing, as
    plaid is a blanket and a pattern.
    """

    start: int
    end: int
    text: str
    meaning: Thing | str | Common | None
    modifiers: tuple[Thing | Common, ...] = ()
    quality: Thing | None = None
    is_plural: bool = False

    @property
    def is_thing(self) -> bool:
        return isinstance(self.meaning, Thing) and not self.meaning.quality

    @property
    def is_color(self) -> bool:
        return isinstance(self.meaning, str)

    @property
    def is_small(self) -> bool:
        return isinstance(self.meaning, Common) and self.meaning.kind in SMALL

    @property
    def tells(self) -> bool:
        """Whether it says something of a product."""
        return self.meaning is not None and not self.is_small


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    language: str
    things: Phrases[Meaning]
    colors: Phrases[Color]
    common: Phrases[Common]
    prefixes: dict[str, Thing | Common] = field(default_factory=dict)


@cache
def words_of(language: str) -> Words:
    """Return the words of a language, read once for each process."""
    common: Phrases[Common] = Phrases()
    for meaning, forms in common_forms().items():
        for word in forms[language]:
            common.add(word, meaning)
    shades = (Common("shade", "light"), Common("shade", "dark"))
    prefixes: dict[str, Thing | Common] = dict(zip(SHADES.get(language, ()), shades, strict=False))
    if language in COMPOUNDING:
        for quality, said in quality_forms().items():
            prefixes |= {fold(word): quality for word in said[language] if " " not in word and len(word) >= MIN_HALF}
    return Words(language, things((language,)), colors((language,)), common, prefixes)


@cache
def common_forms() -> dict[Common, dict[str, list[str]]]:
    """Return the words that are neither things nor qualities nor colours, by language."""
    rows = read_rows("common.csv")
    return {
        Common(row["kind"], row["en"].split("|")[0]): {
            language: [word for word in row[language].split("|") if word] for language in LANGUAGES
        }
        for row in rows
    }


@cache
def english_words() -> frozenset[str]:
    """Return English words, folded, that are also words of other languages, or that begin and join English queries."""
    return frozenset((FOLDER / "english.txt").read_text(encoding="utf-8").split())


def read(text: str, language: str) -> list[Piece]:
    """Return a text piece by piece, as its words are meant in this language; marks between words are left out."""
    tokens = _tokens(text)
    pieces = list(_pieces(text, tokens, words_of(language)))
    return [_settled(piece, pieces, words_of(language), tokens) for piece in pieces]


@lru_cache(maxsize=256)
def _tokens(text: str) -> list[Token]:
    return [token for token in tokenize(text) if not token.is_mark or token.text in "&+"]


def _pieces(text: str, tokens: list[Token], words: Words) -> Iterator[Piece]:
    position = 0
    while position < len(tokens):
        piece = _piece(text, tokens, position, words)
        parts = _parts(text, tokens, piece, words)
        yield from parts or [piece]
        position = piece.end


def _piece(text: str, tokens: list[Token], start: int, words: Words) -> Piece:
    """Return the longest phrase from here on; a colour goes before a thing, and a thing before a small word."""
    found: list[tuple[int, int, Meaning | Color | Common]] = []
    for rank, match in enumerate(
        (
            words.common.longest(tokens, start),
            words.things.longest(tokens, start),
            words.colors.longest(tokens, start),
        )
    ):
        if match is not None:
            found.append((match[0], rank, match[1][0]))
    if not found:
        return _compound(text, tokens, start, words)
    end, _, meaning = max(found, key=lambda one: one[:2])
    written = text[tokens[start].start : tokens[end - 1].end]
    if isinstance(meaning, Color):
        return Piece(start, end, written, meaning.name, _shade(tokens[start].folded, meaning.name, words))
    if isinstance(meaning, Common):
        return Piece(start, end, written, meaning)
    thing = meaning.thing
    modifiers = _modifiers(tokens[start].folded, thing, words) if end == start + 1 and not thing.quality else ()
    _, meanings = words.things.longest(tokens[:end], start) or (end, [])
    quality = next((other.thing for other in meanings if other.thing.quality), None)
    return Piece(start, end, written, thing, modifiers, quality, is_plural=_is_plural(written, thing, words.language))


def _parts(text: str, tokens: list[Token], piece: Piece, words: Words) -> list[Piece]:
    """Return the words of a phrase one by one, where together they tell more: "blusa de seda" is no mere blouse."""
    if piece.end == piece.start + 1 or not (piece.is_thing or piece.is_color):
        return []
    parts, position = [], piece.start
    while position < piece.end:
        # The first of them must not be the whole phrase again.
        part = _piece(text, tokens[: piece.end - (position == piece.start)], position, words)
        parts.append(part)
        position = part.end
    says_the_same = any(part.meaning == piece.meaning for part in parts)
    tells_more = sum(part.tells for part in parts) > 1 and all(part.meaning is not None for part in parts)
    if piece.is_color:
        tells_more = tells_more and any(isinstance(part.meaning, Common) for part in parts)
    is_one_thing = sum(part.is_thing and part.quality is None for part in parts) <= 1
    return parts if says_the_same and tells_more and is_one_thing else []


def _compound(text: str, tokens: list[Token], start: int, words: Words) -> Piece:
    """Return a word that is not known, unless it is two words written as one, or a colour in another form."""
    token = tokens[start]
    if (color := _color(token.folded, words)) is not None:
        return Piece(start, start + 1, token.text, color, _shade(token.folded, color, words))
    for stem in _stems(token.folded, words):
        match = words.things.longest(tokenize(stem), 0)
        if match is not None and match[1][0].thing.quality:
            return Piece(start, start + 1, token.text, match[1][0].thing)
    for prefix, rest in _halves(token.folded, words):
        match = words.things.longest(tokenize(rest), 0)
        if match is not None and (thing := match[1][0].thing) and not thing.quality:
            return Piece(start, start + 1, token.text, thing, (words.prefixes[prefix],))
    return Piece(start, start + 1, token.text, None)


def _color(word: str, words: Words) -> str | None:
    """Return the colour that a word means which is not listed as it stands: hellblaues."""
    for stem in [word, *_stems(word, words)]:
        for rest in (stem, *(rest for _, rest in _halves(stem, words))):
            match = words.colors.longest(tokenize(rest), 0)
            if match is not None and match[1][0].is_sure:
                return match[1][0].name
    return None


def _stems(word: str, words: Words) -> list[str]:
    """Return what a German adjective may be without its ending."""
    if words.language != "de":
        return []
    return [word.removesuffix(ending) for ending in GERMAN_ENDINGS if word.endswith(ending)]


def _shade(word: str, color: str, words: Words) -> tuple[Common, ...]:
    """Return the shade that a word for a colour begins with; a dark blue that has a name of its own needs none."""
    for prefix, rest in _halves(word, words):
        shade = words.prefixes[prefix]
        if isinstance(shade, Common) and _color(rest, words) == color:
            return (shade,)
    return ()


def _modifiers(word: str, thing: Thing, words: Words) -> tuple[Thing | Common, ...]:
    for prefix, rest in _halves(word, words):
        match = words.things.longest(tokenize(rest), 0)
        if match is not None and match[1][0].thing == thing:
            return (words.prefixes[prefix],)
    return ()


def _halves(word: str, words: Words) -> Iterator[tuple[str, str]]:
    """Yield a compound word's beginning and rest, the longest beginning first; joining letters are in neither."""
    for end in range(len(word) - MIN_HALF, MIN_HALF - 1, -1):
        if word[:end] in words.prefixes:
            for rest in (word[end:], word[end:].removeprefix("s"), word[end:].removeprefix("n")):
                yield word[:end], rest


def _is_plural(written: str, thing: Thing, language: str) -> bool:
    """Tell whether an English name of a thing is the plural of another name of it, and not its usual one."""
    word, forms = written.lower(), [form.lower() for form in _forms_of(thing)[language]]
    singulars = (word.removesuffix("s"), word.removesuffix("es"))
    return language == "en" and word != forms[0] and any(word != one and one in forms for one in singulars)


def _forms_of(thing: Thing) -> dict[str, list[str]]:
    return (quality_forms() if thing.quality else thing_forms())[thing]


def _settled(piece: Piece, pieces: list[Piece], words: Words, tokens: list[Token]) -> Piece:
    """Return what a word of several meanings means beside these others: what it colours or describes, if anything."""
    others = [other for other in pieces if other is not piece and other.is_thing]
    if piece.is_thing and piece.quality is not None and others:
        return replace(piece, meaning=piece.quality)
    if not piece.is_color or any(not _is_named_by_kind(other.meaning) for other in others):
        return piece
    color = words.colors.longest(tokens[: piece.end], piece.start)
    thing = words.things.longest(tokens[: piece.end], piece.start)
    if color is None or color[1][0].is_sure or thing is None or thing[0] != piece.end:
        return piece
    return replace(piece, meaning=thing[1][0].thing)


def _is_named_by_kind(meaning: Thing | str | Common | None) -> bool:
    return isinstance(meaning, Thing) and meaning.is_named_by_kind
