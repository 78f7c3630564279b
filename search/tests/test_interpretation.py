"""What a sentence becomes in a shop, through the API."""

import pytest

RED, BLUE = (220, 20, 20), (20, 40, 220)


@pytest.fixture
def shop(owner, index):
    for key, values in (("size", ["S", "M", "L"]), ("material", ["leather", "cotton"])):
        body = {"key": key, "display_name": key.title(), "type": "enum", "enum_values": values}
        assert owner.client.post("/v1/custom-fields", body).status_code == 201
    index(metadata={"category": "Bags", "price": 30, "currency": "EUR", "size": "M", "material": "leather"}, red=RED)
    index(metadata={"category": "Bags", "price": 90, "currency": "EUR", "size": "L", "material": "cotton"}, blue=BLUE)


@pytest.fixture
def ask(owner, shop):
    def run(sentence):
        response = owner.client.post("/v1/search/nl", {"query": sentence, "threshold": 0})
        assert response.status_code == 200, response.content
        body = response.json()
        return {result["product_id"] for result in body["results"]}, body["interpreted"]

    return run


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("bags", {"red", "blue"}),
        ("bags under 50 euros", {"red"}),
        ("bags over 50", {"blue"}),
        ("red bags", {"red"}),
        ("bags, not red", {"blue"}),
        ("bag size M", {"red"}),
        ("leather or cotton bags", {"red", "blue"}),
        ("bags without leather", {"blue"}),
        ("Taschen unter 50 Euro", {"red"}),
        ("rote Tasche", {"red"}),
        ("sac bleu", {"blue"}),
    ],
)
def test_a_sentence_leaves_only_what_it_asks_for(ask, sentence, expected):
    assert ask(sentence)[0] == expected


def test_a_filter_that_is_set_goes_before_what_the_sentence_says_of_the_same(owner, shop):
    fields = {"query": "red bags under 50", "color": "blue", "price_max": 100, "threshold": 0}
    body = owner.client.post("/v1/search/nl", fields).json()
    assert [result["product_id"] for result in body["results"]] == ["blue"]


def test_what_cannot_be_applied_is_told(ask):
    found, interpreted = ask("bags under $50")
    assert found == {"red"}
    assert interpreted["not_applied"] == ["currency: the shop has no prices in USD, and prices are not converted"]


def test_a_size_is_left_out_where_no_field_has_it(owner, index):
    index(metadata={"category": "Bags"}, red=RED)
    body = owner.client.post("/v1/search/nl", {"query": "bag size M"}).json()
    assert body["count"] == 1
    assert body["interpreted"]["not_applied"] == ["size: the shop declares no field named size or sizes"]
