"""Captions say what they mean, and the same seed says the same."""

import pytest

from training.captions import Captions
from training.lexicon import LANGUAGES, colors, kinds


def test_the_same_seed_gives_the_same_captions() -> None:
    one, other = Captions(seed=7), Captions(seed=7)
    assert [one.of_any_kind() for _ in range(50)] == [other.of_any_kind() for _ in range(50)]


def test_a_caption_contains_a_word_of_its_kind_and_of_its_colour() -> None:
    captions, sneaker = Captions(seed=1), kinds()["sneaker"]
    words = [word.lower() for language in LANGUAGES for word in sneaker.words[language]]
    reds = [word.lower() for language in LANGUAGES for word in colors()["red"].words[language]]
    for caption in (captions.of_kind(sneaker, color="red") for _ in range(200)):
        text = caption.text.lower()
        assert (caption.kind, caption.color) == ("sneaker", "red")
        assert any(word in text for word in words), text
        assert any(word in text for word in reds), text


def test_a_caption_without_a_colour_has_no_gaps() -> None:
    captions = Captions(seed=2)
    for caption in (captions.of_kind(kinds()["dress"], color="") for _ in range(300)):
        assert caption.color == ""
        assert "  " not in caption.text
        assert not caption.text.startswith((" ", ","))
        assert not caption.text.endswith((" ", ",", " in"))


@pytest.mark.parametrize("word", ["zebra", "fire engine"])
def test_a_caption_of_a_word_keeps_it(word: str) -> None:
    captions = Captions(seed=3)
    assert all(
        word in caption.text.lower() and caption.word == word for caption in (captions.of_word(word) for _ in range(50))
    )
