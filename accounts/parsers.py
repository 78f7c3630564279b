"""JSON as we take it: RFC 8259 to the letter, and only what can be stored and shown again."""

import json
import math
import re
from collections.abc import Mapping
from itertools import chain
from typing import IO, Any, Never

from rest_framework import exceptions
from rest_framework.parsers import BaseParser, JSONParser

# What PostgreSQL refuses in a text: a null character, and half of a character beyond U+FFFF without its other half.
_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
# Nobody's product or filter is as deep, and whatever walks through a value later calls itself for each level.
MAX_DEPTH = 100
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"


class InvalidJSON(exceptions.ParseError):
    default_code = "invalid_json"


class DigestingParser(BaseParser):
    """A parser of bodies that are larger than memory: what it returns has the `digest` of the bytes that it read."""


class StrictJSONParser(JSONParser):
    """The parser of JSON bodies."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return parse_json(stream.read())
        except ValueError as error:
            raise InvalidJSON(f"The body is no JSON: {error}") from error


def parse_json(data: bytes) -> Any:
    """Return what JSON in UTF-8 says. Raises ValueError, telling what is wrong."""
    try:
        value = json.loads(data.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _require_shallow(value)
    if _SUSPECT.search(data):
        _require_storable(value)
    return value


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        if not inner:
            return
        level = list(chain.from_iterable(inner))
    if any(isinstance(item, dict | list) for item in level):
        raise ValueError(_TOO_DEEP)


def _require_storable(value: Any) -> None:
    match value:
        case str():
            if "\0" in value:
                raise ValueError("a text holds a null character")
            value.encode()
        case list():
            for item in value:
                _require_storable(item)
        case dict():
            for key, item in value.items():
                _require_storable(key)
                _require_storable(item)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is too large a number")
    return value


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")
