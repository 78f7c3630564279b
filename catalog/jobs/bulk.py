"""Many products in one request, as JSON or NDJSON; one that is wrong is told by its place and holds up no other."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from rest_framework import serializers

from accounts.models import Tenant
from accounts.webhooks.serializers import AddressField
from billing.limits import plan_of, require_room
from billing.models import Plan
from catalog.feeds.body import Feed, read_objects
from catalog.jobs.items import item_of_sent, rejected_item
from catalog.jobs.lifecycle import create_job
from catalog.models import Job, JobItem, Product


class CallbackInput(serializers.Serializer[dict[str, Any]]):
    callback_url = AddressField(required=False, allow_blank=True)


class BulkInput(CallbackInput):
    products = serializers.ListField(min_length=1)


@transaction.atomic
def start_bulk(tenant: Tenant, data: Any, query: Mapping[str, str]) -> Job:
    """Start a job of the products in a body; the `callback_url` of a feed stands in the query string.

    Raises ValidationError when there are none or too many, and PlanLimitReached when the plan has no room for them.
    """
    plan = plan_of(tenant)
    if isinstance(data, Feed):
        body = CallbackInput(data=query)
        body.is_valid(raise_exception=True)
        items: Iterable[JobItem] = feed_items(data, plan)
    else:
        body = BulkInput(data=data)
        body.is_valid(raise_exception=True)
        items = _listed_items(body.validated_data["products"], plan)
    job = create_job(tenant, Job.Kind.INDEX, items, callback_url=body.validated_data.get("callback_url", ""))
    require_room_for_job(job, plan)
    return job


def feed_items(feed: Feed, plan: Plan) -> Iterator[JobItem]:
    """Yield an item for each line of an NDJSON feed.

    Raises ValidationError when there are no lines, or more than the plan has products.
    """
    most = feed_lines(plan)
    lines = 0
    for lines, value in enumerate(read_objects(feed), 1):
        if most is not None and lines > most:
            raise serializers.ValidationError(
                {"products": [f"Your plan takes feeds of {most:,} lines, and this one has more. Send it in parts."]}
            )
        yield rejected_item(str(value)) if isinstance(value, ValueError) else item_of_sent(value)
    if not lines:
        raise serializers.ValidationError({"products": ["The feed is empty. Send it with its Content-Length."]})


def feed_lines(plan: Plan) -> int | None:
    """Return how many lines a feed may have: as many as the plan has products; None is no limit."""
    return None if plan.max_products is None else max(plan.max_products, plan.max_batch_size)


def require_room_for_job(job: Job, plan: Plan) -> None:
    """Raise PlanLimitReached unless the plan has room for those products of a job that are new."""
    if plan.max_products is None:
        return
    own = Product.objects.filter(tenant=job.tenant_id, is_demo=False)
    waiting = job.items.filter(status=JobItem.Status.QUEUED, action=JobItem.Action.INDEX)
    new = waiting.exclude(product_id__in=own.values("product_id")).values("product_id").distinct().count()
    require_room(plan, used=own.count(), wanted=new)


def require_bulk_room(tenant: Tenant, product_ids: Collection[str]) -> None:
    """Raise PlanLimitReached unless the plan has room for those of these products that are new."""
    existing = tenant.products.filter(product_id__in=product_ids, is_demo=False).count()
    used = tenant.products.filter(is_demo=False).count()
    require_room(plan_of(tenant), used=used, wanted=len(set(product_ids)) - existing)


def _listed_items(products: list[Any], plan: Plan) -> Iterator[JobItem]:
    if len(products) > plan.max_batch_size:
        raise serializers.ValidationError(
            {
                "products": [
                    f"{len(products)} products were sent; your plan takes {plan.max_batch_size} in one request. "
                    "Send several, or a feed: one product a line, as application/x-ndjson."
                ]
            }
        )
    for product in products:
        yield item_of_sent(product) if isinstance(product, Mapping) else rejected_item("A product is a JSON object.")
