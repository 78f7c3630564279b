"""Deleting what is kept for a time only, however much of it there is."""

import time
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

# Rows that a transaction deletes, beside those that refer to them.
BATCH = 1_000


def delete_in_batches(rows: QuerySet[Any], *, ends_at: float) -> int:
    """Delete rows with all that refers to them, until none is left or a time by the monotonic clock; return how many.

    Rows that refer to them are counted too. What somebody else has locked is left for the next time.
    """
    count = 0
    while time.monotonic() < ends_at and (deleted := _delete_some(rows)):
        count += deleted
    return count


@transaction.atomic
def _delete_some(rows: QuerySet[Any]) -> int:
    locked = rows.order_by().select_for_update(skip_locked=True, of=("self",))
    chosen = list(locked.values_list("pk", flat=True)[:BATCH])
    deleted: int = rows.model._base_manager.filter(pk__in=chosen).delete()[0]
    return deleted
