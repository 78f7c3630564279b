"""`POST /v1/ai/chat`: a shopper's conversation, as JSON or as server-sent events."""

import logging
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from search.answers import HitSerializer
from search.api import told_errors
from search.chat.assistant import Speech
from search.chat.conversation import (
    Turn,
    access_thread,
    chat_body,
    model_messages,
    products_body,
    remember_words,
    said_before,
    take_turn,
)
from search.chat.event_stream import EVENT_SCHEMA, HEARTBEAT, EventStreamRenderer, event, stream_events
from search.examples import ANSWER
from search.inputs import MAX_TEXT_LENGTH, CommonFields, PictureFields, picture_of
from search.models import ChatThread
from search.modes import memorable

logger = logging.getLogger(__name__)

THREAD_ID = "chat_0123456789abcdef01234567"
PRODUCTS_EXAMPLE = {
    "interpreted": {
        "words": "blue sneaker",
        "price_max": 100.0,
        "colors": ["blue"],
        "understood": [{"phrase": "blue", "meaning": "colour blue"}],
    },
    "products": ANSWER["results"],
    "has_more": False,
    "search_id": ANSWER["search_id"],
    "suggestions": ["more like the first one"],
}
ANSWER_EXAMPLE = {
    "thread_id": THREAD_ID,
    "message": "I found 1 product for “blue sneaker”, at most 100.",
    **PRODUCTS_EXAMPLE,
}
EVENT_EXAMPLE = {"event": "message", "data": '{"delta": "I found "}'}


class ConversationFields(CommonFields):
    """What every turn of a conversation takes; its pages are asked for in words."""

    offset = None  # type: ignore[assignment]  # so REST framework leaves a field out
    search_id = None  # type: ignore[assignment]


class ChatInput(PictureFields, ConversationFields):
    message = serializers.CharField(
        max_length=MAX_TEXT_LENGTH, required=False, help_text="the shopper's words; needed without a picture"
    )
    thread_id = serializers.RegexField(
        r"^chat_[0-9a-f]{24}\Z", required=False, help_text="of the conversation to go on with; without one it begins"
    )
    stream = serializers.BooleanField(
        default=False, help_text="answer with server-sent events, as with `Accept: text/event-stream`"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "message" not in attrs and not picture_of(attrs):
            message = "Send a message, a picture or both."
            raise serializers.ValidationError({"message": serializers.ErrorDetail(message, code="required")})
        return super().validate(attrs)


class ProductsSerializer(serializers.Serializer[Any]):
    interpreted = serializers.DictField(
        help_text="what is asked for by now; `understood`: of this message; `not_applied`: what could not be done; "
        "`degraded`: why a language model had no part in it"
    )
    products = HitSerializer(many=True)
    has_more = serializers.BooleanField(help_text="whether “show more” shows more")
    search_id = serializers.CharField(
        allow_null=True, help_text="name it when you report clicks and purchases; null where nothing was searched for"
    )
    suggestions = serializers.ListField(
        child=serializers.CharField(), help_text="what the shopper may say next; each is a message"
    )


class ChatAnswerSerializer(ProductsSerializer):
    thread_id = serializers.CharField(
        help_text=f"send it with the next message, within {ChatThread.KEPT_FOR.days} days"
    )
    message = serializers.CharField(help_text="the assistant's words: plain text; escape it where you show it")
    degraded = serializers.CharField(required=False, help_text="why a language model did not write the words")


class ChatView(APIView):
    """Answers a shopper's message with words and products."""

    required_permissions = {"POST": "search:execute"}
    renderer_classes = [JSONRenderer, EventStreamRenderer]

    @extend_schema(
        operation_id="chat",
        tags=["AI chat"],
        summary="Talk a shopper through the shop",
        description=(
            "Each message refines what is asked for and is searched for: “red dress under 50”, then “in blue instead”, "
            "“cheaper”, “not Zara”, “the second one in red”, “show more”, “any price”, “start over”. What a message "
            "names takes the place of what was said of it before; another kind of thing begins anew, and so does a "
            "picture. Such references to the conversation are understood in English, and templates answer in English; "
            "with a language model of the operator's it writes the words, never the products.\n\n"
            "A conversation keeps its last 20 turns and is deleted 7 days after its last one. Each turn counts as a "
            "search.\n\n"
            "As server-sent events: `products` (all of the answer but the words), `message` (`delta`: a piece of the "
            "words) as often as it takes, `done` (all words, which stand in for the pieces), or `error`. What is wrong "
            "with a request is answered as everywhere, before the first event."
        ),
        request=ChatInput,
        responses={
            (200, "application/json"): ChatAnswerSerializer,
            (200, "text/event-stream"): EVENT_SCHEMA,
        },
        examples=[
            OpenApiExample("A first message", {"message": "blue sneakers under 100"}, request_only=True),
            OpenApiExample("A further one", {"message": "cheaper", "thread_id": THREAD_ID}, request_only=True),
            OpenApiExample(
                "One product found",
                ANSWER_EXAMPLE,
                response_only=True,
                status_codes=["200"],
                media_type="application/json",
            ),
            OpenApiExample(
                "One event", EVENT_EXAMPLE, response_only=True, status_codes=["200"], media_type="text/event-stream"
            ),
        ],
    )
    def post(self, request: ApiRequest) -> HttpResponseBase:
        body = ChatInput(data=request.data)
        tenant = request.auth.tenant
        with told_errors():
            body.is_valid(raise_exception=True)
            fields = body.validated_data
            thread = _thread(request, fields)
            sent = {name: value for name, value in memorable(request.data).items() if name != "message"}
            turn = take_turn(tenant, thread, fields.get("message", ""), picture_of(fields), {**fields, "sent": sent})
        speech = Speech(turn.words, model_messages(turn, said_before(thread)))
        if fields["stream"] or wants_events(request):
            return stream_events(request, _events(thread, turn, speech))
        words = speech.whole()
        if words != turn.words:
            remember_words(thread, words)
        return Response(chat_body(thread.thread_id, turn, words, degraded=speech.degraded))


def wants_events(request: ApiRequest) -> bool:
    renderer: Any = request
    return bool(renderer.accepted_renderer.media_type == EventStreamRenderer.media_type)


def _thread(request: ApiRequest, fields: dict[str, Any]) -> ChatThread:
    tenant = request.auth.tenant
    return access_thread(tenant, fields["thread_id"]) if "thread_id" in fields else ChatThread(tenant=tenant)


def _events(thread: ChatThread, turn: Turn, speech: Speech) -> Iterator[str]:
    yield event({"thread_id": thread.thread_id, **products_body(turn)}, name="products")
    for piece in speech.pieces():
        yield HEARTBEAT if piece is None else event({"delta": piece}, name="message")
    try:
        if speech.words != turn.words:
            remember_words(thread, speech.words)
    except DatabaseError:
        logger.exception("conversation lost")
        yield event({"error": "internal_error", "message": "This answer could not be kept."}, name="error")
        return
    done = {"thread_id": thread.thread_id, "message": speech.words}
    yield event(done | ({"degraded": speech.degraded} if speech.degraded else {}), name="done")
