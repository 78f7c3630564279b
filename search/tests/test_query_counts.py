"""How many queries a search costs, whatever the mode, the filters and the size of the page."""

import base64

import pytest

from catalog import encoders
from conftest import picture

RED, BLUE = (220, 20, 20), (20, 40, 220)
# Who calls, the nearest pictures, the candidates, the products shown.
USUAL = 4


@pytest.fixture
def shop(index):
    index(metadata={"category": "Balls", "price": 10}, red=RED)
    index(metadata={"category": "Balls", "price": 20}, blue=BLUE)


@pytest.fixture
def search(owner, shop, monkeypatch):
    # Which encoder serves is read every two seconds, which may be amid a search.
    monkeypatch.setattr(encoders, "LIFETIME", 3600.0)

    def run(path, **fields):
        response = owner.client.post(f"/v1/search/{path}", fields)
        assert response.status_code == 200, response.content
        return response.json()

    return run


A_PICTURE, ANOTHER = (base64.b64encode(picture(color)).decode() for color in (RED, BLUE))
FILTERS = {"category": "balls", "price_max": 50, "filters": {"in_stock": True}}


@pytest.mark.parametrize("filters", [{}, FILTERS], ids=["plain", "filtered"])
@pytest.mark.parametrize(
    ("mode", "fields", "queries"),
    [
        ("text", {"query": "red ball"}, USUAL),
        ("url", {"image_base64": A_PICTURE}, USUAL),
        ("hybrid", {"query": "red", "image_base64": A_PICTURE}, USUAL),
        ("fusion", {"query": "in blue", "image_base64": A_PICTURE}, USUAL),
        ("multi-image", {"image_urls": [A_PICTURE, ANOTHER]}, USUAL),
        ("multi-image", {"image_urls": [A_PICTURE, ANOTHER], "aggregation": "best"}, USUAL + 1),  # once for each
        ("crop", {"image_base64": A_PICTURE, "crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}}, USUAL),
        ("filtered", {"query": "red ball"}, USUAL),
        ("color", {"color": "red", "max_distance": 441}, USUAL),
        ("similar", {"product_id": "red"}, USUAL + 2),  # what it is a variant of, what it looks like
        ("nl", {"query": "a ball under $50"}, USUAL),
        ("text", {"query": "red ball", "negative": [{"text": "stripes"}]}, USUAL + 1),  # the candidates' vectors
        (
            "text",
            {"query": "ball", "positive": [{"product_id": "red"}, {"product_id": "blue"}]},
            USUAL + 1,
        ),  # their looks
        ("text", {"query": "red ball", "facets": ["category"]}, USUAL + 1),
    ],
)
def test_a_search_costs_as_many_queries_as_ever(search, django_assert_num_queries, mode, fields, queries, filters):
    search(mode, **fields, **filters)  # reads what the tenant has configured
    for limit in (1, 100):
        with django_assert_num_queries(queries):
            found = search(mode, **fields, **filters, limit=limit, threshold=0)
        assert found["count"] == min(limit, 1 if mode == "similar" else 2)


def test_a_query_of_a_batch_costs_what_it_costs_alone_but_for_the_caller(search, django_assert_num_queries):
    search("text", query="red ball")
    with django_assert_num_queries(1 + 3 * (USUAL - 1)):
        search("batch", queries=[{"type": "text", "query": text} for text in ("red ball", "blue ball", "a disc")])
