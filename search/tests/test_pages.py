"""Pages of one search, turned one after the other, against its whole: nothing comes twice, is skipped or too few."""

from random import Random

import numpy as np
import pytest

from catalog.encoders import active_encoder, encoder_row
from catalog.models import Embedding, Product, ProductImage

# More than the pool that is ranked, so that pages cross its edge.
PRODUCTS = 260
SIZE = 20
NEITHER = {"palette": [], "shape": {"aspect_ratio": 1, "fill": 0, "silhouette": []}, "quality": {}}


@pytest.fixture
def shop(owner):
    """Products from near to far from the words, with categories, parents and a popularity that misleads."""
    encoder = active_encoder()
    rng = np.random.default_rng(1)
    centre = encoder.encode_texts(["blue sneaker"])[0]
    products = Product.objects.bulk_create(
        Product(
            tenant=owner.tenant,
            product_id=f"p{n:03}",
            category="Shoes" if n < 120 else "Hats",
            parent_id=f"m{n // 3}",
            popularity=0.9 if n > 110 and n % 3 == 0 else 0.0,
            status=Product.Status.INDEXED,
            image_urls=[""],
        )
        for n in range(PRODUCTS)
    )
    images = ProductImage.objects.bulk_create(
        ProductImage(
            tenant=owner.tenant,
            product=product,
            position=0,
            sha256=f"{n:064}",
            width=9,
            height=9,
            product_type="shoe",
            product_type_confidence=0.5,
            **NEITHER,
        )
        for n, product in enumerate(products)
    )
    noise = rng.normal(size=(PRODUCTS, len(centre)))
    vectors = centre + np.linspace(0.2, 2, PRODUCTS)[:, None] * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    Embedding.objects.bulk_create(
        Embedding(
            tenant=owner.tenant,
            product=image.product,
            image=image,
            encoder=encoder_row(encoder),
            vector=vector / np.linalg.norm(vector),
        )
        for image, vector in zip(images, vectors, strict=True)
    )


def ask(owner, **fields):
    response = owner.client.post("/v1/search/text", {"query": "blue sneaker", "threshold": 0, **fields})
    assert response.status_code == 200, response.content
    return response.json()


def turn(owner, pages, **fields):
    """Return the product_ids of so many pages of one search."""
    first = ask(owner, limit=SIZE, **fields)
    found = [[result["product_id"] for result in first["results"]]]
    for page in range(1, pages):
        body = ask(owner, limit=SIZE, offset=page * SIZE, search_id=first["search_id"], **fields)
        assert body["search_id"] == first["search_id"]
        found.append([result["product_id"] for result in body["results"]])
    return found


def add_rule(owner, **fields):
    body = {"scope_type": "always", **fields}
    response = owner.client.post("/v1/merchandising/rules", body)
    assert response.status_code == 201, response.content


RANDOM = Random(3)
FAR = [f"p{n:03}" for n in RANDOM.sample(range(101, 200), 3)]
NEAR = [f"p{n:03}" for n in range(60)]


@pytest.mark.parametrize(
    ("rules", "fields", "pages"),
    [
        ([], {}, 13),
        ([], {"diversity": 0.7}, 10),
        ([], {"group_by": "parent_id"}, 4),
        ([], {"negative": [{"text": "red"}]}, 13),
        ([{"rule_type": "boost", "product_ids": FAR, "boost_multiplier": 1.02}], {}, 12),
        ([{"rule_type": "boost", "product_ids": FAR, "boost_multiplier": 3}], {"diversity": 0.4}, 12),
        ([{"rule_type": "boost", "product_ids": NEAR[:3], "boost_multiplier": 0.1}], {}, 12),
        ([{"rule_type": "pin", "product_ids": FAR}], {"diversity": 0.4}, 12),
        ([{"rule_type": "bury", "product_ids": NEAR}], {"group_by": "parent_id"}, 3),
        (
            [{"rule_type": "pin", "product_ids": FAR, "scope_type": "category_match", "scope_value": "hats"}],
            {},
            12,
        ),
        (
            [{"rule_type": "bury", "product_ids": NEAR, "scope_type": "category_match", "scope_value": "shoes"}],
            {},
            9,
        ),
    ],
)
def test_pages_neither_repeat_nor_skip_nor_come_short(owner, shop, rules, fields, pages):
    for rule in rules:
        add_rule(owner, **rule)
    found = turn(owner, pages, **fields)
    every = [product_id for page in found for product_id in page]
    assert {len(page) for page in found} == {SIZE}
    assert len(set(every)) == len(every)
    assert every[:100] == [result["product_id"] for result in ask(owner, limit=100, **fields)["results"]][: len(every)]


def test_a_rule_for_a_category_is_decided_by_the_first_page(owner, shop):
    add_rule(owner, rule_type="pin", product_ids=["p250"], scope_type="category_match", scope_value="hats")
    # The nearest hundred are shoes.
    assert not any("p250" in page[:1] for page in turn(owner, 8))


def test_groups_are_formed_as_deep_as_is_bearable(owner, shop):
    found = ask(owner, group_by="category", limit=10)
    assert [result["product_id"][0] for result in found["results"]] == ["p", "p"]
    assert sum(len(result["variants"]) for result in found["results"]) == PRODUCTS - 2


def test_a_pinned_product_that_is_out_of_stock_keeps_its_place(owner, shop):
    Product.objects.filter(product_id="p150").update(in_stock=False)
    add_rule(owner, rule_type="pin", product_ids=["p150", "p151"])
    assert turn(owner, 1)[0][0] == "p151"


def test_what_is_not_wanted_is_called_weak(owner, shop):
    plain = {r["product_id"]: r["relevance"] for r in ask(owner, limit=50)["results"]}
    kept_off = ask(owner, limit=50, negative=[{"text": "blue sneaker"}])["results"]
    assert all(
        result["relevance"] <= plain[result["product_id"]] for result in kept_off if result["product_id"] in plain
    )
    assert {result["match"] for result in kept_off} == {"weak"}


def test_a_rule_for_a_query_reads_what_was_said_whatever_examples_say(owner, shop):
    add_rule(owner, rule_type="pin", product_ids=["p200"], scope_type="query_exact", scope_value="blue sneaker")
    assert turn(owner, 1, positive=[{"text": "jacket"}])[0][0] == "p200"
