"""A receiver of webhooks for tests: a real HTTP server on loopback that keeps what it is sent."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """A request: its path, its headers, its raw body, and the client's port, which tells connections apart."""

    path: str
    headers: "Message[str, str]"
    body: bytes
    port: int

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is answered; `delay` is in seconds, and a reply that hangs up sends nothing at all."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    hangs_up: bool = False


class WebhookReceiver(ThreadingHTTPServer):
    """Answers 200 at a free port, or what a test has laid down; `received` are the requests in their order."""

    daemon_threads = True
    # A burst of connections must not be refused by the kernel.
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), WebhookHandler)
        self.received: list[Received] = []
        self.stopping = threading.Event()
        self._replies: dict[str, deque[Reply]] = {}
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The server as FETCH_ALLOWED_HOSTS names it: `127.0.0.1:port`."""
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str = "/hooks") -> str:
        return f"http://{self.host}{path}"

    def reply(self, *replies: Reply, path: str = "/hooks") -> None:
        """Answer the next requests to a path in this order; the last one stays."""
        self._replies[path] = deque(replies)

    def receive(self, request: Received) -> Reply:
        """Keep a request and return what to answer."""
        with self._lock:
            self.received.append(request)
            replies = self._replies.get(request.path)
            if not replies:
                return Reply()
            return replies.popleft() if len(replies) > 1 else replies[0]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


class WebhookHandler(BaseHTTPRequestHandler):
    """Reads a request and says the reply."""

    server: WebhookReceiver
    protocol_version = "HTTP/1.1"
    # The head and the body of an answer go out in one packet.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.receive(Received(self.path, self.headers, body, self.client_address[1]))
        self.server.stopping.wait(reply.delay)
        if reply.hangs_up:
            self.close_connection = True
            return
        # A client that has waited long enough hangs up: for some tests that is the very point.
        with suppress(ConnectionError):
            self.say(reply)

    def do_GET(self) -> None:
        """Say that a redirect was followed, which it must not be."""
        self.server.receive(Received(self.path, self.headers, b"", self.client_address[1]))
        self.say(Reply())

    def say(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: pytest would print it under every failing test."""
