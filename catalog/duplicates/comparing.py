"""A step of a scan: a block of covers is compared with all covers that come after it.

Measured on two cores that others used too, 10,000 products with vectors of 384 dimensions: 3 seconds in this way, 54 by
asking an HNSW index for the neighbours of each (3 to build it, then 5 milliseconds for each), and 300 by asking without
an index. The work grows with the square of the products, that of the index only with their number; but a multiplication
in a matrix product is so much cheaper than a step through an index that up to some hundred thousand products nothing
is gained, and the index misses some.

A picture that many products share is compared once. Of a picture the strongest LINKS are kept: thousands of
placeholders that are nearly the same would otherwise be millions of pairs, and these join them just as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accounts.models import Tenant
from catalog.duplicates.covers import Covers, covers_of
from catalog.errors import IndexingError
from catalog.jobs.items import item_of_step
from catalog.models import DuplicateBlock, Embedding, Encoder, Job, JobItem
from catalog.vision.near_duplicates import Scale

# Multiplications and additions of a step: 2 seconds of one core, and well within a step's 25 when ten others want it.
STEP_OPERATIONS = 1e11
# Columns that a block is compared with at a time, so that their cosines fit into the cache or nearly so.
TILE = 4_096
# To later pictures, of each.
LINKS = 20


@dataclass(frozen=True)
class Links:
    """Pairs of pictures by their numbers `one` < `other`, both int (n,), and their cosines, float32 (n,)."""

    one: NDArray[np.intp]
    other: NDArray[np.intp]
    cosine: NDArray[np.float32]


def blocks_of(tenant: Tenant, encoder: Encoder) -> Iterator[JobItem]:
    """Yield the steps of a scan: from which product on to which, by their rows; the last block has no end."""
    covers = Embedding.objects.filter(tenant=tenant, encoder=encoder, image__position=0)
    products = list(covers.order_by("product_id").values_list("product_id", flat=True))
    rows = max(1, int(STEP_OPERATIONS / (2 * max(1, len(products)) * encoder.dimensions)))
    # A catalogue without a cover has one step too, so that its scan ends like any other.
    starts = products[::rows] or [0]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        yield item_of_step(JobItem.Action.COMPARE, {"start": start, "end": end})


def compare(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Compare the blocks of these items with what comes after them, and keep which are near-duplicates."""
    covers, scale = covers_of(job), Scale(job.options["distance"])
    for item in items:
        start, end = np.searchsorted(covers.products, [item.document["start"], item.document["end"] or np.inf])
        links = find_links(covers, int(start), int(end), cosine=scale.cosine(job.options["threshold"]))
        DuplicateBlock.objects.update_or_create(
            job=job, index=item.index, defaults={"tenant_id": job.tenant_id, "links": _named(links, covers, scale)}
        )
    return [None] * len(items)


def find_links(covers: Covers, start: int, end: int, *, cosine: float) -> Links:
    """Return the pairs of a cover from `start` to before `end` and a later one that are at least so near.

    Products of one family are no duplicates of each other.
    """
    block = covers.vectors[start:end].astype(np.float32)
    found = Links(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))
    for first in range(start, len(covers.products), TILE):
        cosines = block @ covers.vectors[first : first + TILE].astype(np.float32).T
        rows, columns = np.nonzero(cosines >= cosine)
        near = Links(rows + start, columns + first, cosines[rows, columns])
        found = _strongest(_joined(found, _chosen(near, _may_be_duplicates(covers, near))))
    return found


def _may_be_duplicates(covers: Covers, links: Links) -> NDArray[np.bool_]:
    of_two = covers.families[links.one] != covers.families[links.other]
    of_several = covers.shared[links.one] | covers.shared[links.other]
    return np.asarray((links.one < links.other) & (of_two | of_several))


def _strongest(links: Links) -> Links:
    """Keep the LINKS nearest of each `one`."""
    order = np.lexsort((links.other, -links.cosine, links.one))
    ones = links.one[order]
    rank = np.arange(len(ones)) - np.searchsorted(ones, ones)
    return _chosen(links, order[rank < LINKS])


def _chosen(links: Links, which: NDArray[np.bool_] | NDArray[np.intp]) -> Links:
    return Links(links.one[which], links.other[which], links.cosine[which])


def _joined(some: Links, others: Links) -> Links:
    return Links(
        np.concatenate([some.one, others.one]),
        np.concatenate([some.other, others.other]),
        np.concatenate([some.cosine, others.cosine]),
    )


def _named(links: Links, covers: Covers, scale: Scale) -> list[tuple[int, int, float]]:
    ones, others = covers.products[links.one].tolist(), covers.products[links.other].tolist()
    similarities = [round(scale.similarity(cosine), 4) for cosine in links.cosine.tolist()]
    return list(zip(ones, others, similarities, strict=True))
