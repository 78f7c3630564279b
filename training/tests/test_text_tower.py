"""The text tower can be cut at the end of a text, as its bundle says."""

import pytest

torch = pytest.importorskip("torch")

from training.text_tower import END, TEXT_DIMENSIONS, TextTower  # noqa: E402 -- needs torch


def make_tower() -> TextTower:
    torch.manual_seed(0)
    return TextTower(vocabulary=200).eval()


def test_vectors_have_length_one() -> None:
    vectors = make_tower()(torch.tensor([[101, 7, END], [101, 8, END]]))
    assert vectors.shape == (2, TEXT_DIMENSIONS)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_what_follows_the_end_changes_nothing() -> None:
    tower = make_tower()
    short = tower(torch.tensor([[101, 7, 9, END]]))
    padded = tower(torch.tensor([[101, 7, 9, END, 0, 0, 0], [101, 7, 9, END, 55, END, 3]]))
    torch.testing.assert_close(padded, short.expand(2, -1), atol=1e-6, rtol=0)


def test_the_order_of_words_matters() -> None:
    tower = make_tower()
    one, other = tower(torch.tensor([[101, 7, 9, END], [101, 9, 7, END]]))
    assert not torch.allclose(one, other, atol=1e-3)
