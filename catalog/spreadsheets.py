"""Tables that people open in a spreadsheet, as CSV (RFC 4180)."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rest_framework.renderers import JSONRenderer

# A spreadsheet takes a text that begins so for a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CSVRenderer(JSONRenderer):
    """Answers a table for a spreadsheet; errors stay JSON."""

    media_type = "text/csv"
    format = "csv"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield a table line by line, as it is read; a text that looks like a formula stays a text."""
    writer = csv.writer(_Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([_harmless(value) for value in row])


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
