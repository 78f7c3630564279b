"""Reading and changing what a tenant has laid down; every change reaches all processes at their next request."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import exceptions, status

from accounts.models import Tenant
from accounts.revisions import bump_revision, lock_configuration
from merchandising.models import Configured, MerchandisingRule

C = TypeVar("C", bound=Configured)


class LimitReached(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "limit_reached"


def find_configured(model: type[C], tenant: Tenant) -> QuerySet[C]:
    """Return a tenant's rows of a kind, in the order in which they go."""
    rows: QuerySet[C] = model._default_manager.filter(tenant=tenant)
    return rows.order_by(*model.SHOWN_ORDER)


def access_configured(model: type[C], tenant: Tenant, pk: UUID, *, for_update: bool = False) -> C:
    """Return a tenant's row of a kind, locked if it is to be changed, or raise Http404."""
    rows = find_configured(model, tenant)
    if for_update:
        lock_configuration(tenant)
        rows = rows.select_for_update()
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@transaction.atomic
def add_configured(row: Configured) -> None:
    """Save a new row; raises LimitReached when the tenant has as many as there may be."""
    # This locks the tenant: of two that add the last row that fits, one is refused.
    bump_revision(row.tenant)
    if find_configured(type(row), row.tenant).count() >= row.LIMIT:
        kind = row._meta.verbose_name_plural
        raise LimitReached(f"There are {row.LIMIT:,} {kind} already, and no more may be. Delete some first.")
    row.save(force_insert=True)


@transaction.atomic
def change_configured(row: Configured, fields: Mapping[str, Any]) -> None:
    """Change a row."""
    bump_revision(row.tenant)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(force_update=True)


@transaction.atomic
def remove_configured(row: Configured) -> None:
    """Delete a row."""
    bump_revision(row.tenant)
    row.delete()


def unknown_products(rule: MerchandisingRule) -> list[str]:
    """Return the products of a rule that the tenant does not have, now."""
    known = set(rule.tenant.products.filter(product_id__in=rule.product_ids).values_list("product_id", flat=True))
    return [product_id for product_id in rule.product_ids if product_id not in known]
