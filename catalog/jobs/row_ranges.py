"""A catalogue cut into pieces, for jobs that go over all of it."""

from collections.abc import Iterator

from django.db.models import QuerySet

from catalog.models import Product


def row_ranges(products: QuerySet[Product], size: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row of each piece of so many products, in the order of their rows."""
    first = last = None
    for number, pk in enumerate(products.order_by("pk").values_list("pk", flat=True).iterator(), start=1):
        first, last = first or pk, pk
        if number % size == 0:
            yield first, last
            first = None
    if first is not None and last is not None:
        yield first, last
