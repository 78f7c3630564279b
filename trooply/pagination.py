"""Lists: newest first, by an opaque cursor, so that a page never repeats or skips a row while rows are added."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class NewestFirst(CursorPagination):
    """`?limit&cursor` in; `{"data": [...], "has_more": true, "next_cursor": "..."}` and a `Link` header out."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "limit"
    ordering = ("-created_at", "-pk")

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
