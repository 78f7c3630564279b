"""The items that jobs are made of, as they are before they belong to one."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Case, QuerySet, Value, When

from catalog.documents import ProductDocument
from catalog.models import JobItem

# The code of an item that trying again cannot help.
NOT_WELL_FORMED = "validation_failed"


def item_of_document(document: ProductDocument) -> JobItem:
    """Return an item that indexes a product."""
    return JobItem(product_id=document.product_id, document=document.to_json())


def item_of_sent(product: Mapping[str, Any]) -> JobItem:
    """Return an item that indexes a product as a merchant has sent it; it is checked when its turn comes."""
    return JobItem(product_id=str(product.get("product_id", ""))[:255], document={"sent": dict(product)})


def rejected_item(message: str, *, product_id: str = "") -> JobItem:
    """Return an item that has failed before it began."""
    return JobItem(
        product_id=product_id[:255],
        document={},
        status=JobItem.Status.FAILED,
        due_at=None,
        code=NOT_WELL_FORMED,
        message=message,
    )


def item_of_deletion(product_id: str) -> JobItem:
    """Return an item that deletes a product."""
    return JobItem(product_id=product_id, action=JobItem.Action.DELETE, document={})


def item_of_step(action: JobItem.Action, document: Mapping[str, Any]) -> JobItem:
    """Return an item that is a step of a job on the whole catalogue."""
    return JobItem(action=action, document=dict(document))


def stop_items(items: QuerySet[JobItem]) -> None:
    """Cancel items of a cancelled job; what has failed before and was to be tried again keeps its failure."""
    canceled = When(code="", then=Value(JobItem.Status.CANCELED))
    items.update(status=Case(canceled, default=Value(JobItem.Status.FAILED)), due_at=None)


def store_items(items: Sequence[JobItem]) -> None:
    """Write new items by COPY: for a feed of 100,000 lines an INSERT takes many times as long."""
    fields = [field for field in JobItem._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    statement = f"COPY {JobItem._meta.db_table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for item in items:
            copy.write_row([field.get_db_prep_save(getattr(item, field.attname), connection) for field in fields])
