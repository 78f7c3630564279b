"""`POST /v1/ai/chat/completions`: the assistant for any client of OpenAI's chat protocol.

https://platform.openai.com/docs/api-reference/chat. Nothing is kept: the conversation is what is sent.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from catalog.documents import MAX_IMAGE_LENGTH
from catalog.hits import Hit
from catalog.vocabulary.tokens import clean
from search.api import told_errors
from search.chat.api import PRODUCTS_EXAMPLE, ConversationFields, ProductsSerializer, wants_events
from search.chat.assistant import Speech
from search.chat.conversation import MAX_MODEL_ANSWER, Turn, model_messages, products_body, replay
from search.chat.event_stream import EVENT_SCHEMA, HEARTBEAT, EventStreamRenderer, event, stream_events
from search.inputs import MAX_TEXT_LENGTH
from search.models import ChatThread

MODEL = "trooply-assistant"
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MAX_MESSAGES = 100
MAX_CONTENT = 20_000
MAX_PARTS = 20
# A conversation of the shopper's is read so far back.
MAX_TURNS = ChatThread.MAX_TURNS
MAX_LISTED = 10

ANSWER_EXAMPLE = {
    "id": "chatcmpl-0123456789abcdef01234567",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "I found 1 product for “blue sneaker”, at most 100.\n1. Blue Running Sneaker, 89.99",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    **PRODUCTS_EXAMPLE,
}


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": MAX_CONTENT},
            {"type": "array", "maxItems": MAX_PARTS, "items": {"type": "object", "additionalProperties": {}}},
        ]
    }
)
class ContentField(serializers.Field):  # type: ignore[type-arg]  # words and a picture, from either of two forms
    """The content of a message: a text, or parts of it and pictures; becomes words and the last picture."""

    default_error_messages = {
        "invalid": "A content is a text, or a list of parts of type text or image_url.",
        "too_long": f"A content has at most {MAX_CONTENT:,} characters and {MAX_PARTS} parts.",
    }

    def to_internal_value(self, data: Any) -> tuple[str, str]:
        parts = [{"type": "text", "text": data}] if isinstance(data, str) else data
        if not isinstance(parts, list):
            self.fail("invalid")
        if len(parts) > MAX_PARTS:
            self.fail("too_long")
        words, picture = [], ""
        for part in parts:
            match part:
                case {"type": "text", "text": str(text)}:
                    words.append(text)
                case {"type": "image_url", "image_url": {"url": str(url)}} if len(url) <= MAX_IMAGE_LENGTH:
                    picture = url
                case _:
                    self.fail("invalid")
        if sum(map(len, words)) > MAX_CONTENT:
            self.fail("too_long")
        return " ".join(words), picture

    def to_representation(self, value: Any) -> Any:
        return value


class MessageInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(ROLES)
    content = ContentField(allow_null=True, required=False)


class StreamOptionsInput(serializers.Serializer[Any]):
    include_usage = serializers.BooleanField(default=False)


class CompletionsInput(ConversationFields):
    """Further fields of the protocol, such as temperature and tools, are taken and change nothing."""

    model = serializers.CharField(max_length=100, default=MODEL, help_text=f"there is one: {MODEL}")
    messages = serializers.ListField(
        child=MessageInput(),
        min_length=1,
        max_length=MAX_MESSAGES,
        help_text="the conversation; those of the user and the assistant count, a content is a text or a list of parts",
    )
    n = serializers.IntegerField(min_value=1, max_value=1, default=1, allow_null=True)
    stream = serializers.BooleanField(default=False, allow_null=True)
    stream_options = StreamOptionsInput(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        known = {name: data[name] for name in self.fields if name in data} if isinstance(data, Mapping) else data
        return super().to_internal_value(known)

    def validate_messages(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        last = messages[-1]
        if last["role"] != "user" or not any(last.get("content") or ()):
            raise serializers.ValidationError("The last message is the user's and says something.", code="invalid")
        return messages


class ChoiceSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    message = serializers.DictField()
    logprobs = serializers.DictField(allow_null=True)
    finish_reason = serializers.CharField()


class ChatCompletionSerializer(ProductsSerializer):
    id = serializers.CharField()
    object = serializers.CharField(help_text="chat.completion, or of a stream chat.completion.chunk")
    created = serializers.IntegerField(help_text="seconds since 1970")
    model = serializers.CharField()
    choices = ChoiceSerializer(many=True)
    usage = serializers.DictField(help_text="0 tokens: they are not counted")


class CompletionsView(APIView):
    """Answers a conversation in the form of OpenAI's chat protocol."""

    required_permissions = {"POST": "search:execute"}
    renderer_classes = [JSONRenderer, EventStreamRenderer]

    @extend_schema(
        operation_id="create_chat_completion",
        tags=["AI chat"],
        summary="Chat by OpenAI's protocol",
        description=(
            "For clients of that protocol: set their base address to `…/v1/ai` and their key to an API key. The answer "
            "lists the products in words too, and in `products` beside the protocol's fields; in a stream the last "
            "chunk before `[DONE]` that has a choice carries them. The conversation is read anew from the last 20 "
            "messages of the user; system messages are passed over. Errors have the form that they have everywhere "
            "here. Each request counts as a search."
        ),
        request=CompletionsInput,
        responses={
            (200, "application/json"): ChatCompletionSerializer,
            (200, "text/event-stream"): EVENT_SCHEMA,
        },
        examples=[
            OpenApiExample(
                "Two messages",
                {
                    "model": MODEL,
                    "messages": [
                        {"role": "user", "content": "red sneakers under 100"},
                        {"role": "assistant", "content": "I found 3 products."},
                        {"role": "user", "content": "in blue instead"},
                    ],
                },
                request_only=True,
            ),
            OpenApiExample(
                "One product found",
                ANSWER_EXAMPLE,
                response_only=True,
                status_codes=["200"],
                media_type="application/json",
            ),
        ],
    )
    def post(self, request: ApiRequest) -> HttpResponseBase:
        body = CompletionsInput(data=request.data)
        with told_errors():
            body.is_valid(raise_exception=True)
            fields = body.validated_data
            said = _from_user(fields["messages"])
            turn = replay(request.auth.tenant, said, {**fields, "sent": {}})
        speech = Speech(turn.words, model_messages(turn, _history(fields["messages"])))
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": MODEL}
        if fields["stream"] or wants_events(request):
            options = fields.get("stream_options") or {}
            chunks = _chunks(head, turn, speech, tells_usage=options.get("include_usage", False))
            return stream_events(request, chunks)
        return Response(_completion(head, turn, speech.whole(), degraded=speech.degraded))


def _from_user(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    contents = [message.get("content") or ("", "") for message in messages if message["role"] == "user"]
    return [(clean(words, max_length=MAX_TEXT_LENGTH), picture) for words, picture in contents[-MAX_TURNS:]]


def _history(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the last words of both sides before the last message."""
    return [
        {"role": message["role"], "content": message["content"][0][:MAX_MODEL_ANSWER]}
        for message in messages[:-1][-2 * MAX_TURNS :]
        if message["role"] in ("user", "assistant") and message.get("content")
    ]


def _completion(head: Mapping[str, Any], turn: Turn, words: str, *, degraded: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": words + _listed(turn), "refusal": None}
    return {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(),
        **products_body(turn),
        **({"degraded": degraded} if degraded else {}),
    }


def _chunks(head: Mapping[str, Any], turn: Turn, speech: Speech, *, tells_usage: bool) -> Iterator[str]:
    usage = {"usage": None} if tells_usage else {}

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None, **further: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**head, "object": "chat.completion.chunk", "choices": [choice], **usage, **further})

    yield chunk({"role": "assistant", "content": ""})
    has_spoken = ""
    for piece in speech.pieces():
        has_spoken += piece or ""
        yield HEARTBEAT if piece is None else chunk({"content": piece})
    if speech.degraded and has_spoken != speech.words:
        # What was said cannot be taken back in this protocol.
        yield chunk({"content": f"\n{speech.words}"})
    yield chunk({"content": _listed(turn)})
    degraded = {"degraded": speech.degraded} if speech.degraded else {}
    yield chunk({}, "stop", **products_body(turn), **degraded)
    if tells_usage:
        yield event({**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage()})
    yield "data: [DONE]\n\n"


def _listed(turn: Turn) -> str:
    """Return the products found as lines of a text, for clients that show nothing else."""
    return "".join(f"\n{number}. {_line(hit)}" for number, hit in enumerate(turn.hits[:MAX_LISTED], 1))


def _line(hit: Hit) -> str:
    currency = str(hit.metadata.get("currency") or "")[:3]
    price = "" if hit.price is None else f", {hit.price:.2f} {currency}".rstrip()
    return " ".join(hit.title.split())[:100] + price


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
