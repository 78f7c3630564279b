"""The steps of jobs on a catalogue as it was at `compared_at`: what was sent to it since then stands."""

from collections.abc import Sequence
from datetime import datetime

from catalog.errors import IndexingError
from catalog.models import Job, JobItem
from catalog.patch_batch import MetadataChange, change_metadata
from catalog.products import delete_products

SENT_AGAIN = IndexingError("changed_meanwhile", "This product was sent again after this began, so it was not removed.")


def delete(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Delete the products of these items, but for those that were sent since; a feed removes none of the demo shop.

    One that is gone already is as good as deleted.
    """
    ids = [item.product_id for item in items]
    products = job.tenant.products.filter(product_id__in=ids)
    old = products.exclude(sent_at__gt=datetime.fromisoformat(job.options["compared_at"]))
    delete_products(old.filter(is_demo=False) if job.kind == Job.Kind.SYNC else old)
    kept = set(products.values_list("product_id", flat=True))
    return [SENT_AGAIN if product_id in kept else None for product_id in ids]


def replace_metadata(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Give products the metadata that a feed has for them."""
    changes = [
        MetadataChange(
            item.product_id,
            item.document["metadata"],
            replaces=True,
            unless_changed_since=datetime.fromisoformat(job.options["compared_at"]),
        )
        for item in items
    ]
    return [changed.error for changed in change_metadata(job.tenant, changes)]
