"""What is wrong with a request, in words for people."""

from collections.abc import Mapping
from typing import Any


def sentence(detail: Any, field: str = "") -> str:
    """Return the details of a ValidationError as one text that names each field."""
    if isinstance(detail, Mapping):
        return " ".join(sentence(value, f"{field}.{name}".lstrip(".")) for name, value in detail.items())
    if isinstance(detail, list):
        return " ".join(sentence(value, field) for value in detail)
    return f"{field}: {detail}"


def messages_of(detail: Any) -> str:
    """Return the details of an error as one text for people, who see no fields."""
    if isinstance(detail, Mapping):
        return " ".join(map(messages_of, detail.values()))
    return " ".join(map(messages_of, detail)) if isinstance(detail, list) else str(detail)
