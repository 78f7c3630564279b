"""The end of a scan: pairs of near-duplicates become groups.

What is joined to a group is joined by its strongest pairs (Kruskal, "On the shortest spanning subtree of a graph",
1956), so the weakest of those tells how much alike the group is.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, F, When
from numpy.typing import NDArray

from accounts.revisions import lock_configuration
from catalog.duplicates.groups import Cluster, replace_open_groups
from catalog.models import DuplicateBlock, Embedding, Job

# Products of a group that can be looked at side by side; more come as several groups.
MAX_MEMBERS = 100
# Links that are looked at together.
PART = 100_000


@dataclass(frozen=True)
class SameCover:
    """Products by their rows, ascending, that have the very same cover; of several families or of one."""

    products: list[int]
    families: int


def finish_scan(job: Job) -> None:
    """Turn what the steps of a scan have found into groups, and note on the job how many there are.

    Where steps have failed, what the others have found is kept: the failed ones may be tried again.
    """
    lock_configuration(job.tenant)
    blocks = DuplicateBlock.objects.filter(job=job).order_by("index")
    found = [np.array(links, dtype=np.float64) for links in blocks.values_list("links", flat=True) if links]
    links = np.concatenate([np.empty((0, 3)), *found])
    clusters = join_links(np.concatenate([links, _links_of_copies(job, links)]))
    is_complete = blocks.count() == job.total
    result = replace_open_groups(job.tenant, clusters, is_complete=is_complete)
    Job.objects.filter(pk=job.pk).update(result=result)
    if is_complete:
        blocks.delete()


def join_links(links: NDArray[np.float64]) -> list[Cluster]:
    """Return the products that links connect, directly or through others, as clusters of at most MAX_MEMBERS.

    `links` (n, 3) are two products by their rows, and their similarity, 0 to 1. Two million, the most that a scan of
    100,000 products leaves, take some two seconds: they come in parts, and most of a later part are joined already.
    """
    links = links[np.argsort(-links[:, 2], kind="stable")]
    products, ends = np.unique(links[:, :2].astype(np.int64), return_inverse=True)
    ends = ends.reshape(-1, 2)
    nearest = np.zeros(len(products))
    np.maximum.at(nearest, ends.ravel(), links[:, 2].repeat(2))
    roots, weakest = np.arange(len(products)), {}
    for start in range(0, len(links), PART):
        part, similarities = ends[start : start + PART], links[start : start + PART, 2]
        is_needed = roots[part[:, 0]] != roots[part[:, 1]]
        roots, joined = _join(roots, part[is_needed], similarities[is_needed])
        weakest.update(joined)
    members = defaultdict(list)
    for number, root in enumerate(roots.tolist()):
        members[root].append(number)
    return [
        Cluster(dict(zip(products[part].tolist(), nearest[part].tolist(), strict=True)), weakest[root])
        for root, numbers in members.items()
        for part in np.array_split(numbers, -(-len(numbers) // MAX_MEMBERS))
    ]


def _join(
    roots: NDArray[np.int64], ends: NDArray[np.int64], similarities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], dict[int, float]]:
    """Return what stands for each product once these are joined, and the last similarity that joined to each such."""
    above, weakest = roots.tolist(), {}
    for one, other, similarity in zip(*ends.T.tolist(), similarities.tolist(), strict=True):
        one_root, other_root = _root(above, one), _root(above, other)
        if one_root != other_root:
            above[other_root] = one_root
            weakest[one_root] = similarity
    roots = np.array(above, dtype=np.int64)
    while not np.array_equal(further := roots[roots], roots):
        roots = further
    return roots, weakest


def _root(roots: list[int], number: int) -> int:
    """Return what stands for all that this one is joined to, and halve the way to it."""
    while (above := roots[number]) != number:
        roots[number] = roots[above]
        number = roots[number]
    return number


def _links_of_copies(job: Job, links: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return links between products that have the very same cover, which the steps took for one.

    Those of one family are linked only where they are like a product of another.
    """
    linked = set(links[:, :2].ravel().tolist())
    copies = [
        (cover.products[0], other, 1.0)
        for cover in _same_covers(job)
        if cover.families > 1 or cover.products[0] in linked
        for other in cover.products[1:]
    ]
    return np.array(copies, dtype=np.float64).reshape(-1, 3)


def _same_covers(job: Job) -> list[SameCover]:
    family = Case(When(product__parent_id="", then=F("product__product_id")), default=F("product__parent_id"))
    covers = Embedding.objects.filter(tenant=job.tenant, encoder=job.options["encoder"], image__position=0)
    found = (
        covers.values("image__sha256")
        .annotate(products=ArrayAgg("product_id", order_by="product_id"), families=Count(family, distinct=True))
        .annotate(count=Count("pk"))
        .filter(count__gt=1)
        .values_list("products", "families")
    )
    return [SameCover(*row) for row in found]
