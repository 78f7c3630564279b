"""What is served is what is drawn: `python -m catalog.demo` was run after the last change."""

import io

import numpy as np
import pytest
from PIL import Image

from catalog.demo.__main__ import FOLDER, SIDE
from catalog.demo.pictures import draw
from catalog.demo.products import DEMO_PRODUCTS


def test_every_product_has_its_picture_and_there_are_no_others():
    assert {path.stem for path in FOLDER.iterdir()} == {product.product_id for product in DEMO_PRODUCTS}


@pytest.mark.parametrize("product", DEMO_PRODUCTS[::12], ids=lambda product: product.product_id)
def test_a_picture_is_as_drawn(product):
    served = Image.open(io.BytesIO((FOLDER / f"{product.product_id}.webp").read_bytes())).convert("RGB")
    drawn = draw(product.picture, size=SIDE)
    assert served.size == (SIDE, SIDE)
    difference = np.abs(np.asarray(served, np.int16) - np.asarray(drawn, np.int16))
    assert difference.mean() < 3  # of 255: what the encoding as WebP leaves
