"""How lists are answered: a page of rows by cursor."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


def paginated(
    view: GenericAPIView[Any], rows: QuerySet[Any], *, ordering: tuple[str, ...] = (), page_size: int | None = None
) -> Response:
    """Answer the page of rows that a list's request asks for, in this order; without one the newest come first.

    `page_size` is for a request that names none.
    """
    paginator = view.paginator
    assert isinstance(paginator, CursorPagination)
    if page_size is not None:
        paginator.page_size = page_size
    if ordering:
        paginator.ordering = ordering
    page = view.paginate_queryset(rows)
    return view.get_paginated_response(view.get_serializer(page, many=True).data)
