from collections import Counter

import pytest

from catalog.demo.drawing import KINDS
from catalog.demo.pictures import Picture
from catalog.demo.products import DEMO_PRODUCTS

BY_ID = {product.product_id: product for product in DEMO_PRODUCTS}


def test_there_are_99_products_and_no_two_alike():
    assert len(DEMO_PRODUCTS) == len(BY_ID) == 99
    assert len({product.name for product in DEMO_PRODUCTS}) == 99
    assert len({product.description for product in DEMO_PRODUCTS}) == 99
    assert len({product.picture for product in DEMO_PRODUCTS}) == 99


def test_every_kind_that_we_drew_is_sold():
    assert {product.picture.kind for product in DEMO_PRODUCTS} == set(KINDS)


@pytest.mark.parametrize("product", DEMO_PRODUCTS, ids=lambda product: product.product_id)
def test_every_product_is_complete(product):
    assert product.product_id.startswith("demo-")
    assert product.price > 0
    assert round(product.price, 2) == product.price
    assert len(product.tags) >= 2
    assert all(product.metadata[name] for name in ("name", "category", "brand", "color_name", "description"))


def test_a_handful_of_brands_share_the_shop():
    brands = Counter(product.brand for product in DEMO_PRODUCTS)
    assert set(brands) == {
        "Alder & Finch",
        "Halden",
        "Kestrel Run",
        "Maren",
        "Northpath",
        "Oak & Ember",
        "Tinkerwood",
    }


def test_some_products_are_sold_out():
    sold_out = {product.product_id for product in DEMO_PRODUCTS if not product.in_stock}
    assert sold_out == {
        "demo-running-sneaker-red",
        "demo-dress-yellow",
        "demo-jeans-black",
        "demo-handbag-mint",
        "demo-lamp-pink",
    }


@pytest.mark.parametrize(
    ("product_id", "name", "category", "kind", "color", "material"),
    [
        ("demo-running-sneaker-blue", "Blue Running Sneaker", "footwear", "running-shoe", "blue", "canvas"),
        ("demo-sneaker-white", "White Leather Sneaker", "footwear", "sneaker", "white", "leather"),
        ("demo-dress-red", "Red Summer Dress", "dresses", "dress", "red", "cotton"),
        ("demo-dress-blue", "Blue Midi Dress", "dresses", "dress", "blue", "cotton"),
        ("demo-jacket-black", "Black Leather Jacket", "outerwear", "jacket", "black", "leather"),
    ],
)
def test_the_shop_has_what_people_try_first(product_id, name, category, kind, color, material):
    product = BY_ID[product_id]
    shown = (product.picture.kind, product.picture.color, product.picture.material)
    assert (product.name, product.category, *shown) == (name, category, kind, color, material)


def test_metadata_says_what_the_api_would_be_sent():
    assert BY_ID["demo-dress-red"].metadata == {
        "name": "Red Summer Dress",
        "price": 59.9,
        "currency": "USD",
        "category": "dresses",
        "brand": "Maren",
        "tags": ["summer", "sleeveless", "cotton"],
        "color_name": "red",
        "in_stock": True,
        "stock_quantity": 34,
        "description": "Sleeveless fit-and-flare dress in red cotton with a full skirt that moves.",
    }


def test_the_picture_is_what_the_list_says():
    position = 1 + list(BY_ID).index("demo-dress-floral")
    assert BY_ID["demo-dress-floral"].picture == Picture(
        kind="dress",
        color="navy",
        accent="pink",
        material="cotton",
        pattern="floral",
        background="sand",
        seed=position,
    )
