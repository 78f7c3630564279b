"""Asking the endpoints that operators set: JSON is sent, the answer is bounded in size and in time.

Their addresses are trusted, so they are not guarded as those of merchants are (`accounts/outbound.py`).
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3

MAX_ANSWER_BYTES = 1_000_000
READ_SIZE = 64 * 1024


class EndpointError(Exception):
    """The endpoint is off, could not be reached, refused, took too long, or answered something else than asked."""


def ask(url: str, body: dict[str, Any], *, key: str = "", timeout: float) -> Any:
    """Return what an endpoint answers, parsed; `timeout` is in seconds and in total. Raises EndpointError."""
    deadline = time.monotonic() + timeout
    with translated_errors(), posted(url, body, key=key, timeout=timeout) as response:
        return json.loads(_read(response, deadline))


@contextmanager
def posted(url: str, body: dict[str, Any], *, key: str = "", timeout: float) -> Iterator[requests.Response]:
    """Send a request, with a key as bearer if there is one, and hand out its answer before the body has come."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with requests.post(
        url, json=body, headers=headers, timeout=timeout, stream=True, allow_redirects=False
    ) as response:
        if response.status_code != 200:
            raise EndpointError(f"It answered with status {response.status_code}.")
        yield response


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what goes wrong on the way, and answers in another form, into EndpointError without addresses."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise EndpointError(f"It could not be asked: {type(error).__name__}.") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise EndpointError("Its answer is not in the form of the protocol.") from error


def arrivals(response: requests.Response) -> Iterator[bytes]:
    """Yield what has arrived, up to a limit; requests itself would wait until its buffer is full."""
    size = 0
    while piece := response.raw.read1(READ_SIZE, decode_content=True):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise EndpointError("Its answer is too long.")
        yield piece


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the body, unless it comes too slowly as a whole."""
    body = b""
    for piece in arrivals(response):
        body += piece
        if time.monotonic() > deadline:
            raise EndpointError("Its answer came too slowly.")
    return body
