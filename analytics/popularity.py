"""How popular products are: what shoppers clicked, put into carts and bought.

A product's popularity is s / (s + prior), 0 to 1: s is the weighted count of its feedback of 90 days, of which each
half-life halves the worth, and the prior is the tenant's mean s of products with any, but at least two purchases'
worth, so that one click makes no star (Bayesian average with a prior at 0).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.models import Tenant
from analytics.models import FeedbackEvent
from catalog.models import Product

Action = FeedbackEvent.Action

# What a cart and a purchase are worth in clicks: about the inverse of how many clicks end so in a usual shop.
WEIGHTS: Mapping[str, int] = {Action.CLICK: 1, Action.ADD_TO_CART: 4, Action.PURCHASE: 10}
HALF_LIFE = timedelta(days=14)
WINDOW = timedelta(days=90)
LEAST_PRIOR = 20.0

# A product that is being indexed has its row locked: it waits for the next time, so that nobody waits for another.
_UPDATE = """
WITH scores AS (
    SELECT product_id,
           SUM(CASE action WHEN 'click' THEN %(click)s WHEN 'add_to_cart' THEN %(add_to_cart)s ELSE %(purchase)s END
               * POWER(0.5::float8, EXTRACT(EPOCH FROM %(at)s - created_at)::float8 / %(half_life)s)) AS score
    FROM analytics_feedbackevent
    WHERE tenant_id = %(tenant)s AND created_at > %(since)s AND created_at <= %(at)s
    GROUP BY product_id
),
prior AS (
    SELECT GREATEST(AVG(score), %(least_prior)s) AS score FROM scores
),
wanted AS (
    SELECT product.id, ROUND(COALESCE(scores.score / (scores.score + prior.score), 0)::numeric, 3) AS popularity
    FROM catalog_product AS product CROSS JOIN prior LEFT JOIN scores USING (product_id)
    WHERE product.tenant_id = %(tenant)s AND (scores.score IS NOT NULL OR product.popularity > 0)
),
changed AS (
    SELECT product.id, wanted.popularity
    FROM catalog_product AS product JOIN wanted USING (id)
    WHERE product.popularity::numeric <> wanted.popularity
    FOR UPDATE OF product SKIP LOCKED
)
UPDATE catalog_product AS product SET popularity = changed.popularity FROM changed WHERE product.id = changed.id
"""


def tenants_with_feedback() -> QuerySet[Tenant]:
    """Return the tenants whose products may be popular: also those whose feedback has all grown old."""
    return Tenant.objects.filter(Exists(FeedbackEvent.objects.filter(tenant=OuterRef("pk"))))


def update_popularity(tenant_pk: int, *, at: datetime) -> int:
    """Write the popularity of a tenant's products where it has changed by 0.001; return of how many."""
    values: dict[str, Any] = {
        **WEIGHTS,
        "tenant": tenant_pk,
        "at": at,
        "since": at - WINDOW,
        "half_life": HALF_LIFE.total_seconds(),
        "least_prior": LEAST_PRIOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, values)
        changed: int = cursor.rowcount
    return changed


def popular_products(tenant: Tenant, *, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Return the products with most feedback since then, the best first; `score` is their weighted count."""
    indexed = tenant.products.filter(status=Product.Status.INDEXED)
    rows = list(
        FeedbackEvent.objects.filter(tenant=tenant, created_at__gte=since)
        .filter(Exists(indexed.filter(product_id=OuterRef("product_id"))))
        .values("product_id")
        .annotate(**count_actions())
        .annotate(
            score=F("clicks") * WEIGHTS[Action.CLICK]
            + F("add_to_carts") * WEIGHTS[Action.ADD_TO_CART]
            + F("purchases") * WEIGHTS[Action.PURCHASE]
        )
        .order_by("-score", "product_id")[:limit]
    )
    metadata = dict(
        indexed.filter(product_id__in=[r["product_id"] for r in rows]).values_list("product_id", "metadata")
    )
    return [row | {"metadata": metadata[row["product_id"]]} for row in rows if row["product_id"] in metadata]


def count_actions() -> dict[str, Count]:
    """Return the aggregates that count feedback by action."""
    return {
        "clicks": Count("pk", filter=Q(action=Action.CLICK)),
        "add_to_carts": Count("pk", filter=Q(action=Action.ADD_TO_CART)),
        "purchases": Count("pk", filter=Q(action=Action.PURCHASE)),
    }
