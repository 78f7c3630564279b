"""When an item that has failed is tried again."""

from datetime import datetime, timedelta

from catalog.errors import IndexingError
from catalog.models import JobItem
from catalog.pictures.politeness import HostBusyError, HostPausedError

# After failures that time may mend: a network fault, a timeout, a 5xx. Then the item has failed.
RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
# A shop that asks for more patience (`Retry-After`) gets as much, and its products fail if that was not enough.
MAX_RETRY_AFTER = timedelta(hours=1)
# A shop that lets us fetch slowly may take this long over a job, and no product fails for having waited.
PATIENCE = timedelta(days=1)


def next_try(item: JobItem, error: IndexingError, at: datetime) -> datetime | None:
    """Return when to try an item again that failed at this moment, or None when that was its last try."""
    if not error.retryable:
        return None
    asked = min(error.retry_after or timedelta(0), MAX_RETRY_AFTER)
    if not costs_a_try(error) and at < item.job.created_at + PATIENCE:
        return at + max(RETRY_AFTER[0], asked)
    return at + max(RETRY_AFTER[item.retries], asked) if item.retries < len(RETRY_AFTER) else None


def costs_a_try(error: IndexingError) -> bool:
    """Return whether the shop was asked at all, and not left alone because it is busy."""
    return not isinstance(error.__cause__, HostBusyError | HostPausedError)
