"""Searches that a tenant keeps under a name, to run them again."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import Http404
from rest_framework import exceptions, serializers, status

from accounts.models import Tenant, User
from search.models import SavedSearch
from search.modes import parse_mode

MAX_SAVED = 500
# An address is shorter; what is longer is a picture's bytes, which are not kept here.
MAX_TEXT_LENGTH = 2_000
# Of all of a search's fields together; filters by many values fit well.
MAX_LENGTH = 20_000


class SavedSearchesFull(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = f"There are {MAX_SAVED} saved searches already. Delete one first."


def access_saved_search(tenant: Tenant, saved_id: str) -> SavedSearch:
    """Return a tenant's saved search, or raise Http404."""
    saved = tenant.saved_searches.filter(saved_id=saved_id).first()
    if saved is None:
        raise Http404
    return saved


@transaction.atomic
def save_search(
    tenant: Tenant, *, name: str, mode: str, params: Mapping[str, Any], created_by: User | None
) -> SavedSearch:
    """Keep a search that its mode can read; raises ValidationError for another, SavedSearchesFull beyond MAX_SAVED."""
    _require_no_bytes(params)
    if len(json.dumps(params)) > MAX_LENGTH:
        raise _refused("params", f"A saved search has at most {MAX_LENGTH:,} characters.")
    parse_mode(tenant, mode, params)
    # Two who save the last one at once would both find room.
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    if tenant.saved_searches.count() >= MAX_SAVED:
        raise SavedSearchesFull
    return tenant.saved_searches.create(name=name, mode=mode, params=params, created_by=created_by)


def _require_no_bytes(value: Any, field: str = "params") -> None:
    match value:
        case str() if len(value) > MAX_TEXT_LENGTH:
            message = (
                f"A saved search keeps a picture's address, not its bytes: at most {MAX_TEXT_LENGTH:,} characters."
            )
            raise _refused(field, message)
        case Mapping():
            for name, item in value.items():
                _require_no_bytes(item, f"{field}.{name}")
        case list():
            for index, item in enumerate(value):
                _require_no_bytes(item, f"{field}.{index}")


def _refused(field: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(message, code="invalid")})
