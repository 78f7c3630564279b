"""Accepting and rejecting suggestions, and taking that back.

What is accepted is written as a PATCH of the product would write it, and only where the shop says nothing itself. Every
decision is kept, so that a suggestion comes once; to decide the same again changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from accounts.models import Tenant
from catalog.attributes.targets import TARGETS, is_said
from catalog.errors import IndexingError
from catalog.models import AttributeDecision, Product, ProductImage
from catalog.patch_batch import MetadataChange, change_metadata

NOT_FOUND = IndexingError("not_found", "There is no product with this id.")
NOT_SUGGESTED = IndexingError("not_suggested", "The product's first picture suggests no such value.")
ALREADY_SET = IndexingError("already_set", "The product says something else by now; that is left as it is.")


class Verdict(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    UNDO = "undo"


@dataclass(frozen=True)
class Choice:
    """A suggested value of an attribute of a product, by the shop's own id."""

    product_id: str
    attribute: str
    value: str


@dataclass(frozen=True)
class Decided:
    """What became of a choice: whether it was decided otherwise before, or why it cannot be decided so."""

    is_new: bool = False
    error: IndexingError | None = None


@dataclass(frozen=True)
class _Shelf:
    """What the choices of one request are about, as it is locked."""

    products: Mapping[str, Product]
    covers: Mapping[int, ProductImage]
    decisions: Mapping[tuple[int, str, str], AttributeDecision]


@transaction.atomic
def decide(tenant: Tenant, actor: str, verdict: Verdict, choices: Sequence[Choice]) -> list[Decided]:
    """Decide on some hundred choices in their order; one that cannot be decided so holds up no other."""
    shelf = _lock(tenant, choices)
    written: dict[Choice, MetadataChange] = {}
    outcomes = {choice: _weigh(shelf, verdict, choice, written) for choice in choices}
    for choice, changed in zip(written, change_metadata(tenant, list(written.values())), strict=True):
        if changed.error is not None:
            outcomes[choice] = Decided(error=changed.error)
    _remember(tenant, actor, verdict, shelf, [choice for choice, outcome in outcomes.items() if outcome.is_new])
    return [outcomes[choice] for choice in choices]


def _lock(tenant: Tenant, choices: Sequence[Choice]) -> _Shelf:
    wanted = {choice.product_id for choice in choices}
    # By primary key, as whoever else locks several products does.
    products = list(tenant.products.select_for_update().filter(product_id__in=wanted).order_by("pk"))
    covers = ProductImage.objects.filter(product__in=products, position=0)
    decisions = AttributeDecision.objects.filter(product__in=products)
    return _Shelf(
        products={product.product_id: product for product in products},
        covers={cover.product_id: cover for cover in covers},
        decisions={(one.product_id, one.attribute, one.value): one for one in decisions},
    )


def _weigh(shelf: _Shelf, verdict: Verdict, choice: Choice, written: dict[Choice, MetadataChange]) -> Decided:
    """Return what becomes of a choice, and add what is to be written for it."""
    product = shelf.products.get(choice.product_id)
    if product is None:
        return Decided(error=NOT_FOUND)
    decision = shelf.decisions.get((product.pk, choice.attribute, choice.value))
    if decision is None and verdict is Verdict.UNDO:
        return Decided()
    if decision is None and not _is_suggested(shelf.covers.get(product.pk), choice):
        return Decided(error=NOT_SUGGESTED)
    if decision is not None and decision.accepted is (verdict is Verdict.ACCEPT) and verdict is not Verdict.UNDO:
        return Decided()
    key = TARGETS[choice.attribute][0]
    if verdict is Verdict.ACCEPT:
        if is_said(product.metadata, choice.attribute) or _is_written(choice, written):
            return Decided(error=ALREADY_SET)
        written[choice] = MetadataChange(choice.product_id, {key: choice.value})
    # What the shop has made since of what it once accepted stays.
    elif decision is not None and decision.accepted and product.metadata.get(key) == choice.value:
        written[choice] = MetadataChange(choice.product_id, {key: None})
    return Decided(is_new=True)


def _is_written(choice: Choice, written: Mapping[Choice, MetadataChange]) -> bool:
    """Return whether another value of the same attribute goes before this one in the same request."""
    return any((one.product_id, one.attribute) == (choice.product_id, choice.attribute) for one in written)


def _is_suggested(cover: ProductImage | None, choice: Choice) -> bool:
    if cover is None:
        return False
    if choice.attribute == "product_type":
        return bool(cover.product_type == choice.value)
    return any(one["value"] == choice.value for one in cover.attributes.get(choice.attribute, ()))


def _remember(tenant: Tenant, actor: str, verdict: Verdict, shelf: _Shelf, choices: Sequence[Choice]) -> None:
    rows = [
        AttributeDecision(
            tenant=tenant,
            product=shelf.products[choice.product_id],
            attribute=choice.attribute,
            value=choice.value,
            accepted=verdict is Verdict.ACCEPT,
            decided_by=actor,
            decided_at=timezone.now(),
        )
        for choice in choices
    ]
    if verdict is Verdict.UNDO:
        undone = [shelf.decisions[row.product.pk, row.attribute, row.value].pk for row in rows]
        AttributeDecision.objects.filter(pk__in=undone).delete()
        return
    AttributeDecision.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["product", "attribute", "value"],
        update_fields=["accepted", "decided_by", "decided_at"],
    )
