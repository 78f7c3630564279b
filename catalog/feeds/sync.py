"""Making the catalogue exactly what a feed says: new products are added, changed ones changed, missing ones removed.

    start_sync: stage the feed -> compare it with the catalogue -> refuse what would remove too much -> a job

Where only metadata differ, the product's pictures are neither fetched nor looked at. Products of the demo shop are
never removed. The job has what it adds and changes first and what it removes last. Whatever somebody does to a product
after the feed was compared stands: one that was sent again meanwhile is not removed, and metadata that were changed
meanwhile are left as they are.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from rest_framework import exceptions, status

from accounts import audit
from accounts.models import Tenant
from billing.limits import plan_of, require_room
from catalog.attributes.targets import TARGETS
from catalog.documents import ProductDocument
from catalog.feeds.formats.entries import OpenFeed
from catalog.feeds.importing import counted, describe_staged, keep_result, require_products
from catalog.feeds.staging import iterate, stage
from catalog.jobs.items import item_of_deletion, item_of_document, rejected_item
from catalog.jobs.lifecycle import create_job
from catalog.models import Job, JobItem

# Of the catalogue that a feed may remove, unless told otherwise: more is likelier a broken export.
MAX_REMOVAL_SHARE = 0.2
SHOWN_REMOVED = 20

# A picture inside the feed cannot be compared with an address, so its product is indexed again. So is one that failed:
# whatever was in its way may be gone. What was accepted of our suggestions, and the feed does not tell, is kept: it is
# no difference.
_COMPARE = """
    CREATE TEMPORARY TABLE feed_diff ON COMMIT DROP AS
    SELECT feed_line.line, feed_line.product_id, feed_line.images, feed_line.metadata, CASE
        WHEN product.id IS NULL OR product.is_demo THEN 'added'
        WHEN product.image_urls <> feed_line.images OR product.status = 'failed' THEN 'reindexed'
        WHEN product.metadata = feed_line.metadata || kept.metadata THEN 'unchanged'
        WHEN product.status = 'indexed' THEN 'patched'
        ELSE 'reindexed'
    END AS change
    FROM feed_line
    LEFT JOIN catalog_product AS product
        ON product.tenant_id = %(tenant)s AND product.product_id = feed_line.product_id
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(split_part(target.keys, ' ', 1), decision.value), '{}') AS metadata
        FROM catalog_attributedecision AS decision
        JOIN unnest(%(attributes)s::text[], %(keys)s::text[]) AS target (attribute, keys) USING (attribute)
        WHERE decision.product_id = product.id AND decision.accepted
            AND product.metadata -> split_part(target.keys, ' ', 1) = to_jsonb(decision.value::text)
            AND NOT EXISTS (
                SELECT FROM unnest(string_to_array(target.keys, ' ')) AS own (key)
                WHERE coalesce(feed_line.metadata -> own.key, 'null') NOT IN ('null', '""', '[]')
            )
    ) AS kept
    WHERE feed_line.message = ''
"""
_COUNT = """
    SELECT count(*) FILTER (WHERE change = 'added'), count(*) FILTER (WHERE change = 'reindexed'),
        count(*) FILTER (WHERE change = 'patched'), count(*) FILTER (WHERE change = 'unchanged')
    FROM feed_diff
"""
_MISSING = """
    FROM catalog_product AS product WHERE product.tenant_id = %s AND NOT product.is_demo
    AND NOT EXISTS (SELECT 1 FROM feed_line WHERE feed_line.product_id = product.product_id)
"""


@dataclass(frozen=True)
class Diff:
    """What a feed would do to the catalogue, in products; `updated` are those with other pictures or metadata."""

    added: int
    updated: int
    metadata_only: int
    unchanged: int
    removed: int
    invalid: int
    removed_sample: tuple[str, ...]
    removal_share: float
    max_removal_share: float
    lines_without_id: int

    @property
    def would_be_refused(self) -> bool:
        """Whether so many products would be removed, or so uncertainly, that it takes `force`."""
        return self.removed > 0 and (self.removal_share > self.max_removal_share or self.lines_without_id > 0)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "removed_sample": list(self.removed_sample), "would_be_refused": self.would_be_refused}


class TooManyRemovals(exceptions.APIException):
    """A feed that would remove more than it may; the answer says what it would have done."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "too_many_removals"

    def __init__(self, diff: Diff) -> None:
        if diff.removal_share > diff.max_removal_share:
            why = f"more than the {diff.max_removal_share:.0%} that a feed may remove"
        else:
            why = f"though {diff.lines_without_id:,} lines cannot be read, and may be of these products"
        super().__init__(
            f"This feed would remove {diff.removed:,} products, {diff.removal_share:.1%} of your catalogue, {why}. "
            "Nothing was done. If this is what you want, send it with force=true."
        )
        self.extra = {"diff": diff.to_json()}


@transaction.atomic
def preview_sync(tenant: Tenant, feed: OpenFeed, *, max_removal_share: float = MAX_REMOVAL_SHARE) -> dict[str, Any]:
    """Return what is in a feed and what it would do to the catalogue; nothing is changed. Raises EmptyFeed."""
    staged = require_products(feed, stage(tenant, feed))
    diff = _compare(tenant, staged.invalid, staged.without_id, max_removal_share)
    return describe_staged(feed, staged) | diff.to_json()


@transaction.atomic
def start_sync(
    tenant: Tenant,
    feed: OpenFeed,
    *,
    actor: str,
    source: str = "",
    callback_url: str = "",
    max_removal_share: float = MAX_REMOVAL_SHARE,
    force: bool = False,
    expected_removals: int | None = None,
) -> tuple[Job, Diff]:
    """Start a job that makes the catalogue what a feed says.

    Raises EmptyFeed when there is no product in it, TooManyRemovals when it would remove too much without `force` or,
    with `expected_removals`, another number than that, and PlanLimitReached when the plan has no room for what is new.
    """
    compared_at = timezone.now()
    staged = require_products(feed, stage(tenant, feed))
    diff = _compare(tenant, staged.invalid, staged.without_id, max_removal_share)
    is_expected = expected_removals is None or expected_removals == diff.removed
    if not is_expected or (diff.would_be_refused and not force):
        raise TooManyRemovals(diff)
    used, most = tenant.products.filter(is_demo=False).count(), plan_of(tenant).max_products
    require_room(plan_of(tenant), used=used - diff.removed, wanted=diff.added)
    changes, removals = _changes(feed, compared_at), _removals(tenant)
    # Where old and new have no room side by side, the old ones go first.
    is_tight = most is not None and used + diff.added > most
    items = chain(removals, changes) if is_tight else chain(changes, removals)
    options = {"compared_at": compared_at.isoformat()}
    job = create_job(tenant, Job.Kind.SYNC, items, callback_url=callback_url, source=source, options=options)
    keep_result(job, counted(feed, staged) | diff.to_json())
    told = {"file": source, "added": diff.added, "updated": diff.updated, "removed": diff.removed, "forced": force}
    audit.record(tenant, actor, "products.synced", target=job.job_id, after=told)
    return job, diff


def _compare(tenant: Tenant, invalid: int, without_id: int, max_removal_share: float) -> Diff:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS feed_diff")
        targets = {"attributes": list(TARGETS), "keys": [" ".join(keys) for keys in TARGETS.values()]}
        cursor.execute(_COMPARE, {"tenant": tenant.pk, **targets})
        cursor.execute(_COUNT)
        added, reindexed, patched, unchanged = cursor.fetchone()
        cursor.execute(f"SELECT count(*) {_MISSING}", [tenant.pk])
        removed = cursor.fetchone()[0]
        cursor.execute(f"SELECT product_id {_MISSING} ORDER BY product_id LIMIT {SHOWN_REMOVED}", [tenant.pk])
        sample = tuple(product_id for (product_id,) in cursor.fetchall())
    own = tenant.products.filter(is_demo=False).count()
    return Diff(
        added=added,
        updated=reindexed + patched,
        metadata_only=patched,
        unchanged=unchanged,
        removed=removed,
        invalid=invalid,
        removed_sample=sample,
        removal_share=round(removed / own, 4) if own else 0.0,
        max_removal_share=max_removal_share,
        lines_without_id=without_id,
    )


def _changes(feed: OpenFeed, compared_at: datetime) -> Iterator[JobItem]:
    """Yield an item for each line that adds or changes a product, or that cannot be read."""
    statement = """
        SELECT line, product_id, images, metadata, change, '' FROM feed_diff WHERE change <> 'unchanged'
        UNION ALL
        SELECT line, product_id, NULL, NULL, '', message FROM feed_line WHERE message <> '' ORDER BY 1
    """
    for line, product_id, images, metadata, change, message in iterate(statement, []):
        if message:
            yield rejected_item(f"{feed.unit.capitalize()} {line}: {message}", product_id=product_id)
        elif change == "patched":
            document = {"metadata": json.loads(metadata)}
            yield JobItem(product_id=product_id, action=JobItem.Action.PATCH, document=document)
        else:
            yield item_of_document(ProductDocument(product_id, tuple(images), json.loads(metadata)))


def _removals(tenant: Tenant) -> Iterator[JobItem]:
    for (product_id,) in iterate(f"SELECT product_id {_MISSING} ORDER BY product.id", [tenant.pk]):
        yield item_of_deletion(product_id)
