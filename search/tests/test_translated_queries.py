"""Queries in other languages than English."""

import pytest


@pytest.mark.parametrize(
    "query",
    ["rotes Ding", "rotes Kleid", "robe rouge", "vestido rojo", "abito rosso", "rode jurk", "czerwona sukienka"],
)
def test_an_answer_tells_what_was_searched_for(owner, index, query):
    index(red=(255, 0, 0), blue=(0, 0, 255))
    answer = owner.client.post("/v1/search/text", {"query": query}).json()
    assert answer.get("translated_query") == ("red dress" if query != "rotes Ding" else "red Ding")
    assert answer["results"][0]["product_id"] == "red"


def test_a_query_and_its_translation_have_the_same_answer(owner, index):
    index(red=(255, 0, 0), blue=(0, 0, 255), green=(0, 255, 0))
    english, german = (
        owner.client.post("/v1/search/text", {"query": query, "threshold": 0}).json()["results"]
        for query in ("red dress", "rotes Kleid")
    )
    assert german == english


def test_an_english_query_is_not_said_to_be_translated(owner, index):
    index(red=(255, 0, 0))
    assert "translated_query" not in owner.client.post("/v1/search/text", {"query": "rose coat"}).json()


@pytest.mark.parametrize("mode", ["hybrid", "fusion"])
def test_words_beside_a_picture_are_translated_too(owner, index, pictures, mode):
    index(red=(255, 0, 0), blue=(0, 0, 255))
    body = {"image_url": pictures.url("/red.jpg"), "query": "blaues Kleid", "image_weight": 0.1}
    assert owner.client.post(f"/v1/search/{mode}", body).json()["translated_query"] == "blue dress"


def test_a_sentence_is_understood_in_its_own_language(owner, index):
    index({"category": "dresses"}, red=(255, 0, 0), blue=(0, 0, 255))
    answer = owner.client.post("/v1/search/nl", {"query": "rotes Kleid"}).json()
    assert "translated_query" not in answer
    assert answer["interpreted"]["colors"] == ["red"]


def test_rules_and_synonyms_read_what_the_shopper_said(owner, index):
    index(red=(255, 0, 0), blue=(0, 0, 255))
    rule = {"rule_type": "pin", "scope_type": "query_contains", "scope_value": "kleid", "product_ids": ["blue"]}
    assert owner.client.post("/v1/merchandising/rules", rule).status_code == 201
    answer = owner.client.post("/v1/search/text", {"query": "rotes Kleid"}).json()
    assert answer["results"][0]["product_id"] == "blue"
