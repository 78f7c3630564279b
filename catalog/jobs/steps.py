"""What the items of jobs ask for: a step for each action, and what remains to be done when a job's last item is done.

A step gets items of one job that a worker has claimed, and returns what went wrong with each, None where nothing did.
It has some 25 seconds, may be killed at any point, and is then called again with the same items: so whatever it does
can be done twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from django.utils import timezone
from rest_framework import exceptions

from catalog.attributes.steps import decide_steps
from catalog.documents import ProductDocument, parse_product
from catalog.duplicates.comparing import compare
from catalog.duplicates.joining import finish_scan
from catalog.errors import IndexingError, PictureError
from catalog.export.steps import write_parts
from catalog.feeds.sync_steps import delete, replace_metadata
from catalog.indexing import Outcome, fail_pending, index_products, record_failure
from catalog.jobs.items import NOT_WELL_FORMED
from catalog.jobs.retries import next_try
from catalog.models import Job, JobItem, ModerationEvent, Product
from catalog.translation.steps import translate_step
from catalog.validation_messages import sentence
from catalog.versions import GONE


@dataclass(frozen=True)
class Step:
    """What to do with items of an action, and how many of them to claim at a time."""

    run: Callable[[Job, Sequence[JobItem]], Sequence[IndexingError | None]]
    chunk: int


def index(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Index the products of these items. Raises EncoderError when there is no encoder to see with."""
    documents = [_document_of(job, item) for item in items]
    known = [document for document in documents if isinstance(document, ProductDocument)]
    outcomes = iter(_index_known(job, known))
    return [
        document if isinstance(document, IndexingError) else _keep_failure(job, item, next(outcomes))
        for item, document in zip(items, documents, strict=True)
    ]


# Products that are indexed together have as many pictures as are downloaded side by side (see job_worker).
STEPS: Mapping[str, Step] = MappingProxyType(
    {
        JobItem.Action.INDEX: Step(index, chunk=8),
        JobItem.Action.DELETE: Step(delete, chunk=200),
        JobItem.Action.COMPARE: Step(compare, chunk=1),
        JobItem.Action.PATCH: Step(replace_metadata, chunk=500),
        JobItem.Action.DECIDE: Step(decide_steps, chunk=2),
        JobItem.Action.TRANSLATE: Step(translate_step, chunk=1),
        JobItem.Action.EXPORT: Step(write_parts, chunk=1),
    }
)
# Called with a job in the transaction that finishes it.
FINISHERS: Mapping[str, Callable[[Job], None]] = MappingProxyType({Job.Kind.DUPLICATES: finish_scan})


def _document_of(job: Job, item: JobItem) -> ProductDocument | IndexingError:
    if "sent" not in item.document:
        document = ProductDocument.from_json(item.document)
        return replace(document, sent_at=document.sent_at or _sent_at(job))
    try:
        return parse_product(item.document["sent"], sent_at=_sent_at(job))
    except exceptions.ValidationError as error:
        return IndexingError(NOT_WELL_FORMED, sentence(error.detail))


def _sent_at(job: Job) -> datetime | None:
    return None if job.kind == Job.Kind.REINDEX else job.created_at


def _index_known(job: Job, documents: list[ProductDocument]) -> list[Outcome]:
    if job.kind != Job.Kind.REINDEX:
        return index_products(job.tenant, documents, surface=ModerationEvent.Surface.BULK)
    wanted = job.tenant.products.filter(product_id__in=[document.product_id for document in documents])
    present = {product.product_id: product for product in wanted}
    outcomes = index_products(
        job.tenant,
        [_as_it_stands(d, present) for d in documents if d.product_id in present],
        surface=ModerationEvent.Surface.BULK,
    )
    done = {outcome.document.product_id: outcome for outcome in outcomes}
    return [done.get(document.product_id) or Outcome(document, error=GONE) for document in documents]


def _as_it_stands(document: ProductDocument, present: Mapping[str, Product]) -> ProductDocument:
    """Return what to index again: the pictures that the product has by now."""
    return replace(document, images=tuple(present[document.product_id].image_urls))


def _keep_failure(job: Job, item: JobItem, outcome: Outcome) -> IndexingError | None:
    """Let the product tell why it cannot be found, if it cannot and is not tried again."""
    if outcome.error is not None and next_try(item, outcome.error, timezone.now()) is not None:
        return outcome.error
    if isinstance(outcome.error, PictureError):
        record_failure(job.tenant, outcome.document, outcome.error)
    elif outcome.error is not None:
        fail_pending(job.tenant, [outcome.document.product_id], outcome.error)
    return outcome.error
