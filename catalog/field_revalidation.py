"""Another type for a custom field that products have values of already: all are checked before it counts.

A change waits on its field until a worker claims it. The worker notes after each batch that it is alive; one that is
lost is replaced after a while, and its successor checks everything again, which changes nothing but the report.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.utils import timezone

from accounts.models import Tenant
from accounts.revisions import bump_revision, lock_configuration
from catalog.custom_fields import find_misfit
from catalog.models import CustomField

BATCH = 1_000
# Misfits that a report names.
NAMED = 100
# A worker that has not come to the end of a batch by then was lost.
LOST_AFTER = timedelta(minutes=2)
UNFINISHED = ("queued", "running")


def new_revalidation(wanted: CustomField, *, force: bool) -> dict[str, Any]:
    """Return the change to the type of `wanted`, as it waits; with `force` it counts whatever does not fit."""
    return {
        "id": secrets.token_hex(8),
        "status": "queued",
        "type": wanted.type,
        "enum_values": wanted.enum_values,
        "force": force,
        "checked": 0,
        "misfits": 0,
        "product_ids": [],
        "active_at": timezone.now().isoformat(),
        "finished_at": None,
    }


def due_revalidations(at: datetime) -> list[int]:
    """Return the fields, by their rows, whose changes wait for a worker or have lost theirs."""
    lost = Q(revalidation__status="running", revalidation__active_at__lt=(at - LOST_AFTER).isoformat())
    return list(CustomField.objects.filter(Q(revalidation__status="queued") | lost).values_list("pk", flat=True))


def revalidate(field_pk: int) -> None:
    """Check all products against the type that a field shall have, and give it the type unless there are misfits."""
    field = _claim(field_pk)
    if field is None:
        return
    report: dict[str, Any] = dict(field.revalidation or {})
    wanted = with_type(field, report["type"], report["enum_values"])
    for misfits, checked in _check(field.tenant, wanted):
        report["checked"] += checked
        report["misfits"] += len(misfits)
        report["product_ids"] += misfits[: NAMED - len(report["product_ids"])]
        report["active_at"] = timezone.now().isoformat()
        if not _same(field, report["id"]).update(revalidation=report):
            return
    _finish(field, report)


def with_type(field: CustomField, type_: str, enum_values: Sequence[str]) -> CustomField:
    """Return a field as this one, which is not saved, but of another type; a value that is missing always fits it."""
    return CustomField(key=field.key, display_name=field.display_name, type=type_, enum_values=list(enum_values))


def first_misfit(tenant: Tenant, wanted: CustomField) -> str | None:
    """Return the product_id of a product whose value does not fit, or None."""
    return next((misfits[0] for misfits, _ in _check(tenant, wanted) if misfits), None)


@transaction.atomic
def _claim(field_pk: int) -> CustomField | None:
    due = CustomField.objects.filter(pk__in=due_revalidations(timezone.now()))
    field = due.select_for_update(skip_locked=True, of=("self",)).select_related("tenant").filter(pk=field_pk).first()
    if field is None:
        return None
    field.revalidation = (field.revalidation or {}) | {
        "status": "running",
        "checked": 0,
        "misfits": 0,
        "product_ids": [],
        "active_at": timezone.now().isoformat(),
    }
    field.save(update_fields=["revalidation"])
    return field


def _check(tenant: Tenant, wanted: CustomField) -> Iterator[tuple[list[str], int]]:
    """Yield, for each batch of products that have a value, those that it does not fit, and how many were checked."""
    rows = tenant.products.filter(metadata__has_key=wanted.key).order_by("pk")
    values = rows.values_list("pk", "product_id", KeyTransform(wanted.key, "metadata"))
    last = 0
    while batch := list(values.filter(pk__gt=last)[:BATCH]):
        last = batch[-1][0]
        yield [product_id for _, product_id, value in batch if find_misfit(wanted, value)], len(batch)


@transaction.atomic
def _finish(field: CustomField, report: dict[str, Any]) -> None:
    counts = report["force"] or not report["misfits"]
    report |= {"status": "done" if counts else "refused", "finished_at": timezone.now().isoformat()}
    change: dict[str, Any] = {"revalidation": report}
    if counts:
        change |= {"type": report["type"], "enum_values": report["enum_values"]}
    lock_configuration(field.tenant)
    if _same(field, report["id"]).update(**change):
        bump_revision(field.tenant)


def _same(field: CustomField, revalidation: str) -> Any:
    """Return the field's row unless a later change has taken the place of this one."""
    return CustomField.objects.filter(pk=field.pk, revalidation__id=revalidation)
