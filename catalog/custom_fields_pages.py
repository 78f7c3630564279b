"""The portal's pages of custom fields. A type is only changed after all values were checked, by a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect
from rest_framework import exceptions

from accounts.pages import PortalRequest, portal_page
from catalog.custom_fields_api import CustomFieldChanges, CustomFieldInput
from catalog.field_changes import (
    FieldConflict,
    access_field,
    change_field,
    declare_field,
    remove_field,
)
from catalog.field_revalidation import UNFINISHED
from catalog.models import CustomField

Type = CustomField.Type

TYPES = {
    Type.STRING: "Text",
    Type.NUMBER: "Number",
    Type.BOOLEAN: "Yes or no",
    Type.ENUM: "Choice",
    Type.DATE: "Date",
    Type.STRINGS: "Several texts",
}
FLAGS = ("filterable", "facet", "required")
SHOWN_VALUES = 6
SHOWN_MISFITS = 5


@dataclass(frozen=True)
class FieldRow:
    """A custom field, its type in words, its first choices, and the report on the last change of its type."""

    field: CustomField
    type: str
    values: list[str]
    more_values: int
    report: Mapping[str, Any] | None
    new_type: str
    product_ids: list[str]
    is_checking: bool


@require_GET
@portal_page("custom_fields:read")
def field_list(request: PortalRequest) -> HttpResponse:
    """Show what the shop has declared, by key."""
    rows = [_row(field) for field in request.caller.tenant.custom_fields.order_by("key")]
    context = {"rows": rows, "can_write": "custom_fields:write" in request.caller.permissions}
    return render(request, "catalog/custom_fields.html", context)


@require_http_methods(["GET", "POST"])
@portal_page("custom_fields:write")
def new_field(request: PortalRequest) -> HttpResponse:
    """Show the form of a field that is new, and declare it."""
    if request.method == "GET":
        return _form(request, None, {"type": Type.STRING, "filterable": True}, {})
    form = CustomFieldInput(data=_sent(request.POST))
    if not form.is_valid():
        return _form(request, None, request.POST, _errors_of(form.errors))
    try:
        field = declare_field(request.caller.tenant, form.validated_data)
    except FieldConflict:
        return _form(request, None, request.POST, {"key": "There is a field with this key already."})
    except exceptions.ValidationError as error:
        return _form(request, None, request.POST, _refusal(error))
    messages.success(request, f"Saved: {field.display_name}. It counts for products that are sent from now on.")
    return _back_to_list(request)


@require_http_methods(["GET", "POST"])
@portal_page("custom_fields:write")
def edit_field(request: PortalRequest, key: str) -> HttpResponse:
    """Show the form of a field, and change it; another type counts once all values were found to fit it."""
    tenant = request.caller.tenant
    field = access_field(tenant, key)
    if request.method == "GET":
        return _form(request, field, _values_of(field), {})
    form = CustomFieldChanges(data=_sent(request.POST))
    if not form.is_valid():
        return _form(request, field, request.POST, _errors_of(form.errors))
    # What stays as it is is not sent: to name its type would give up a change that is being checked.
    changes = {name: value for name, value in form.validated_data.items() if value != getattr(field, name)}
    try:
        changed = change_field(tenant, key, changes, revalidate=True)
    except exceptions.ValidationError as error:
        return _form(request, field, request.POST, _refusal(error))
    if changed.revalidation is not None and changed.revalidation != field.revalidation:
        messages.info(request, f"Saved: {changed.display_name}. Its values are checked before the new type counts.")
    else:
        messages.success(request, f"Saved: {changed.display_name}.")
    return _back_to_list(request)


@require_POST
@portal_page("custom_fields:write")
def force(request: PortalRequest, key: str) -> HttpResponse:
    """Have the change of type count that was refused, whatever values do not fit it."""
    tenant = request.caller.tenant
    report = access_field(tenant, key).revalidation
    if report is None or report["status"] != "refused":
        raise Http404
    changes = {"type": report["type"], "enum_values": report["enum_values"]}
    change_field(tenant, key, changes, revalidate=True, force=True)
    return _back_to_list(request)


@require_POST
@portal_page("custom_fields:write")
def delete(request: PortalRequest, key: str) -> HttpResponse:
    """Forget a field; products keep their values."""
    remove_field(request.caller.tenant, key)
    messages.success(request, f"Deleted: {key}. Your products keep what they say of it.")
    return _back_to_list(request)


def _back_to_list(request: PortalRequest) -> HttpResponse:
    """Return to the list; htmx is told to, since it would swap the list into the form."""
    if request.htmx:
        return HttpResponseClientRedirect(reverse("custom-fields"))
    return redirect("custom-fields")


def _form(
    request: PortalRequest, field: CustomField | None, values: Mapping[str, Any], errors: Mapping[str, str]
) -> HttpResponse:
    """Show the form of a field, new without one; htmx gets the form alone."""
    context = {
        "field": field,
        "values": values,
        "errors": errors,
        "types": TYPES.items(),
        "report": field.revalidation if field else None,
    }
    template = "catalog/custom_fields_fields.html" if request.htmx else "catalog/custom_fields_form.html"
    return render(request, template, context, status=422 if errors else 200)


def _sent(posted: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form has sent as the API would be sent it; choices of another type are hidden ones."""
    type_ = posted.get("type", "")
    lines = posted.get("enum_values", "").replace("\0", "").splitlines()
    sent = {
        "key": posted.get("key", ""),
        "display_name": posted.get("display_name", ""),
        "type": type_,
        "enum_values": [line.strip() for line in lines if line.strip()] if type_ == Type.ENUM else [],
        **{flag: flag in posted for flag in FLAGS},
    }
    # A field without a name of its own is called by its key.
    return {name: value for name, value in sent.items() if name != "display_name" or value}


def _values_of(field: CustomField) -> dict[str, Any]:
    """Return what the form of a field shows."""
    return {
        "display_name": field.display_name,
        "type": field.type,
        "enum_values": "\n".join(field.enum_values),
        **{flag: getattr(field, flag) for flag in FLAGS},
    }


def _errors_of(errors: Any) -> dict[str, str]:
    """Return a message for each field; of choices, the messages of their lines."""
    return {
        name: " ".join(
            [f"Line {line + 1}: {' '.join(told)}" for line, told in found.items()]
            if isinstance(found, Mapping)
            else map(str, found)
        )
        for name, found in errors.items()
    }


def _refusal(error: exceptions.ValidationError) -> dict[str, str]:
    """Return why a definition was refused; the API's words for choices that are missing say little to people."""
    told = _errors_of(error.detail)
    return told | {"enum_values": "Name the choices, one a line."} if "enum_values" in told else told


def _row(field: CustomField) -> FieldRow:
    report = field.revalidation
    return FieldRow(
        field=field,
        type=TYPES[Type(field.type)],
        values=field.enum_values[:SHOWN_VALUES],
        more_values=max(0, len(field.enum_values) - SHOWN_VALUES),
        report=report,
        new_type=TYPES[Type(report["type"])] if report else "",
        product_ids=report["product_ids"][:SHOWN_MISFITS] if report else [],
        is_checking=report is not None and report["status"] in UNFINISHED,
    )
