"""Lists: newest first, by an opaque cursor, so that a page never repeats or skips a row while rows are added."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response


class ForeignCursor(exceptions.ParseError):
    default_code = "invalid_parameter"
    default_detail = "This cursor does not belong to this list; start again without it."


class NewestFirst(CursorPagination):
    """`?limit&cursor` in; `{"data": [...], "has_more": true, "next_cursor": "..."}` and a `Link` header out."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "limit"
    ordering = ("-created_at", "-pk")
    # Among rows that sort alike the cursor counts them. One that counts further than this would stand still and give
    # the same page for ever, so it lies far beyond any shop; an offset past a tenant's last row costs no more than all.
    offset_cutoff = 1_000_000_000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the rows of the page; raises ForeignCursor where a cursor's position does not fit the order."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError, DataError) as error:
            if self.cursor is None:
                raise
            raise ForeignCursor from error

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except exceptions.NotFound as error:
            raise ForeignCursor from error

    def get_paginated_response(self, data: Any) -> Response:
        link = self.get_next_link()
        headers = {"Link": f'<{link}>; rel="next"'} if link else {}
        body = {"data": data, "has_more": link is not None, "next_cursor": _cursor_of(link)}
        return Response(body, headers=headers)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "has_more", "next_cursor"],
            "properties": {
                "data": schema,
                "has_more": {"type": "boolean", "example": True},
                "next_cursor": {"type": ["string", "null"], "example": "cD0yMDI2LTExLTIx"},
            },
        }


def _cursor_of(link: str | None) -> str | None:
    return parse_qs(urlsplit(link).query)["cursor"][0] if link else None
