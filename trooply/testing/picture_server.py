"""A picture host for tests: a real HTTP server on loopback that serves what a test registers."""

import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Answer:
    """What is said to one path: `delay` seconds pass before the head, `drip` seconds after each body byte.

    An `endless` answer says its body over and over, until the client hangs up.
    """

    body: bytes
    content_type: str = "image/jpeg"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    endless: bool = False


class PictureServer(ThreadingHTTPServer):
    """Serves registered answers from a free port, 404 to all else; `requests` counts them by path.

    Who asks for another version than the registered one, by its ETag or Last-Modified, is told 304: `unchanged` counts.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), PictureHandler)
        self.requests: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.stopping = threading.Event()
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The server as FETCH_ALLOWED_HOSTS names it: `127.0.0.1:port`."""
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        """Return the address of a path, registered or not."""
        return f"http://{self.host}{path}"

    def serve(
        self,
        path: str,
        body: bytes,
        *,
        content_type: str = "image/jpeg",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
        drip: float = 0.0,
        endless: bool = False,
    ) -> str:
        """Answer a path (with its query) like this from now on, and return its address."""
        self._answers[path] = Answer(body, content_type, status, headers or {}, delay, drip, endless)
        return self.url(path)

    def answer(self, path: str) -> Answer:
        """Count a request for a path and return what to say to it."""
        with self._lock:
            self.requests[path] += 1
        return self._answers.get(path, Answer(b"no such picture", content_type="text/plain", status=404))

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


class PictureHandler(BaseHTTPRequestHandler):
    """Says the registered answer, at its pace."""

    server: PictureServer

    def do_GET(self) -> None:
        # A client that has seen enough hangs up: for some tests that is the very point.
        with suppress(ConnectionError):
            answer = self.server.answer(self.path)
            self.say(Answer(b"", status=304) if self.has_version_of(answer) else answer)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def has_version_of(self, answer: Answer) -> bool:
        """Return whether the client has this very answer, and count it if so."""
        etag, date = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        known = answer.headers.get("ETag") == etag if etag else answer.headers.get("Last-Modified") == date
        is_known = bool(etag or date) and answer.status == 200 and known
        self.server.unchanged[self.path] += is_known
        return is_known

    def say(self, answer: Answer) -> None:
        self.server.stopping.wait(answer.delay)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if not answer.endless:
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        while answer.endless and not self.server.stopping.is_set():
            self.wfile.write(answer.body)
        if not answer.drip:
            self.wfile.write(answer.body)
            return
        for position in range(len(answer.body)):
            self.wfile.write(answer.body[position : position + 1])
            self.server.stopping.wait(answer.drip)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: pytest would print it under every failing test."""
