"""Feeds: bodies of requests that are larger than memory, kept in a temporary file while they are read.

A `FeedView` takes feeds by naming `NDJSONFeedParser`, or another subclass of `FeedParser`, in its `parser_classes`;
`request.data` is then a `Feed`. Such a view's bodies may have MAX_FEED_BYTES instead of MAX_BODY_BYTES.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from rest_framework import exceptions
from rest_framework.views import APIView

from accounts.parsers import DigestingParser, parse_json

# Read from the network and written to the file at a time.
CHUNK_BYTES = 256 * 1024
# What is smaller needs no file.
IN_MEMORY_BYTES = 1024 * 1024


class IncompleteBody(exceptions.ParseError):
    default_code = "incomplete_body"


class LineTooLong(exceptions.ParseError):
    default_code = "line_too_long"


@dataclass(frozen=True)
class Feed:
    """A feed as it was sent; its file is seekable, stands at its start, and is closed by the view."""

    file: IO[bytes]
    digest: bytes
    size: int
    media_type: str


class FeedView(APIView):
    """A view that takes feeds: however a request ends, it closes the files that its parsers have opened."""

    opened: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Django closes a request's files with the response, which not every server closes, and DRF forgets those of
        # forms.
        with ExitStack() as self.opened:
            return super().dispatch(request, *args, **kwargs)


class FeedParser(DigestingParser):
    """Reads a body into a `Feed`. Raises IncompleteBody when it ends before its Content-Length."""

    def parse(  # type: ignore[override]  # the stubs know of mappings alone; a parser may return anything
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Feed:
        assert parser_context is not None
        view: FeedView = parser_context["view"]
        spooled = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # the view closes it
        file: IO[bytes] = view.opened.enter_context(spooled)
        digest, size = _copy(stream, file)
        announced = int(view.request.META.get("CONTENT_LENGTH") or 0)
        if size < announced:
            raise IncompleteBody(
                f"The body ended after {size:,} of {announced:,} bytes. Nothing was kept; send it again."
            )
        return Feed(file, digest, size, self.media_type)


class NDJSONFeedParser(FeedParser):
    """Takes one JSON object a line (ndjson.org)."""

    media_type = "application/x-ndjson"


def takes_feed(path: str, content_type: str) -> bool:
    """Return whether the view at a path takes bodies of this type as feeds."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    parsers = getattr(getattr(view, "view_class", None), "parser_classes", ())
    media_type = content_type.partition(";")[0].strip().lower()
    return any(issubclass(parser, FeedParser) and parser.media_type == media_type for parser in parsers)


def read_lines(feed: Feed) -> Iterator[bytes]:
    """Yield the lines of a feed that are not blank. Raises LineTooLong for one of more than MAX_BODY_BYTES."""
    feed.file.seek(0)
    number = 0
    while line := feed.file.readline(settings.MAX_BODY_BYTES + 1):
        number += 1
        if len(line) > settings.MAX_BODY_BYTES:
            megabytes = settings.MAX_BODY_BYTES // 1024**2
            raise LineTooLong(f"Line {number:,} has more than {megabytes} MB. Nothing was kept.")
        if line.strip():
            yield line


def read_objects(feed: Feed) -> Iterator[dict[str, Any] | ValueError]:
    """Yield the JSON object of each line of a feed, or what is wrong with the line."""
    for line in read_lines(feed):
        try:
            value = parse_json(line)
        except ValueError as error:
            yield ValueError(f"This line is no JSON: {error}")
        else:
            yield value if isinstance(value, dict) else ValueError("A product is a JSON object.")


def _copy(stream: IO[bytes], file: IO[bytes]) -> tuple[bytes, int]:
    """Copy all there is; return its SHA-256 and its bytes."""
    sha256, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        sha256.update(chunk)
        size += file.write(chunk)
    file.seek(0)
    return sha256.digest(), size
