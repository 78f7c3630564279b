"""JSON as we take it: RFC 8259 to the letter, and only what can be stored and shown again."""

import json
import re
from collections.abc import Mapping
from typing import IO, Any, Never

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

# An escaped half of a character beyond U+FFFF. Unless its other half follows it is no text, and PostgreSQL refuses it.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class StrictJSONParser(JSONParser):
    """The parser of JSON bodies."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return parse_json(stream.read())
        except ValueError as error:
            raise ParseError(f"The body is no JSON: {error}") from error


def parse_json(data: bytes) -> Any:
    """Return what JSON in UTF-8 says. Raises ValueError, telling what is wrong."""
    try:
        value = json.loads(data.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _SURROGATE.search(data):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")
