"""Importing a feed: its products are added or replaced, and all others stay as they are."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction
from rest_framework import exceptions

from accounts import audit
from accounts.models import Tenant
from billing.limits import plan_of
from catalog.feeds.formats.entries import OpenFeed
from catalog.feeds.staging import Staged, stage, staged_items
from catalog.jobs.bulk import require_room_for_job
from catalog.jobs.lifecycle import create_job
from catalog.models import Job


class EmptyFeed(exceptions.ValidationError):
    """A feed without a single product that could be used."""

    def __init__(self, feed: OpenFeed, staged: Staged) -> None:
        told = f"There is no product in this feed that can be used, so nothing was done. It was read as {feed.format}."
        firsts = [f"{feed.unit.capitalize()} {error.line}: {error.message}" for error in staged.errors[:1]]
        super().__init__({"file": [exceptions.ErrorDetail(" ".join([told, *firsts]), "empty_feed")]})


@transaction.atomic
def preview_import(tenant: Tenant, feed: OpenFeed) -> dict[str, Any]:
    """Return what is in a feed; nothing is changed."""
    return describe_staged(feed, stage(tenant, feed))


@transaction.atomic
def start_import(tenant: Tenant, feed: OpenFeed, *, actor: str, source: str = "", callback_url: str = "") -> Job:
    """Start a job that indexes the products of a feed.

    Raises EmptyFeed when there are none, and PlanLimitReached when the plan has no room for them.
    """
    staged = require_products(feed, stage(tenant, feed))
    job = create_job(tenant, Job.Kind.INDEX, staged_items(feed), callback_url=callback_url, source=source)
    require_room_for_job(job, plan_of(tenant))
    keep_result(job, counted(feed, staged))
    told = {"file": source, "format": feed.format, "products": staged.products, "invalid": staged.invalid}
    audit.record(tenant, actor, "products.imported", target=job.job_id, after=told)
    return job


def require_products(feed: OpenFeed, staged: Staged) -> Staged:
    """Return what was staged, or raise EmptyFeed when no product of it can be used."""
    if not staged.products:
        raise EmptyFeed(feed, staged)
    return staged


def counted(feed: OpenFeed, staged: Staged) -> dict[str, Any]:
    """Return what a job keeps of its feed beside its items."""
    return {
        "format": feed.format,
        "repeated": staged.repeated,
        "skipped": staged.skipped,
        "skipped_reasons": dict(staged.reasons),
    }


def describe_staged(feed: OpenFeed, staged: Staged) -> dict[str, Any]:
    """Return what is in a feed, for the API and the portal."""
    return {
        **counted(feed, staged),
        "unit": feed.unit,
        "products": staged.products,
        "repeats": [asdict(repeat) for repeat in staged.repeats],
        "invalid": staged.invalid,
        "errors": [asdict(error) for error in staged.errors],
        "sample": [
            {"product_id": document.product_id, "images": list(document.images), "metadata": document.metadata}
            for document in staged.sample
        ],
        "columns": [asdict(column) for column in feed.columns],
    }


def keep_result(job: Job, result: Mapping[str, Any]) -> None:
    """Keep with a job what is known of it when it begins."""
    job.result = dict(result)
    job.save(update_fields=["result"])
