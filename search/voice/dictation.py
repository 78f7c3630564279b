"""Speech to words on this machine, as a process of its own: PocketSphinx, which expects what shoppers say.

It holds Python's lock while it listens, so inside a web process it would keep all other requests waiting.
Its own language model is of general dictation; one of shoppers' sentences, made here of the vocabulary's English words,
is wrong half as often and three times as quick: see `docs/voice.md`.
"""

import itertools
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder, Vad, get_model_path
from pocketsphinx.lm import ArpaBoLM

from catalog.vocabulary.words import read_rows
from search.voice.recordings import RATE
from search.voice.spoken_numbers import ONES, TEENS, TENS

LENGTH = struct.Struct("<I")
# The recogniser hears the first word only after a little quiet, and is lost in the perfect silence of a machine: noise
# of this deviation, of 32,768, is the best of 0, 10, 30, 60 and 100.
QUIET = RATE * 3 // 10
NOISE = 30
# Least length of speech, in pieces of the voice detector.
MIN_SPEECH_FRAMES = 3
# Of each thing the commonest names; rarer ones are taken for each other.
NAMES_OF_THING, NAMES_OF_QUALITY, NAMES_OF_COLOR = 3, 3, 4

NUMBERS = (
    *(TENS * 3),
    *(f"{ten} {one}" for ten in TENS for one in ONES),
    *ONES,
    *TEENS,
    *(f"{one} hundred" for one in ONES),
    "a hundred",
)
CURRENCIES = ("dollars", "euros", "pounds", "")
SIZES = ("small", "medium", "large", "extra large", *ONES, *TEENS, *TENS, "thirty eight", "forty two")
WEARERS = ("men", "women", "kids", "girls", "boys", "babies")
BEGINNINGS = ("", "a", "the", "show me", "", "i am looking for a", "", "i want a")
ENDINGS = (
    "under {number} {currency}",
    "cheaper than {number} {currency}",
    "below {number} {currency}",
    "between {number} and {number} {currency}",
    "over {number} {currency}",
    "less than {number} {currency}",
    "not {color}",
    "without {quality}",
    "in {color}",
    "in {quality}",
    "size {size}",
    "in size {size}",
    "in stock",
    "for {wearer}",
    "under {number}",
)
PATTERNS = (
    "{thing}",
    "{color} {thing}",
    "{quality} {thing}",
    "{color} {thing} {ending}",
    "{beginning} {color} {quality} {thing}",
    "{beginning} {thing} {ending}",
    "{color} {quality} {thing} {ending}",
)


def main() -> None:
    """Write down what comes in: for each recording the length of its samples in bytes, uint32, and they themselves.

    What goes out is a line of text each, empty where no words are heard.
    """
    while header := sys.stdin.buffer.read(LENGTH.size):
        [length] = LENGTH.unpack(header)
        print(write_down(sys.stdin.buffer.read(length)), flush=True)  # noqa: T201  # this is how it answers


def write_down(samples: bytes) -> str:
    """Return what is said in English in int16 samples at RATE: small letters, numbers as words; nothing if nothing."""
    if not _has_speech(samples):
        return ""
    noise = np.random.default_rng(0).normal(0, NOISE, len(samples) // 2 + 2 * QUIET)
    padded = np.pad(np.frombuffer(samples, "<i2"), QUIET) + noise
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(np.clip(padded, -32_768, 32_767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return str(heard.hypstr) if heard else ""


def _has_speech(samples: bytes) -> bool:
    detector = Vad(mode=Vad.STRICT, sample_rate=RATE)
    size = detector.frame_bytes
    frames = (samples[start : start + size] for start in range(0, len(samples) - size + 1, size))
    return sum(map(bool, map(detector.is_speech, frames))) >= MIN_SPEECH_FRAMES


@cache
def _decoder() -> Decoder:
    """Return the recogniser, made at a process's first recording; that takes some seconds and 80 MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shopping.lm"
        with path.open("w", encoding="utf-8") as file:
            _language_model().write(file)
        return Decoder(lm=str(path), loglevel="FATAL")


def _language_model() -> ArpaBoLM:
    model = ArpaBoLM(text="\n".join(shopping_sentences()), add_start=True)
    model.compute()
    return model


def shopping_sentences() -> Iterator[str]:
    """Yield sentences as shoppers say them; every name of the vocabulary that can be spoken is in several."""
    spoken = _spoken_words()

    def speakable(table: str, names: int) -> list[str]:
        return [name for name in _english_names(table, names) if spoken.issuperset(name.split())]

    turns = {
        "color": itertools.cycle(speakable("colors.csv", NAMES_OF_COLOR)),
        "quality": itertools.cycle(speakable("qualities.csv", NAMES_OF_QUALITY)),
        "number": itertools.cycle(NUMBERS),
        "currency": itertools.cycle(CURRENCIES),
        "size": itertools.cycle(SIZES),
        "wearer": itertools.cycle(WEARERS),
        "beginning": itertools.cycle(BEGINNINGS),
        "ending": itertools.cycle(ENDINGS),
    }
    for thing in speakable("things.csv", NAMES_OF_THING):
        for pattern in PATTERNS:
            yield _fill(pattern.replace("{thing}", thing), turns)


def _fill(pattern: str, turns: "dict[str, itertools.cycle[str]]") -> str:
    """Return a pattern with the next of each of the words that it asks for."""
    words: Sequence[str] = pattern.split()
    while any(word.startswith("{") for word in words):
        filled = (next(turns[word[1:-1]]) if word.startswith("{") else word for word in words)
        words = " ".join(filled).split()
    return " ".join(words)


def _english_names(table: str, count: int) -> Iterator[str]:
    for row in read_rows(table):
        names = row["en"].split("|")[:count]
        yield from (name.rstrip("?").lower().replace("-", " ") for name in names)


def _spoken_words() -> frozenset[str]:
    with open(get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as file:
        return frozenset(line.split(" ", 1)[0] for line in file)


if __name__ == "__main__":
    main()
