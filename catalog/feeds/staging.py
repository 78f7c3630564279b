"""A feed in a temporary table: however long it is, it is compared with the catalogue by statements on sets.

The table lives as long as the transaction. It is filled by COPY, a few thousand lines at a time, so that no statement
lasts long; what is wrong with a line stands in its row. Of several lines of one product only the last one stays.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import connection
from rest_framework import exceptions

from accounts.models import Tenant
from billing.limits import plan_of
from catalog.documents import ProductDocument
from catalog.feeds.formats.entries import FeedError, OpenFeed, Skipped
from catalog.feeds.products import ReadProduct, read_products
from catalog.jobs.bulk import feed_lines
from catalog.jobs.items import item_of_document, rejected_item
from catalog.models import JobItem

COPY_LINES = 5_000
SHOWN_ERRORS = 100
SHOWN_REPEATS = 100
SHOWN_PRODUCTS = 5

_CREATE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS feed_line (
        line integer NOT NULL, product_id text NOT NULL, images text[], metadata jsonb, message text NOT NULL
    ) ON COMMIT DROP
"""
_DROP_REPEATED = """
    WITH gone AS (
        DELETE FROM feed_line USING (
            SELECT product_id, max(line) AS last FROM feed_line WHERE message = ''
            GROUP BY product_id HAVING count(*) > 1
        ) AS repeated
        WHERE feed_line.product_id = repeated.product_id AND line < last AND message = ''
        RETURNING line, feed_line.product_id, last
    )
    SELECT line, product_id, last, count(*) OVER () FROM gone ORDER BY line LIMIT %s
"""
_SAMPLE = """
    SELECT product_id, images, metadata, count(*) OVER () FROM feed_line WHERE message = '' ORDER BY line LIMIT %s
"""


class FeedTooLong(exceptions.ValidationError):
    """A feed of more products than the tenant's plan has."""

    def __init__(self, most: int) -> None:
        told = f"Your plan takes feeds of {most:,} products, and this one has more. Nothing was done."
        super().__init__({"file": [exceptions.ErrorDetail(told, "feed_too_long")]})


@dataclass
class Staged:
    """What stands in the table: how many products, and the first things that somebody may want to see.

    `repeated` counts the lines that gave way to a later one of the same product; `repeats` tells of the first of them.
    """

    products: int = 0
    repeated: int = 0
    invalid: int = 0
    skipped: int = 0
    without_id: int = 0
    errors: list[FeedError] = field(default_factory=list)
    repeats: list[FeedError] = field(default_factory=list)
    sample: list[ProductDocument] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def stage(tenant: Tenant, feed: OpenFeed) -> Staged:
    """Read a feed into the table of this transaction. Raises FeedTooLong."""
    staged = Staged()
    rows = _rows(_limited(read_products(tenant, feed), feed_lines(plan_of(tenant))), staged)
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("TRUNCATE feed_line")
        while batch := list(islice(rows, COPY_LINES)):
            _copy(cursor, batch)
        cursor.execute("CREATE INDEX ON feed_line (product_id)")
        cursor.execute("ANALYZE feed_line")
        _drop_repeated(cursor, feed, staged)
        _keep_sample(cursor, staged)
    return staged


def staged_items(feed: OpenFeed) -> Iterator[JobItem]:
    """Yield an item for each row, in the order of the feed; one that indexes, or that says what is wrong."""
    statement = "SELECT line, product_id, images, metadata, message FROM feed_line ORDER BY line"
    for line, product_id, images, metadata, message in iterate(statement, []):
        yield (
            rejected_item(f"{feed.unit.capitalize()} {line}: {message}", product_id=product_id)
            if message
            else item_of_document(ProductDocument(product_id, tuple(images), json.loads(metadata)))
        )


def iterate(statement: str, parameters: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a statement, of which only some are in memory at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(1_000):
            yield from rows


def _limited(
    entries: Iterator[ReadProduct | FeedError | Skipped], most: int | None
) -> Iterator[ReadProduct | FeedError | Skipped]:
    for number, entry in enumerate(entries, 1):
        if most is not None and number > most:
            raise FeedTooLong(most)
        yield entry


def _rows(entries: Iterator[ReadProduct | FeedError | Skipped], staged: Staged) -> Iterator[tuple[object, ...]]:
    """Yield the rows of what was read, and count what is no product."""
    for entry in entries:
        match entry:
            case ReadProduct(line, document):
                yield line, document.product_id, list(document.images), json.dumps(document.metadata), ""
            case FeedError(line, message, product_id):
                staged.invalid += 1
                staged.without_id += not product_id
                if len(staged.errors) < SHOWN_ERRORS:
                    staged.errors.append(entry)
                yield line, product_id, None, None, message
            case Skipped():
                staged.skipped += 1
                staged.reasons[entry.reason] += 1


def _copy(cursor: Any, rows: Sequence[tuple[object, ...]]) -> None:
    with cursor.copy("COPY feed_line FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _drop_repeated(cursor: Any, feed: OpenFeed, staged: Staged) -> None:
    cursor.execute(_DROP_REPEATED, [SHOWN_REPEATS])
    for line, product_id, last, count in cursor.fetchall():
        message = f"{product_id} also stands in {feed.unit} {last:,}; the last one counts."
        staged.repeats.append(FeedError(line, message, product_id))
        staged.repeated = count


def _keep_sample(cursor: Any, staged: Staged) -> None:
    cursor.execute(_SAMPLE, [SHOWN_PRODUCTS])
    for product_id, images, metadata, count in cursor.fetchall():
        staged.sample.append(ProductDocument(product_id, tuple(images), json.loads(metadata)))
        staged.products = count
