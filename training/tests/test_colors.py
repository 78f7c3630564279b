"""Measured colours are those that were painted."""

import numpy as np
import pytest
from PIL import Image

from training.colors import NAMES, color_codes, measure_shares


@pytest.mark.parametrize(
    ("color", "name"), [("#d9212e", "red"), ("#1f5fd0", "blue"), ("#161618", "black"), ("#2e9b4f", "green")]
)
def test_the_product_counts_and_not_the_wall(color: str, name: str) -> None:
    picture = Image.new("RGB", (256, 256), "white")
    picture.paste(color, (64, 64, 192, 192))
    shares = measure_shares(picture)
    assert NAMES[int(shares.argmax())] == name
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_codes_are_unit_vectors_nearest_to_their_own_colour() -> None:
    codes = color_codes()
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-6)
    assert (codes @ codes.T).argmax(axis=1).tolist() == list(range(len(NAMES)))
