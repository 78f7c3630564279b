"""The steps of a job that decides on all that a filter finds: each on the products of a range."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Count, Max, QuerySet

from accounts.models import Tenant
from catalog.attributes.deciding import Choice, Decided, Verdict, decide
from catalog.attributes.suggestions import Wanted, find_products_with, find_suggestions
from catalog.errors import IndexingError
from catalog.models import AttributeDecision, Job, JobItem

SHOWN_DECISIONS = 20


def decide_steps(job: Job, items: Sequence[JobItem]) -> list[IndexingError | None]:
    """Decide on the suggestions of the ranges of products that these items name; tell how many could not be."""
    options = dict(job.options)
    verdict, actor = Verdict(options.pop("verdict")), options.pop("actor")
    errors = []
    for item in items:
        wanted = replace(Wanted(**options), first=item.document["first"], last=item.document["last"])
        choices = choices_of(job.tenant, verdict, wanted)
        errors.append(_sum_up(choices, decide(job.tenant, actor, verdict, choices)))
    return errors


def _sum_up(choices: Sequence[Choice], outcomes: Sequence[Decided]) -> IndexingError | None:
    """Return how many choices could not be decided, and why the first of them; None where all could."""
    refused = [(choice, one.error) for choice, one in zip(choices, outcomes, strict=True) if one.error is not None]
    if not refused:
        return None
    choice, error = refused[0]
    message = f"Not for {len(refused):,} of {len(choices):,}: {choice.product_id}: {error.message}"
    return IndexingError(error.code, message)


def choices_of(tenant: Tenant, verdict: Verdict, wanted: Wanted) -> list[Choice]:
    """Return what a filter finds: suggestions or, to be taken back, decisions."""
    if verdict is Verdict.UNDO:
        decisions = _decisions(tenant, wanted).select_related("product").order_by("product", "pk")
        return [Choice(one.product.product_id, one.attribute, one.value) for one in decisions]
    return [Choice(one.product_id, one.attribute, one.value) for one in find_suggestions(tenant, wanted)]


def products_of(tenant: Tenant, verdict: Verdict, wanted: Wanted) -> list[int]:
    """Return the rows of the products that a filter finds something of, in their order."""
    if verdict is not Verdict.UNDO:
        return find_products_with(tenant, wanted)
    return list(_decisions(tenant, wanted).order_by("product_id").values_list("product_id", flat=True).distinct())


def _decisions(tenant: Tenant, wanted: Wanted) -> QuerySet[AttributeDecision]:
    conditions = {
        "attribute": wanted.attribute,
        "value": wanted.value,
        "product__category__lower": wanted.category.lower(),
        "product__gte": wanted.first,
        "product__lte": wanted.last,
        "accepted": wanted.accepted,
    }
    given = {name: condition for name, condition in conditions.items() if condition not in (None, "")}
    return AttributeDecision.objects.filter(tenant=tenant, **given)


def recent_decisions(tenant: Tenant) -> list[dict[str, Any]]:
    """Return what was decided last, by value: accepted or not, for how many products, when and by whom at last."""
    rows = AttributeDecision.objects.filter(tenant=tenant).values("attribute", "value", "accepted")
    latest = rows.annotate(products=Count("pk"), last=Max("decided_at"), by=Max("decided_by")).order_by(
        "-last", "value"
    )
    return [dict(row) for row in latest[:SHOWN_DECISIONS]]
