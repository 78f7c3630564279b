"""What a merchant decides about a group of near-duplicates, and takes back."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, serializers, status

from accounts.audit import record
from accounts.authentication import Caller
from accounts.authorization import MissingPermission
from accounts.models import Tenant
from accounts.revisions import lock_configuration
from catalog.duplicates.groups import present_groups
from catalog.models import DuplicateGroup, Product
from catalog.products import delete_products, update_metadata

State = DuplicateGroup.State


class Action(StrEnum):
    """What can be done with a group; the others of DELETE_OTHERS and LINK_AS_VARIANT are those but one product."""

    KEEP = "keep"
    DELETE_OTHERS = "delete_others"
    IGNORE = "ignore"
    LINK_AS_VARIANT = "link_as_variant"


class CannotReopen(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "Its products are no longer what they were: there is nothing to decide anew."


@transaction.atomic
def resolve_group(caller: Caller, group_id: str, action: Action, product_id: str = "") -> None:
    """Do with a group's products what a caller says; the same again changes nothing.

    Another decision later counts for those products that are still there. Raises Http404, MissingPermission, and
    ValidationError for a product that is not in the group, or no longer.
    """
    if action is Action.DELETE_OTHERS and "products:delete" not in caller.permissions:
        raise MissingPermission("products:delete")
    lock_configuration(caller.tenant)
    group = _lock_group(caller.tenant, group_id)
    if group.resolution == action:
        return
    products = list(Product.objects.filter(pk__in=group.members.values("product")).order_by("pk"))
    if action in (Action.DELETE_OTHERS, Action.LINK_AS_VARIANT):
        chosen = _require_member(products, product_id)
        others = [product for product in products if product != chosen]
        if action is Action.DELETE_OTHERS:
            delete_products(caller.tenant.products.filter(pk__in=[product.pk for product in others]))
        else:
            _link(caller.tenant, others, chosen.parent_id or chosen.product_id)
    before = _decision(group, products)
    group.state = State.IGNORED if action is Action.IGNORE else State.RESOLVED
    group.resolution = action
    group.resolved_at, group.resolved_by = timezone.now(), caller.actor
    group.save(update_fields=["state", "resolution", "resolved_at", "resolved_by"])
    after = {"state": group.state, "action": action, **({"product_id": product_id} if product_id else {})}
    record(caller.tenant, caller.actor, "duplicates.resolved", target=group_id, before=before, after=after)


@transaction.atomic
def reopen_group(caller: Caller, group_id: str) -> None:
    """Take back that a group was ignored or kept; raises Http404, and CannotReopen where products were changed."""
    lock_configuration(caller.tenant)
    group = _lock_group(caller.tenant, group_id)
    if group.state == State.OPEN:
        return
    if group.resolution not in (Action.KEEP, Action.IGNORE) or group.members.count() < 2:
        raise CannotReopen
    before = _decision(group, [member.product for member in group.members.select_related("product")])
    group.state, group.resolution, group.resolved_at, group.resolved_by = State.OPEN, "", None, ""
    group.save(update_fields=["state", "resolution", "resolved_at", "resolved_by"])
    after = {"state": group.state}
    record(caller.tenant, caller.actor, "duplicates.reopened", target=group_id, before=before, after=after)


def _lock_group(tenant: Tenant, group_id: str) -> DuplicateGroup:
    """Return a group that nobody else can decide about until the transaction ends, or raise Http404.

    The tenant is locked before it: scans take products before groups, and deciding takes a group before its products.
    """
    group = present_groups(tenant).select_for_update().filter(group_id=group_id).first()
    if group is None:
        raise Http404
    return group


def _require_member(products: Sequence[Product], product_id: str) -> Product:
    for product in products:
        if product.product_id == product_id:
            return product
    message = "Name the product of this group that stays as it is." if not product_id else "It is not in this group."
    raise serializers.ValidationError({"product_id": [serializers.ErrorDetail(message, code="invalid")]})


def _link(tenant: Tenant, products: Sequence[Product], parent_id: str) -> None:
    for product in products:
        if product.product_id != parent_id:
            update_metadata(tenant, product.product_id, {"parent_id": parent_id})


def _decision(group: DuplicateGroup, products: Sequence[Product]) -> Mapping[str, Any]:
    return {
        "state": group.state,
        "action": group.resolution,
        "product_ids": [product.product_id for product in products],
    }
