"""The groups of near-duplicates that a tenant has, and what a scan makes of them."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404

from accounts.models import Tenant
from catalog.models import DuplicateGroup, DuplicateMember

State = DuplicateGroup.State


@dataclass(frozen=True)
class Cluster:
    """Products by their rows that belong together, each with its similarity, 0 to 1, to the one most like it.

    `similarity` is the least of those that joined them.
    """

    members: Mapping[int, float]
    similarity: float


def present_groups(tenant: Tenant) -> QuerySet[DuplicateGroup]:
    """Return a tenant's groups, without open ones of which deletions have left fewer than two products."""
    two = DuplicateMember.objects.filter(group=OuterRef("pk"))[1:2]
    return tenant.duplicate_groups.exclude(~Exists(two), state=State.OPEN)


def access_group(tenant: Tenant, group_id: str) -> DuplicateGroup:
    """Return a group with its products, or raise Http404."""
    group = with_products(present_groups(tenant).filter(group_id=group_id)).first()
    if group is None:
        raise Http404
    return group


def with_products(groups: QuerySet[DuplicateGroup]) -> QuerySet[DuplicateGroup]:
    """Fetch the products of groups along, in the order in which they came into the catalogue."""
    members = DuplicateMember.objects.order_by("product_id").select_related("product")
    return groups.prefetch_related(Prefetch("members", members.prefetch_related("product__images")))


def replace_open_groups(tenant: Tenant, clusters: Sequence[Cluster], *, is_complete: bool) -> dict[str, int]:
    """Have a tenant's open groups be these clusters; return how many groups and products these are, and how many new.

    What somebody has decided stays decided: products that were together in a group then make no new one. A group that
    is found again keeps its id. Others are closed, unless the scan was not complete. Called in a transaction.
    """
    present = _lock_products(tenant, {product for cluster in clusters for product in cluster.members})
    found = {_digest(left.members): left for left in _still_open(tenant, clusters, present)}
    known = set(tenant.duplicate_groups.filter(members_digest__in=found).values_list("members_digest", flat=True))
    new = [cluster for digest, cluster in found.items() if digest not in known]
    _create(tenant, new)
    _update(tenant, [cluster for digest, cluster in found.items() if digest in known])
    if is_complete:
        tenant.duplicate_groups.filter(state=State.OPEN).exclude(members_digest__in=found).delete()
    products = sum(len(cluster.members) for cluster in found.values())
    return {"groups": len(found), "products": products, "new": len(new)}


def _lock_products(tenant: Tenant, products: Collection[int]) -> set[int]:
    """Return which of these products are still there, and keep them until the transaction ends."""
    rows = tenant.products.select_for_update(no_key=True).filter(pk__in=products).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def _still_open(tenant: Tenant, clusters: Sequence[Cluster], present: Collection[int]) -> list[Cluster]:
    """Return what is left of clusters, without those whose products somebody has had before them in one group."""
    decided: dict[int, set[int]] = defaultdict(set)
    rows = DuplicateMember.objects.filter(tenant=tenant).exclude(group__state=State.OPEN)
    for group, product in rows.values_list("group_id", "product_id"):
        decided[product].add(group)
    left = [
        Cluster({product: near for product, near in cluster.members.items() if product in present}, cluster.similarity)
        for cluster in clusters
    ]
    return [
        cluster
        for cluster in left
        if len(cluster.members) > 1 and not set.intersection(*(decided[product] for product in cluster.members))
    ]


def _create(tenant: Tenant, clusters: Sequence[Cluster]) -> None:
    groups = DuplicateGroup.objects.bulk_create(
        DuplicateGroup(tenant=tenant, similarity=cluster.similarity, members_digest=_digest(cluster.members))
        for cluster in clusters
    )
    DuplicateMember.objects.bulk_create(
        (
            DuplicateMember(tenant=tenant, group=group, product_id=product, similarity=similarity)
            for group, cluster in zip(groups, clusters, strict=True)
            for product, similarity in cluster.members.items()
        ),
        batch_size=2_000,
    )


def _update(tenant: Tenant, clusters: Sequence[Cluster]) -> None:
    """Tell open groups that are found again how much alike they are now."""
    clusters_by_digest = {_digest(cluster.members): cluster for cluster in clusters}
    groups = tenant.duplicate_groups.filter(members_digest__in=clusters_by_digest).prefetch_related("members")
    members = []
    for group in groups:
        cluster = clusters_by_digest[group.members_digest]
        group.similarity = cluster.similarity
        for member in group.members.all():
            member.similarity = cluster.members[member.product_id]
            members.append(member)
    DuplicateGroup.objects.bulk_update(groups, ["similarity"], batch_size=500)
    DuplicateMember.objects.bulk_update(members, ["similarity"], batch_size=500)


def _digest(products: Collection[int]) -> str:
    """Return the SHA-256 of products by their rows, in whatever order."""
    return hashlib.sha256(",".join(map(str, sorted(products))).encode()).hexdigest()
