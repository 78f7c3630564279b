"""Texts as shoppers and merchants write them, made up at random, each with what it means."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.lexicon import LANGUAGES, Kind, colors, kinds, qualities

# Shares of texts: with a colour, with a material or pattern, with a made-up brand, in a language other than English.
COLORED, QUALIFIED, BRANDED, FOREIGN = 0.55, 0.2, 0.25, 0.45
# So often the basic name of a colour is taken, or the usual name of a kind, rather than any of the words.
BASIC_COLOR, USUAL_NAME = 0.4, 0.3

ENGLISH = (
    "{}", "{}", "{}", "a {}", "the {}", "a photo of a {}", "photo of {}", "a picture of a {}", "an image of {}",
    "{} for sale", "product photo of a {}", "buy {}", "cheap {}", "new {}", "best {}", "a pair of {}",
)  # fmt: skip
FRAMES = {
    "en": ENGLISH,
    "de": ("{}", "{}", "{}", "ein {}", "eine {}", "Foto von {}", "{} kaufen", "{} günstig", "neue {}"),
    "fr": ("{}", "{}", "{}", "un {}", "une {}", "des {}", "photo de {}", "acheter {}", "{} pas cher"),
    "es": ("{}", "{}", "{}", "un {}", "una {}", "unos {}", "foto de {}", "comprar {}", "{} barato"),
    "it": ("{}", "{}", "{}", "un {}", "una {}", "dei {}", "foto di {}", "comprare {}", "{} economico"),
    "pt": ("{}", "{}", "{}", "um {}", "uma {}", "uns {}", "foto de {}", "comprar {}", "{} barato"),
    "nl": ("{}", "{}", "{}", "een {}", "de {}", "foto van {}", "{} kopen", "goedkope {}", "nieuwe {}"),
}
# Where colour words and other qualities stand; {k} is the kind, {c} the colour, {q} a quality.
COLOR_FIRST = ("{c} {k}", "{c} {k}", "{c} {k}", "{k} {c}", "{k} in {c}", "{k}, {c}", "{q} {c} {k}", "{c} {q} {k}")
COLOR_LAST = ("{k} {c}", "{k} {c}", "{k} {c}", "{c} {k}", "{k} {q} {c}", "{k} {c} {q}", "{k}, {c}")
ORDERS = {language: COLOR_FIRST if language in ("en", "de", "nl") else COLOR_LAST for language in LANGUAGES}

SYLLABLES = [
    "ar",
    "bel",
    "cor",
    "dan",
    "el",
    "fin",
    "gar",
    "hel",
    "in",
    "jo",
    "ka",
    "lo",
    "mar",
    "ne",
    "or",
    "pa",
    "qui",
    "ro",
    "sta",
    "te",
    "ul",
    "ver",
    "wil",
    "xen",
    "yor",
    "zen",
    "tra",
    "bri",
    "cle",
    "dor",
    "fro",
    "gle",
]


@dataclass(frozen=True)
class Caption:
    """A text, what it speaks of (the word in English, or the lexicon's name of the kind), and the colour or ""."""

    text: str
    word: str
    kind: str
    color: str


class Captions:
    """An endless source of captions; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds = list(kinds().values())
        self._qualities = list(qualities().values())

    def of_kind(self, kind: Kind, *, color: str | None = None) -> Caption:
        """Return a caption of a kind, in a colour, in none (""), or as it happens."""
        language = self._language(kind)
        word = self._word_of(kind.words[language])
        if color is None:
            color = self._color() if self._random.random() < COLORED else ""
        spoken = self._color_word(color, language) if color else ""
        return Caption(self._phrase(word, spoken, language), word if language == "en" else "", kind.name, color)

    def of_any_kind(self) -> Caption:
        """Return a caption of any kind of the lexicon."""
        return self.of_kind(self._random.choice(self._kinds))

    def of_word(self, word: str) -> Caption:
        """Return a caption of an English name of a thing."""
        color = self._color() if self._random.random() < COLORED else ""
        spoken = self._color_word(color, "en") if color else ""
        return Caption(self._phrase(word, spoken, "en"), word, "", color)

    def _language(self, kind: Kind) -> str:
        if self._random.random() >= FOREIGN:
            return "en"
        return self._random.choice([language for language in LANGUAGES if kind.words[language]])

    def _word_of(self, words: Sequence[str]) -> str:
        return words[0] if self._random.random() < USUAL_NAME else self._random.choice(words)

    def _color(self) -> str:
        return self._random.choice(list(colors()))

    def _color_word(self, color: str, language: str) -> str:
        words = colors()[color].words[language]
        return words[0] if self._random.random() < BASIC_COLOR else self._random.choice(words)

    def _phrase(self, word: str, color: str, language: str) -> str:
        quality = self._quality(language) if self._random.random() < QUALIFIED else ""
        order = self._random.choice(ORDERS[language])
        phrase = " ".join(order.format(k=word, c=color, q=quality).replace(" in ,", "").split())
        phrase = phrase.removesuffix(" in").strip(" ,")
        if self._random.random() < BRANDED:
            phrase = f"{self._brand()} {phrase}" if self._random.random() < 0.7 else f"{phrase} {self._brand()}"
        else:
            phrase = self._random.choice(FRAMES[language]).format(phrase)
        return phrase.lower() if self._random.random() < 0.4 else phrase

    def _quality(self, language: str) -> str:
        words = self._random.choice(self._qualities).words[language]
        return self._random.choice(words) if words else ""

    def _brand(self) -> str:
        names = ["".join(self._random.choices(SYLLABLES, k=self._random.randint(1, 2))) for _ in range(2)]
        return " ".join(name.capitalize() for name in names[: self._random.choice((1, 1, 2))])
