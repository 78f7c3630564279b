"""Declaring custom fields, changing and removing them; every change counts from the next request on."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404
from rest_framework import exceptions, status

from accounts.models import Tenant
from accounts.revisions import bump_revision
from catalog.custom_fields import Type
from catalog.field_revalidation import first_misfit, new_revalidation, with_type
from catalog.models import CustomField
from catalog.tasks import call_revalidation

MAX_FIELDS = 100
# Products whose values are checked while the request waits.
CHECKED_AT_ONCE = 5_000


class FieldConflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


def access_field(tenant: Tenant, key: str) -> CustomField:
    """Return a tenant's custom field, or raise Http404."""
    field = tenant.custom_fields.filter(key=key).first()
    if field is None:
        raise Http404
    return field


@transaction.atomic
def declare_field(tenant: Tenant, definition: Mapping[str, Any]) -> CustomField:
    """Create a custom field; raise FieldConflict where the key has one, ValidationError where there are too many."""
    _require_enum_values(definition["type"], definition.get("enum_values", []))
    # This locks the tenant: of two that declare the last field that fits, one is refused.
    bump_revision(tenant)
    if tenant.custom_fields.count() >= MAX_FIELDS:
        message = f"At most {MAX_FIELDS} custom fields can be declared. Remove one that is not in use."
        raise exceptions.ValidationError({"key": [exceptions.ErrorDetail(message, code="too_many_fields")]})
    try:
        with transaction.atomic():
            return tenant.custom_fields.create(**definition)
    except IntegrityError as error:
        raise FieldConflict(f"There is a custom field {definition['key']} already. Change it with PATCH.") from error


@transaction.atomic
def change_field(
    tenant: Tenant, key: str, changes: Mapping[str, Any], *, revalidate: bool = False, force: bool = False
) -> CustomField:
    """Change a custom field. Another type counts at once where every value fits it, else FieldConflict is raised.

    With `revalidate` a worker checks all values first, and all else is changed meanwhile; `force` lets misfits be.
    """
    bump_revision(tenant)
    field = tenant.custom_fields.select_for_update().filter(key=key).first()
    if field is None:
        raise Http404
    wanted = _with_changes(field, changes)
    for name in changes.keys() - {"type", "enum_values"}:
        setattr(field, name, changes[name])
    if _takes_less(wanted, field) and revalidate:
        field.revalidation = new_revalidation(wanted, force=force)
        transaction.on_commit(lambda: call_revalidation(field.pk))
    elif {"type", "enum_values"} & changes.keys():
        _retype(tenant, field, wanted)
    field.save()
    return field


@transaction.atomic
def remove_field(tenant: Tenant, key: str) -> None:
    """Forget a custom field; products keep what their metadata say. Raises Http404."""
    bump_revision(tenant)
    access_field(tenant, key).delete()


def _with_changes(field: CustomField, changes: Mapping[str, Any]) -> CustomField:
    """Return a field, which is not saved, of the type that the changes ask for."""
    type_ = changes.get("type", field.type)
    kept = field.enum_values if type_ == Type.ENUM else []
    enum_values = changes.get("enum_values", kept)
    _require_enum_values(type_, enum_values)
    return with_type(field, type_, enum_values)


def _require_enum_values(type_: str, enum_values: list[str]) -> None:
    if (type_ == Type.ENUM) != bool(enum_values):
        message = "A field of type enum, and no other, has enum_values: the texts of which a product has one."
        raise exceptions.ValidationError({"enum_values": [exceptions.ErrorDetail(message, code="required")]})


def _takes_less(wanted: CustomField, field: CustomField) -> bool:
    """Return whether a value that fits `field` may not fit `wanted`."""
    return wanted.type != field.type or not set(wanted.enum_values) >= set(field.enum_values)


def _retype(tenant: Tenant, field: CustomField, wanted: CustomField) -> None:
    """Give a field another type at once; raise FieldConflict where products have values that do not fit it."""
    if _takes_less(wanted, field):
        _require_fitting_values(tenant, wanted)
    field.type, field.enum_values = wanted.type, wanted.enum_values
    # A change that still waits for its check is given up for this one.
    field.revalidation = None


def _require_fitting_values(tenant: Tenant, wanted: CustomField) -> None:
    with_value = tenant.products.filter(metadata__has_key=wanted.key)
    if with_value[: CHECKED_AT_ONCE + 1].count() > CHECKED_AT_ONCE:
        raise FieldConflict(
            f"More than {CHECKED_AT_ONCE:,} products have a value of {wanted.key}. Send ?revalidate=true: a worker "
            "checks them all, and the new type counts when all of them fit."
        )
    if (product_id := first_misfit(tenant, wanted)) is not None:
        raise FieldConflict(
            f"The value of {wanted.key} of product {product_id} does not fit, and perhaps others. Send "
            "?revalidate=true for a report on all; the new type counts when all of them fit, or with force=true."
        )
