"""An export as the steps of a job, and what remains when all parts are written."""

from collections.abc import Iterator, Sequence

from accounts.models import Tenant
from catalog.errors import IndexingError
from catalog.export.parts import write_part
from catalog.jobs.items import item_of_step
from catalog.jobs.row_ranges import row_ranges
from catalog.models import Job, JobItem

# Products of a part.
PART = 1_000


def export_steps(tenant: Tenant) -> Iterator[JobItem]:
    """Yield the steps of an export, by the rows of the products that each is to write."""
    for first, last in row_ranges(tenant.products.all(), PART):
        yield item_of_step(JobItem.Action.EXPORT, {"first": first, "last": last})


def write_parts(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Write the parts of an export, each as a file of its own."""
    for item in items:
        rows = job.tenant.products.filter(pk__range=(item.document["first"], item.document["last"]))
        write_part(job, item.index, rows.order_by("pk").iterator())
    return [None] * len(items)
