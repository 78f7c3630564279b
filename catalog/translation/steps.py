"""Translating a whole catalogue, as steps of a job and in rounds for what has changed since."""

import logging
import time
from collections.abc import Iterator, Sequence

from accounts.endpoints import EndpointError
from accounts.models import Tenant
from catalog.errors import IndexingError
from catalog.jobs.items import item_of_step
from catalog.jobs.row_ranges import row_ranges
from catalog.models import CatalogSettings, Job, JobItem
from catalog.translation.products import BATCH, stale_products, translate

logger = logging.getLogger(__name__)

# Products of a step, and of a tenant's turn in a round: 14 seconds for seven languages with a language model that takes
# 2 seconds for as many names.
STEP = BATCH
# Of a step and of a round, whatever the translator does; a task may run for 30.
SECONDS = 20.0


def translation_steps(tenant: Tenant) -> Iterator[JobItem]:
    """Yield the steps that bring all products of a tenant up to date, by the rows that each is to look at."""
    for first, last in row_ranges(tenant.products.all(), STEP):
        yield item_of_step(JobItem.Action.TRANSLATE, {"first": first, "last": last})


def translate_step(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Translate the products between two rows, those that are not up to date."""
    return [_try(job.tenant, item.document["first"], item.document["last"]) for item in items]


def translate_changed() -> None:
    """Translate what has changed in catalogues that shall be translated; the next round does what fails or is left.

    Tenants take turns, in another order each time, so that none waits for a large catalogue of another.
    """
    deadline = time.monotonic() + SECONDS
    settings = CatalogSettings.objects.filter(is_multilingual=True).exclude(languages=[])
    waiting = [row.tenant for row in settings.select_related("tenant").order_by("?")]
    while waiting:
        waiting = [tenant for tenant in waiting if time.monotonic() < deadline and _translate_some(tenant, deadline)]


def _translate_some(tenant: Tenant, deadline: float) -> bool:
    """Translate what comes first of a tenant; return whether there was something, and it worked."""
    stale = list(stale_products(tenant, STEP))
    try:
        translate(tenant, tenant.products.filter(pk__in=stale), deadline=deadline)
    except EndpointError as error:
        logger.warning("translator failed", extra={"tenant": tenant.pk, "error": str(error)})
        return False
    return bool(stale)


def _try(tenant: Tenant, first: int, last: int) -> IndexingError | None:
    deadline = time.monotonic() + SECONDS
    try:
        translate(tenant, tenant.products.filter(pk__range=(first, last)).order_by("pk"), deadline=deadline)
    except EndpointError as error:
        logger.warning("translator failed", extra={"tenant": tenant.pk, "error": str(error)})
        return IndexingError("translator_failed", f"The translator gave no answer. {error}", retryable=True)
    return None
