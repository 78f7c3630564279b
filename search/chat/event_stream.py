"""Server-sent events over WSGI: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

# A comment, which clients pass over, so that nobody on the way takes the connection for dead.
HEARTBEAT = ": heartbeat\n\n"

# Of each event, as the documentation has it.
EVENT_SCHEMA = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "description": "JSON"}},
}


class EventStreamRenderer(JSONRenderer):
    """Lets a client ask for `text/event-stream`; what it renders itself are errors before the first event."""

    media_type = "text/event-stream"
    format = "events"


def event(data: Any, *, name: str = "") -> str:
    """Return one event, its data as JSON in one line."""
    line = f"data: {json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False)}\n\n"
    return f"event: {name}\n{line}" if name else line


def stream_events(request: Request, events: Iterator[str]) -> StreamingHttpResponse:
    """Return the answer that sends events as they come, held back by no proxy or compression."""
    # The compressing middleware would keep events until its buffer is full.
    request._request.META.pop("HTTP_ACCEPT_ENCODING", None)
    response = StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response
