"""OpenAI's chat protocol in plain HTTP, as it is documented."""

import base64
import json

import pytest
from rest_framework.test import APIClient

from conftest import picture
from search.models import ChatThread
from search.tests.test_chat_api import RED, events, ids, shop, understood  # noqa: F401  # a fixture

PATH = "/v1/ai/chat/completions"


def user(content):
    return {"role": "user", "content": content}


ASSISTANT = {"role": "assistant", "content": "I found some."}


@pytest.fixture
def complete(owner, shop):  # noqa: F811
    def run(*messages, **fields):
        body = {"model": "trooply-assistant", "messages": messages, "threshold": 0, "temperature": 0.2, **fields}
        response = owner.client.post(PATH, body)
        assert response.status_code == 200, response.content
        return response

    return run


def test_a_completion_has_the_protocols_form_and_the_products(complete):
    body = complete({"role": "system", "content": "Be brief."}, user("balls under 15")).json()
    assert body["id"].startswith("chatcmpl-")
    assert (body["object"], body["model"]) == ("chat.completion", "trooply-assistant")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "I found 1 product for “balls”, at most 15.\n1. red, 10.00",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert ids(body) == ["red"]
    assert ChatThread.objects.count() == 0


def test_the_thread_is_the_messages(complete):
    said = [user("balls"), ASSISTANT, user("cheaper")]
    assert ids(complete(*said).json()) == ["red"]
    assert set(ids(complete(*said, ASSISTANT, user("any price")).json())) == {"red", "green", "blue"}
    pages = [user("balls"), ASSISTANT, user("show more")]
    first = ids(complete(user("balls"), limit=2).json())
    assert sorted(first + ids(complete(*pages, limit=2).json())) == ["blue", "green", "red"]


def test_a_picture_is_a_part_of_a_message(complete):
    url = f"data:image/jpeg;base64,{base64.b64encode(picture(RED)).decode()}"
    parts = [{"type": "text", "text": "like this"}, {"type": "image_url", "image_url": {"url": url}}]
    assert ids(complete(user(parts)).json())[0] == "red"
    assert ids(complete(user(parts), ASSISTANT, user("in blue instead")).json()) == ["blue"]


def test_pictures_before_the_last_one_are_not_looked_at_again(complete, pictures):
    def shown(name):
        return {"type": "image_url", "image_url": {"url": pictures.url(f"/{name}.jpg")}}

    said = [user([shown("gone")]), ASSISTANT, user([shown("blue")]), ASSISTANT, user([shown("red")])]
    asked_before = pictures.requests.copy()
    assert ids(complete(*said).json())[0] == "red"
    assert pictures.requests - asked_before == {"/red.jpg": 1}
    assert ids(complete(*said, ASSISTANT, user("in blue instead")).json()) == ["blue"]


def test_a_stream_is_chunks_and_done(complete):
    response = complete(user("balls under 15"), stream=True, stream_options={"include_usage": True})
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    *chunks, usage, done = [data for _, data in events(response)]
    assert done == "[DONE]"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 0)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "".join(delta.get("content", "") for delta in deltas) == (
        "I found 1 product for “balls”, at most 15.\n1. red, 10.00"
    )
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert ids(chunks[-1]) == ["red"]


def test_a_language_model_reads_the_last_message_and_writes_the_words(complete, endpoint):
    endpoint.answers = [json.dumps(understood(words="ball", colors=["green"])), "A green one."]
    body = complete(user("balls"), ASSISTANT, user("rather green")).json()
    assert body["choices"][0]["message"]["content"] == "A green one.\n1. green, 20.00"
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [ASSISTANT]}, "messages"),
        ({"messages": [user("")]}, "messages"),
        ({"messages": [user("a")] * 101}, "messages"),
        ({"messages": [user(5)]}, "messages.0.content"),
        ({"messages": [user([{"type": "audio"}])]}, "messages.0.content"),
        ({"messages": [user("x" * 20_001)]}, "messages.0.content"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "messages.0.role"),
        ({"messages": [user("a")], "n": 2}, "n"),
    ],
)
def test_what_is_wrong_is_named(owner, fields, field):
    response = owner.client.post(PATH, fields)
    assert response.status_code == 422, response.content
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_who_may_not_search_may_not_chat(reader):
    assert reader.client.post(PATH, {"messages": [user("a")]}).status_code == 403
    assert APIClient().post(PATH, {"messages": [user("a")]}).status_code == 401
