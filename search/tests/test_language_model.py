import json
import logging
from decimal import Decimal

import pytest

from search.language_model import DEGRADED, LanguageModelError, complete, interpret_by_model, stream, understand
from search.natural_language import Catalogue, EnumField, FieldCondition, Understood, interpret
from trooply.testing.language_model import streamed

SHOP = Catalogue(("Dresses",), ("Zara",), ("EUR",), (EnumField("material", ("Silk", "Cotton")),))
QUERY = "Kleid unter 50 Euro, nicht Zara"
NOTHING = {
    "words": "",
    "unlike": [],
    "price_min": None,
    "price_max": None,
    "currency": "",
    "categories": [],
    "colors": [],
    "excluded_colors": [],
    "brands": [],
    "excluded_brands": [],
    "sizes": [],
    "in_stock": False,
    "sort": "",
    "custom_fields": [],
}
ANSWER = NOTHING | {
    "words": "Kleid",
    "price_max": 49.99,
    "currency": "EUR",
    "categories": ["dresses", "Yachts"],
    "colors": ["blue", "mauve"],
    "excluded_brands": ["ZARA", "Prada"],
    "custom_fields": [
        {"name": "material", "value": "silk", "excluded": True},
        {"name": "material", "value": "Gold", "excluded": False},
        {"name": "secret", "value": "Silk", "excluded": False},
    ],
}


def test_complete_asks_the_model_with_its_key(endpoint):
    endpoint.content = "Good day"
    messages = [{"role": "user", "content": "Hello"}]

    assert complete(messages) == "Good day"
    assert endpoint.asked == [
        ("/v1/chat/completions", "Bearer secret-key", {"model": "small", "messages": messages}),
    ]


def test_stream_yields_the_pieces_of_an_answer(endpoint):
    endpoint.content = "Good |day, |Käthe"

    assert list(stream([{"role": "user", "content": "Hello"}])) == ["Good ", "day, ", "Käthe"]
    assert endpoint.asked[0][2]["stream"] is True


def test_stream_yields_a_piece_before_the_next_has_come(endpoint):
    endpoint.body = streamed("Good ", is_whole=False)
    endpoint.is_held.set()
    pieces = stream([])

    assert next(pieces) == "Good "
    pieces.close()


def test_a_stream_that_breaks_off_says_so(endpoint):
    endpoint.body = streamed("Good |day", is_whole=False)
    pieces = stream([])

    assert [next(pieces), next(pieces)] == ["Good ", "day"]
    with pytest.raises(LanguageModelError, match="stopped before the end"):
        next(pieces)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"secret-key", "status 500"),
        (307, b"", "status 307"),
        (200, b"<html>", "form of the protocol"),
        (200, b"\xff\xfe", "form of the protocol"),
        (200, b'{"error": "overloaded"}', "form of the protocol"),
        (200, b'{"choices": []}', "form of the protocol"),
        (200, b'[{"choices": null}]', "form of the protocol"),
        (200, b'{"choices": [{"message": {"content": null}}]}', "no text"),
        (200, b" " * 1_100_000, "too long"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_other_answer_is_an_error_of_the_model(endpoint, status, body, message):
    endpoint.status, endpoint.body = status, body

    with pytest.raises(LanguageModelError, match=message):
        complete([])
    assert len(endpoint.asked) == 1


def test_an_answer_that_drips_ends_at_the_deadline(endpoint):
    endpoint.is_slow.set()

    with pytest.raises(LanguageModelError, match="too slowly"):
        complete([], timeout=0.2)


def test_an_endpoint_that_is_down_is_an_error(settings):
    settings.LANGUAGE_MODEL_URL = "http://127.0.0.1:9"

    with pytest.raises(LanguageModelError, match="ConnectionError"):
        complete([])


def test_without_an_endpoint_there_is_no_model(settings):
    settings.LANGUAGE_MODEL_URL = ""

    with pytest.raises(LanguageModelError, match="LANGUAGE_MODEL_URL"):
        complete([])
    assert understand(QUERY, SHOP) == interpret(QUERY, SHOP)


def test_what_a_model_invents_is_dropped(endpoint):
    endpoint.content = json.dumps(ANSWER)

    interpretation = interpret_by_model(QUERY, SHOP)

    assert interpretation.words == "Kleid"
    assert interpretation.price_max == Decimal("49.99")
    assert interpretation.currency == "EUR"
    assert interpretation.categories == ("Dresses",)
    assert interpretation.colors == ("blue",)
    assert interpretation.excluded_brands == ("Zara",)
    assert interpretation.fields == (FieldCondition("material", "Silk", excluded=True),)
    assert interpretation.in_stock is None
    assert Understood("Zara", "excluded brands") in interpretation.understood


def test_a_model_is_told_the_shops_words_and_the_form_of_its_answer(endpoint):
    endpoint.content = json.dumps(ANSWER)

    interpret_by_model(QUERY, SHOP)

    _, _, body = endpoint.asked[0]
    system, user = body["messages"]
    assert user == {"role": "user", "content": QUERY}
    assert '{"categories": ["Dresses"], "custom_fields": {"material": ["Silk", "Cotton"]}}' in system["content"]
    schema = body["response_format"]["json_schema"]["schema"]
    assert sorted(schema["required"]) == sorted(NOTHING)


@pytest.mark.parametrize(
    "content",
    [
        "I think you want a dress",
        "[]",
        json.dumps(NOTHING),
        json.dumps({"words": "Kleid"}),
        json.dumps(ANSWER | {"price_max": "cheap"}),
        json.dumps(ANSWER | {"price_max": float("nan")}),
        json.dumps(ANSWER | {"price_max": 1e400}),
        json.dumps(ANSWER | {"price_max": -1}),
        json.dumps(ANSWER | {"words": "dress " * 100}),
        json.dumps(ANSWER | {"sort": "random"}),
        json.dumps(ANSWER | {"currency": "euros"}),
        json.dumps(ANSWER | {"categories": "Dresses"}),
        json.dumps(ANSWER | {"custom_fields": ["material"]}),
    ],
)
def test_rules_take_over_when_a_model_answers_something_else_and_say_so(endpoint, caplog, content):
    endpoint.content = content

    with caplog.at_level(logging.WARNING):
        interpretation = understand(QUERY, SHOP)

    assert interpretation.degraded == DEGRADED
    assert interpretation.to_json()["degraded"] == DEGRADED
    assert interpretation.price_max == 50
    assert interpretation.excluded_brands == ("Zara",)
    assert [record.message for record in caplog.records] == ["language model failed"]


def test_a_model_that_answers_is_used(endpoint, caplog):
    endpoint.content = json.dumps(ANSWER)

    interpretation = understand(QUERY, SHOP)

    assert (interpretation.price_max, interpretation.degraded) == (Decimal("49.99"), "")
    assert caplog.records == []
