"""Rules, banners and synonyms at work in searches, saved and in preview."""

import pytest

from accounts.models import ApiKey
from analytics.search_events import flush_search_events

RED, GREEN, BLUE = (220, 20, 20), (20, 160, 40), (20, 40, 220)
PREVIEW = "/v1/merchandising/preview"


@pytest.fixture
def shop(index):
    index(metadata={"category": "Balls", "price": 10}, red=RED)
    index(metadata={"category": "Balls", "price": 20}, green=GREEN)
    index(metadata={"category": "discs", "price": 30}, blue=BLUE)


@pytest.fixture
def add(owner):
    """Save a rule of the owner and return its id."""

    def run(rule_type, *product_ids, **fields):
        body = {"rule_type": rule_type, "product_ids": product_ids, **fields}
        response = owner.client.post("/v1/merchandising/rules", body)
        assert response.status_code == 201, response.content
        return response.json()["id"]

    return run


def search(owner, **fields):
    response = owner.client.post("/v1/search/text", {"query": "red ball", "threshold": 0, **fields})
    assert response.status_code == 200, response.content
    return response.json()


def ids(body):
    return [result["product_id"] for result in body["results"]]


def test_a_pin_stands_first_and_says_so(owner, shop, add):
    assert ids(search(owner))[0] == "red"
    rule = add("pin", "blue")
    first, *others = search(owner)["results"]
    assert (first["product_id"], first["applied_rules"]) == ("blue", [{"rule_id": rule, "rule_type": "pin"}])
    assert all("applied_rules" not in hit for hit in others)


def test_a_pin_stands_first_on_a_page_that_it_would_not_be_on(owner, shop, add):
    add("pin", "blue")
    assert ids(search(owner, threshold=0.99, limit=1)) == ["blue"]


def test_a_pin_respects_filters_unless_told_otherwise(owner, shop, add):
    add("pin", "blue")
    assert ids(search(owner, price_max=20)) == ["red", "green"]
    add("pin", "blue", ignore_filters=True)
    assert ids(search(owner, price_max=20)) == ["blue", "red", "green"]


def test_what_is_buried_leaves_no_gap(owner, shop, add):
    add("bury", "red", scope_type="query_contains", scope_value="ball")
    assert set(ids(search(owner, limit=2))) == {"green", "blue"}
    assert ids(search(owner, query="red"))[0] == "red"


def test_a_boost_multiplies_the_score(owner, shop, add):
    plain = {hit["product_id"]: hit["score"] for hit in search(owner)["results"]}
    add("boost", "red", boost_multiplier=0.5)
    moved = {hit["product_id"]: hit["score"] for hit in search(owner)["results"]}
    assert moved["red"] == pytest.approx(plain["red"] / 2, abs=1e-4)
    assert (moved["green"], moved["blue"]) == (plain["green"], plain["blue"])


def test_a_rule_for_a_category_waits_for_a_result_of_it(owner, shop, add):
    add("pin", "green", scope_type="category_match", scope_value="DISCS")
    assert ids(search(owner))[0] == "green"
    assert ids(search(owner, category="balls"))[0] == "red"


def test_a_changed_rule_counts_at_the_next_search(owner, shop, add):
    rule = add("pin", "blue")
    assert ids(search(owner))[0] == "blue"
    owner.client.patch(f"/v1/merchandising/rules/{rule}", {"active": False})
    assert ids(search(owner))[0] == "red"


def test_rules_of_another_shop_count_for_nothing(owner, stranger, shop):
    body = {"rule_type": "pin", "product_ids": ["blue"]}
    assert stranger.client.post("/v1/merchandising/rules", body).status_code == 201
    assert ids(search(owner))[0] == "red"


def test_banners_come_with_the_results_that_they_are_meant_for(owner, shop):
    banner = {"title": "Disc week", "scope_type": "category_match", "scope_value": "discs"}
    assert owner.client.post("/v1/promo-banners", banner).status_code == 201
    assert [banner["title"] for banner in search(owner)["promo_banners"]] == ["Disc week"]
    assert search(owner, category="Balls")["promo_banners"] == []


def test_synonyms_stand_in_for_words_that_the_encoder_knows_less_well(owner, shop):
    def likeness():
        return {hit["product_id"]: hit["similarity_score"] for hit in search(owner, query="zxqv")["results"]}

    before = likeness()
    body = {"synonym_type": "one_way", "root": "zxqv", "words": ["blue", "a blue disc"]}
    assert owner.client.post("/v1/merchandising/synonyms", body).status_code == 201
    after = likeness()
    assert after["blue"] - before["blue"] > after["red"] - before["red"] + 0.01


def test_a_preview_shows_what_rules_would_do_and_saves_nothing(owner, shop, add):
    add("bury", "green")
    flush_search_events()
    rules = [
        {"rule_type": "pin", "product_ids": ["green"], "priority": 9},
        {"rule_type": "pin", "product_ids": ["blue"], "priority": 1},
        {"rule_type": "bury", "product_ids": ["red"], "active": False},
    ]
    body = owner.client.post(PREVIEW, {"rules": rules, "mode": "text", "query": "red ball", "threshold": 0}).json()
    assert ids(body) == ["blue", "green", "red"]
    assert [hit.get("applied_rules") for hit in body["results"]] == [
        [{"rule_id": "1", "rule_type": "pin"}],
        [{"rule_id": "0", "rule_type": "pin"}],
        None,
    ]
    assert (body["without"][0], set(body["without"])) == ("red", {"red", "green", "blue"})
    assert set(ids(search(owner))) == {"red", "blue"}
    assert len(owner.client.get("/v1/merchandising/rules").json()["data"]) == 1


def test_a_preview_is_not_remembered_as_a_search(owner, shop):
    flush_search_events()
    assert owner.client.post(PREVIEW, {"rules": [], "query": "red ball"}).status_code == 200
    assert flush_search_events() == 0


def test_a_preview_takes_any_mode(owner, shop):
    rules = [{"rule_type": "bury", "product_ids": ["blue"]}]
    body = owner.client.post(PREVIEW, {"rules": rules, "mode": "similar", "product_id": "red", "threshold": 0}).json()
    assert (ids(body), body["without"]) == (["green"], body["without"])
    assert set(body["without"]) == {"green", "blue"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"query": "red"}, "rules"),
        ({"rules": [{"rule_type": "pin"}], "query": "red"}, "rules.0.product_ids"),
        ({"rules": [{"rule_type": "boost", "product_ids": ["a"]}], "query": "red"}, "rules.0.boost_multiplier"),
        ({"rules": [], "query": "red", "mode": "smell"}, "mode"),
        ({"rules": []}, "query"),
        ({"rules": [], "query": "red", "limit": 0}, "limit"),
        ({"rules": [], "mode": "url"}, "image_url"),
        ({"rules": [{"rule_type": "bury", "product_ids": ["a"]}] * 101, "query": "red"}, "rules"),
    ],
)
def test_what_is_wrong_with_a_preview_is_named(owner, fields, field):
    response = owner.client.post(PREVIEW, fields)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_preview_of_a_picture_that_cannot_be_had_is_told(owner, pictures):
    body = {"rules": [], "mode": "url", "image_url": pictures.url("/none.jpg")}
    response = owner.client.post(PREVIEW, body)
    assert (response.status_code, response.json()["error"]) == (422, "image_fetch_failed")


def test_a_preview_needs_its_permission(owner, reader):
    body = {"rules": [], "query": "red"}
    assert reader.client.post(PREVIEW, body).json()["error"] == "missing_permission"
    _, key = ApiKey.objects.create_key(tenant=owner.tenant, name="Reads", scopes=["merchandising:read"])
    client = type(owner.client)()
    assert client.post(PREVIEW, body, headers={"X-API-Key": key}).status_code == 200
