"""How the API's documentation shows what is sent and what is answered."""

from typing import Any

from drf_spectacular.utils import OpenApiExample


def sent(name: str, value: Any) -> OpenApiExample:
    """Return an example of a body that is sent."""
    return OpenApiExample(name, value, request_only=True)


def answered(name: str, value: Any, *statuses: int) -> OpenApiExample:
    """Return an example of an answer, with 200 unless told."""
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status) for status in statuses or (200,)])
