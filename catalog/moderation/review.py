"""What somebody decides on a picture that was judged."""

from dataclasses import dataclass

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers

from accounts import audit
from accounts.models import Tenant
from accounts.revisions import bump_revision
from catalog.jobs.lifecycle import reindex_products
from catalog.models import Job, ModerationEvent, Product
from catalog.moderation.policy import policy_of

Review = ModerationEvent.Review

DECISIONS = {
    "allow_once": Review.ALLOWED_ONCE,
    "allow_product": Review.ALLOWED_PRODUCT,
    "confirm": Review.CONFIRMED,
}


@dataclass(frozen=True)
class Reviewed:
    """A scan that was decided on, what to do next, in words, and the job that indexes its product again, if any."""

    event: ModerationEvent
    next_step: str
    job: Job | None


def access_event(tenant: Tenant, event_id: str) -> ModerationEvent:
    """Return a tenant's scan, or raise Http404."""
    event = tenant.moderation_events.filter(event_id=event_id).first()
    if event is None:
        raise Http404
    return event


@transaction.atomic
def review_event(tenant: Tenant, actor: str, event_id: str, decision: str) -> Reviewed:
    """Decide on a scan: `allow_once` this very picture, `allow_product` whatever its product shows, or `confirm`.

    Raises ValidationError for what nobody can allow, and for a product that there is none of.
    """
    bump_revision(tenant)
    event = access_event(tenant, event_id)
    if decision != "confirm":
        _require_below_floors(tenant, event)
    product = tenant.products.select_for_update().filter(product_id=event.product_id).first()
    if decision == "allow_product":
        if product is None:
            message = "This picture belongs to no product that there is now. Allow it with allow_once."
            raise serializers.ValidationError({"decision": serializers.ErrorDetail(message, code="no_product")})
        Product.objects.filter(pk=product.pk).update(is_exempt_from_moderation=True)
    before = event.review
    event.review, event.reviewed_by, event.reviewed_at = DECISIONS[decision], actor, timezone.now()
    event.save(update_fields=["review", "reviewed_by", "reviewed_at"])
    audit.record(
        tenant,
        actor,
        "moderation_event.reviewed",
        target=event_id,
        before={"review": before},
        after={"review": event.review, "product_id": event.product_id, "sha256": event.sha256},
    )
    if decision == "confirm":
        return Reviewed(event, "It stays as it is. Nothing else is to be done.", None)
    return _index_again(tenant, event, product)


def _require_below_floors(tenant: Tenant, event: ModerationEvent) -> None:
    for category, floor in policy_of(tenant).floors.items():
        if event.scores.get(category, 0) >= floor:
            message = f"Nobody can allow it: for {category} we refuse pictures from {floor:g} on ourselves."
            raise serializers.ValidationError({"decision": serializers.ErrorDetail(message, code="above_floor")})


def _index_again(tenant: Tenant, event: ModerationEvent, product: Product | None) -> Reviewed:
    if not event.product_id:
        return Reviewed(event, "The same picture can be searched with from now on.", None)
    if product is not None and not product.error_code:
        return Reviewed(event, "The product is indexed; its picture passes from now on.", None)
    # One that an earlier version is found by has that one's address, not that of the picture that was refused.
    failed = [product] if product is not None and product.status == Product.Status.FAILED else []
    job = reindex_products(tenant, failed)
    if job is None:
        return Reviewed(event, "Send the product again with its picture: POST /v1/products.", None)
    return Reviewed(event, f"The product is being indexed again by {job.job_id}.", job)
