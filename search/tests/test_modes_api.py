"""What each mode finds, on a shop of balls: one of each colour, and some with parents and other facts."""

import base64
import io

import pytest
from PIL import Image

from analytics.models import SearchEvent
from analytics.search_events import flush_search_events
from catalog.filter_dialects import FilterFields
from conftest import picture
from search.modes import MODES

RED, GREEN, BLUE, YELLOW = (220, 20, 20), (20, 160, 40), (20, 40, 220), (240, 210, 40)


@pytest.fixture
def shop(index):
    index(metadata={"category": "Balls", "price": 10, "brand": "Kestrel", "parent_id": "warm"}, red=RED)
    index(metadata={"category": "Balls", "price": 20, "brand": "Kestrel"}, green=GREEN)
    index(metadata={"category": "Discs", "price": 30, "brand": "Zara"}, blue=BLUE)
    index(metadata={"category": "Discs", "price": 40, "brand": "Zara", "parent_id": "warm"}, yellow=YELLOW)


@pytest.fixture
def search(owner, shop):
    def run(mode, **fields):
        response = owner.client.post(f"/v1/search/{mode}", {"threshold": 0, **fields})
        assert response.status_code == 200, response.content
        return response.json()

    return run


def ids(body):
    return [result["product_id"] for result in body["results"]]


def base64_of(color):
    return base64.b64encode(picture(color)).decode()


def test_hybrid_weighs_the_picture_against_the_words(search):
    fields = {"image_base64": base64_of(BLUE), "query": "a red ball"}
    assert ids(search("hybrid", **fields, visual_weight=1))[0] == "blue"
    assert ids(search("hybrid", **fields, visual_weight=0))[0] == "red"


def test_hybrid_filters_by_colours_and_metadata(search):
    found = search(
        "hybrid",
        image_base64=base64_of(BLUE),
        colors=["#dc1414", "green"],
        metadata_filters=[{"field": "brand", "operator": "eq", "value": "kestrel"}],
    )
    assert set(ids(found)) == {"red", "green"}


@pytest.mark.parametrize("weight", ["image_weight", "visual_weight"])
def test_the_words_of_a_fusion_move_the_picture(search, weight):
    fields = {"image_base64": base64_of(RED), "query": "like this but in blue"}
    assert ids(search("fusion", **fields, **{weight: 0.4}))[0] == "blue"
    assert ids(search("fusion", **fields, **{weight: 1}))[0] == "red"


def test_a_fusion_without_a_picture_is_a_search_by_words(search):
    assert ids(search("fusion", query="a green ball"))[0] == "green"


@pytest.mark.parametrize("aggregation", ["average", "best", "union"])
def test_several_pictures_find_what_is_like_them(search, aggregation):
    found = search("multi-image", image_urls=[base64_of(RED), base64_of(BLUE)], aggregation=aggregation)
    assert len(ids(found)) == 4
    if aggregation != "average":
        assert set(ids(found)[:2]) == {"red", "blue"}


def test_a_crop_finds_what_the_part_shows(search, owner):

    both = Image.new("RGB", (800, 400), "white")
    both.paste(Image.open(io.BytesIO(picture(GREEN))), (0, 0))
    both.paste(Image.open(io.BytesIO(picture(YELLOW))), (400, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    whole = base64.b64encode(out.getvalue()).decode()
    left, right = {"x": 0, "y": 0, "width": 0.5, "height": 1}, {"x": 0.5, "y": 0, "width": 0.5, "height": 1}
    assert ids(search("crop", image_base64=whole, crop=left))[0] == "green"
    assert ids(search("crop", image_base64=whole, crop=right))[0] == "yellow"


def test_filtered_takes_clauses(search):
    clauses = {
        "must": [{"key": "price", "range": {"gte": 15}}],
        "should": [{"key": "category", "match": {"value": "balls"}}, {"key": "brand", "match": {"value": "Zara"}}],
        "must_not": [{"key": "product_id", "match": {"value": "yellow"}}],
    }
    assert set(ids(search("filtered", query="ball", filter=clauses))) == {"green", "blue"}


@pytest.mark.parametrize(
    ("color", "distance", "expected"),
    [("#dc1414", 40, ["red"]), ("blue", 120, ["blue"]), ("#dc1414", 441.67, ["red", "yellow", "green", "blue"])],
)
def test_a_colour_finds_products_within_a_distance(search, color, distance, expected):
    found = search("color", color=color, max_distance=distance)
    assert ids(found)[0] == expected[0]
    assert set(ids(found)) == set(expected)


def test_a_product_finds_what_is_like_it_but_not_itself(search, owner):
    assert set(ids(search("similar", product_id="red"))) == {"green", "blue", "yellow"}
    without = owner.client.get("/v1/products/red/similar", {"exclude_same_parent": "true", "threshold": 0})
    assert set(ids(without.json())) == {"green", "blue"}


def test_there_is_nothing_like_a_product_that_there_is_not(owner, stranger, shop):
    assert owner.client.get("/v1/products/none/similar").status_code == 404
    assert stranger.client.get("/v1/products/red/similar").status_code == 404
    response = owner.client.post("/v1/search/text", {"query": "x", "positive": [{"product_id": "none"}]})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "unknown_product")


def test_a_sentence_becomes_filters_and_words(search):
    found = search("nl", query="balls under $25, not green")
    assert set(ids(found)) == {"red"}
    assert found["interpreted"]["price_max"] == 25
    assert found["interpreted"]["excluded_colors"] == ["green"]


def test_examples_move_results_towards_them_and_away(search):
    assert ids(search("text", query="ball", positive=[{"product_id": "blue"}]))[0] == "blue"
    towards = ids(search("url", image_base64=base64_of(RED)))
    away = ids(search("url", image_base64=base64_of(RED), negative=[{"text": "red"}]))
    assert (towards[0], away[-1]) == ("red", "red")


def test_variants_stand_behind_the_best_of_them(search):
    found = search("url", image_base64=base64_of(RED), group_by="parent_id")
    assert set(ids(found)) == {"red", "green", "blue"}
    assert found["results"][0]["variants"] == ["yellow"]


def test_diversity_keeps_the_best_first_and_loses_nothing(search):
    found = search("url", image_base64=base64_of(RED), diversity=1)
    assert ids(found)[0] == "red"
    assert set(ids(found)) == {"red", "green", "blue", "yellow"}


def test_an_explained_answer_says_what_each_score_is_made_of(search):
    found = search("url", image_base64=base64_of(RED), explain=True, price_max=25)
    for result in found["results"]:
        assert sum(signal["share"] for signal in result["signals"].values()) == pytest.approx(result["score"], abs=1e-3)
        assert all(0 <= signal["value"] <= 1 for signal in result["signals"].values())
    assert set(found["results"][0]["signals"]) == {
        "visual_similarity",
        "product_type",
        "category_match",
        "shape",
        "color",
    }
    assert found["explain"]["weights"]["visual_similarity"] == 57
    assert found["explain"]["filters"] == [{"field": "price", "operator": "lte", "value": 25, "excluded": False}]
    assert found["explain"]["threshold"] == {"value": 0, "is_smart": False}


def test_where_filters_leave_nothing_there_is_a_hint(search):
    hint = search("text", query="ball", category="Clothing")["hint"]
    assert hint == "No product has the category 'Clothing'. There are: Balls, Discs."
    assert "hint" not in search("text", query="ball", category="Balls")


def test_facets_count_all_that_fit_not_only_the_page(search):
    found = search("text", query="ball", limit=1, facets=["brand", "category", "price"])
    assert found["facets"] == {
        "brand": [{"value": "Kestrel", "count": 2}, {"value": "Zara", "count": 2}],
        "category": [{"value": "Balls", "count": 2}, {"value": "Discs", "count": 2}],
        "price": {"min": 10.0, "max": 40.0},
    }


def test_facets_count_only_what_is_similar_enough(search):
    every = search("url", image_base64=base64_of(RED))
    second = sorted(result["similarity_score"] for result in every["results"])[-2]
    cut = search("url", image_base64=base64_of(RED), threshold=second + 0.001, facets=["category"])
    assert cut["facets"] == {"category": [{"value": "Balls", "count": 1}]}


def test_a_batch_answers_each_query_and_one_that_is_wrong_fails_alone(owner, shop):
    queries = [
        {"type": "text", "query": "a red ball"},
        {"type": "color", "color": "nothing"},
        {"type": "telepathy"},
        {"type": "similar", "product_id": "none"},
        {"type": "url", "image_base64": base64_of(BLUE), "threshold": "auto"},
    ]
    response = owner.client.post("/v1/search/batch", {"queries": queries})
    results = response.json()["results"]
    assert [(result["index"], result["status"]) for result in results] == [
        (0, 200),
        (1, 422),
        (2, 422),
        (3, 404),
        (4, 200),
    ]
    assert ids(results[4]["body"])[0] == "blue"
    assert results[1]["body"]["errors"][0]["field"] == "color"


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_has_one_to_twenty_queries(owner, count):
    response = owner.client.post("/v1/search/batch", {"queries": [{"type": "text", "query": "ball"}] * count})
    assert response.status_code == 422


def test_pages_of_one_search_share_its_id_and_fit_together(search):
    first = search("text", query="ball", limit=2)
    second = search("text", query="ball", limit=2, offset=2, search_id=first["search_id"])
    assert second["search_id"] == first["search_id"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert ids(first) + ids(second) == ids(search("text", query="ball"))


@pytest.mark.parametrize(
    ("mode", "fields", "field"),
    [
        ("hybrid", {}, "query"),
        ("hybrid", {"query": "x", "visual_weight": 0.2, "image_weight": 0.3}, "image_weight"),
        ("fusion", {"query": "x", "image_weight": 1.1}, "image_weight"),
        ("multi-image", {"image_urls": ["https://example.com/a.jpg"]}, "image_urls"),
        ("multi-image", {"image_urls": ["https://example.com/a.jpg"] * 11}, "image_urls"),
        ("crop", {"image_base64": "AAAA"}, "crop"),
        ("crop", {"image_base64": "AAAA", "crop": {"x": 0.6, "y": 0, "width": 0.5, "height": 1}}, "crop.width"),
        ("color", {"color": "#12"}, "color"),
        ("color", {"color": "red", "max_distance": 442}, "max_distance"),
        ("text", {"query": "x", "threshold": "high"}, "threshold"),
        ("text", {"query": "x", "diversity": 2}, "diversity"),
        ("text", {"query": "x", "negative": [{"text": "a", "product_id": "b"}]}, "negative.0.text"),
        ("text", {"query": "x", "positive": [{"text": "a"}] * 11}, "positive"),
        ("text", {"query": "x", "facets": ["nonsense"]}, "facets"),
        ("text", {"query": "x", "group_by": "price"}, "group_by"),
        ("text", {"query": "x", "search_id": "mine"}, "search_id"),
        ("text", {"query": "x", "filters": {"colour": "red"}}, "filters.colour"),
        ("text", {"query": "x", "colour": "red"}, "colour"),
        ("color", {"color": "red", "positive": [{"text": "a"}]}, "positive"),
    ],
)
def test_what_is_wrong_is_named(owner, mode, fields, field):
    response = owner.client.post(f"/v1/search/{mode}", fields)
    assert response.status_code == 422, response.content
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_every_mode_takes_every_filter():
    for mode in MODES.values():
        assert set(FilterFields().fields) <= set(mode.input().fields), mode.name


def test_similar_takes_lists_from_the_address(owner, shop):
    response = owner.client.get("/v1/products/red/similar?facets=brand&facets=category&colors=blue&threshold=0")
    assert ids(response.json()) == ["blue"]
    assert set(response.json()["facets"]) == {"brand", "category"}


def test_a_search_shows_at_most_ten_pictures_however_they_are_sent(owner):
    pictures_sent = [{"image_base64": base64_of((20 * n, 0, 0))} for n in range(5)]
    fields = {"image_urls": [base64_of((0, 20 * n, 0)) for n in range(6)], "negative": pictures_sent}
    response = owner.client.post("/v1/search/multi-image", fields)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "too_many_pictures")


def test_a_batch_shows_at_most_forty_pictures(owner):
    query = {"type": "multi-image", "image_urls": [base64_of((0, 20 * n, 0)) for n in range(9)]}
    response = owner.client.post("/v1/search/batch", {"queries": [query] * 5})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "too_many_pictures")


def remembered(owner, body):
    flush_search_events()
    return SearchEvent.objects.get(tenant=owner.tenant, search_id=body["search_id"])


def test_what_is_remembered_holds_no_picture(search, owner):
    negative = [{"image_base64": base64_of(BLUE)}, {"text": "stripes"}]
    body = search("url", image_url=base64_of(RED), negative=negative, limit=2)
    assert remembered(owner, body).params == {"threshold": 0, "limit": 2, "negative": [{}, {"text": "stripes"}]}


def test_too_long_a_request_is_not_remembered(search, owner):
    body = search("text", query="ball", filters={"sku": ["x" * 500] * 50})
    assert remembered(owner, body).params == {}


def test_a_search_id_counts_for_further_pages_of_the_own_shop_only(search, owner, stranger):
    first = search("text", query="ball")
    again = search("text", query="ball", search_id=first["search_id"])
    assert again["search_id"] != first["search_id"]
    fields = {"query": "ball", "offset": 1, "search_id": first["search_id"]}
    assert stranger.client.post("/v1/search/text", fields).json()["search_id"] == first["search_id"]
    flush_search_events()
    events = SearchEvent.objects.filter(search_id=first["search_id"])
    assert set(events.values_list("tenant", flat=True)) == {owner.tenant.pk, stranger.tenant.pk}


def test_references_take_turns_in_a_union(search):
    found = ids(search("multi-image", image_urls=[base64_of(RED), base64_of(BLUE)], aggregation="union"))
    assert found[:2] == ["red", "blue"]


def test_a_weight_of_nothing_leaves_the_picture_out(search):
    fields = {"query": "a green ball", "explain": True}
    assert (
        search("fusion", image_base64=base64_of(RED), image_weight=0, **fields)["results"]
        == (search("fusion", **fields)["results"])
    )


def test_a_condition_that_leaves_out_is_explained_as_such(search, owner):
    clauses = {"must_not": [{"key": "brand", "match": {"value": "Zara"}}]}
    body = search("text", query="ball", filter=clauses, explain=True)
    assert body["explain"]["filters"] == [{"field": "brand", "operator": "in", "value": ["Zara"], "excluded": True}]
    assert remembered(owner, body).filters == []


def test_rules_raise_products_in_a_search_by_colour_too(search, owner):
    rule = {"rule_type": "pin", "scope_type": "always", "product_ids": ["green"]}
    assert owner.client.post("/v1/merchandising/rules", rule).status_code == 201
    assert ids(search("color", color="#dc1414", max_distance=40)) == ["green", "red"]


def test_a_threshold_for_looks_is_none_for_colours(search, owner):
    assert owner.client.patch("/v1/search-config", {"default_threshold": 0.99}).status_code == 200
    response = owner.client.post("/v1/search/color", {"color": "#dc1414", "max_distance": 441})
    assert response.json()["count"] == 4


def test_colours_are_strong_and_weak_by_their_distance(search):
    matches = {r["product_id"]: r["match"] for r in search("color", color="#dc1414", max_distance=441)["results"]}
    assert (matches["red"], matches["blue"]) == ("strong", "weak")
