"""A client of the API over one connection that is kept alive."""

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from bench.installation import web_address

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Request:
    """A POST, ready to be sent."""

    path: str
    body: bytes
    content_type: str


def json_request(path: str, document: Any) -> Request:
    """Return a request with a JSON body."""
    return Request(path, json.dumps(document).encode(), "application/json")


def upload_request(path: str, picture: bytes, fields: Mapping[str, Any]) -> Request:
    """Return a request with a picture as the file `image` of a form, beside other fields in JSON (RFC 7578)."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{json.dumps(value)}\r\n'
        for name, value in fields.items()
    ]
    head = "".join(parts) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="query.webp"\r\n'
        "Content-Type: image/webp\r\n\r\n"
    )
    body = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    return Request(path, body, f"multipart/form-data; boundary={boundary}")


class Client:
    """Calls the API with an access token; raises RuntimeError for an answer that is an error."""

    def __init__(self, token: str) -> None:
        self._connection = http.client.HTTPConnection(*web_address(), timeout=TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def post(self, request: Request) -> dict[str, Any]:
        """Send a request and return the answer's JSON."""
        headers = {**self._headers, "Content-Type": request.content_type}
        return self._call("POST", request.path, request.body, headers)

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON at a path."""
        return self._call("GET", path, None, self._headers)

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path} was answered with {response.status}: {text[:500]!r}")
        answer: dict[str, Any] = json.loads(text)
        return answer
