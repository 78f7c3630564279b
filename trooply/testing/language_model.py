"""A language model and a transcriber for tests, on loopback: OpenAI's protocols, and what they are told to say."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Endpoint(ThreadingHTTPServer):
    """Says `answers` in turn and then `content`, or exactly `body`, or in streams `body_of_streams`, where one is set.

    `asked` holds each request's path, credentials and body: parsed JSON, or bytes of anything else.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), EndpointHandler)
        self.answers: list[str] = []
        self.content, self.status = "", 200
        self.body: bytes | None = None
        self.body_of_streams: bytes | None = None
        self.asked: list[tuple[str, str | None, Any]] = []
        self.is_slow, self.is_held = threading.Event(), threading.Event()
        self.is_left = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_left.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class EndpointHandler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(data) if self.headers["Content-Type"] == "application/json" else data
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()
        while self.server.is_slow.is_set() and not self.server.is_left.wait(0.02):
            self.wfile.write(b" ")
        self.wfile.write(self._answer(is_stream=isinstance(body, dict) and body.get("stream") is True))
        if self.server.is_held.is_set():
            self.server.is_left.wait(10)

    def _answer(self, *, is_stream: bool) -> bytes:
        exact = self.server.body_of_streams if is_stream else None
        exact = self.server.body if exact is None else exact
        if exact is not None:
            return exact
        content = self.server.answers.pop(0) if self.server.answers else self.server.content
        return streamed(content) if is_stream else whole(content)

    def log_message(self, *args: Any) -> None:
        pass


def whole(content: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def streamed(content: str, *, is_whole: bool = True) -> bytes:
    deltas = [{"role": "assistant"}, *({"content": word} for word in content.split("|"))]
    events = [f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas]
    events += [": ping\n\n", 'data: {"choices": [], "usage": {}}\n\n', "data: [DONE]"] if is_whole else []
    return "".join(events).encode()
