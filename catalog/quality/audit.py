"""How good the pictures of a catalogue are: counted in the database, where no row of a product leaves it but the worst.

A product is as good as its first picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Q, QuerySet

from accounts.models import Tenant
from catalog.models import Product, ProductImage
from catalog.vision.quality import GRADES, HINTS

# What problems are called for people; they come from `catalog.vision.quality`.
PROBLEMS: Mapping[str, str] = {
    "low_resolution": "Too small",
    "blurry": "Blurred",
    "compressed": "Compressed too much",
    "too_dark": "Too dark",
    "too_bright": "Too bright",
    "low_contrast": "Hardly any contrast",
    "busy_background": "Busy background",
    "lettering": "Text or logos over the picture",
}
# Categories of an audit, the largest.
CATEGORIES = 50


@dataclass(frozen=True)
class AuditFilter:
    """Which products: of a category, of a grade, with a problem; of all where nothing is said."""

    category: str = ""
    grade: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Problem:
    """A problem of pictures, in how many products, and what to do about it."""

    problem: str
    label: str
    count: int
    hint: str


@dataclass(frozen=True)
class CategoryQuality:
    """How good the pictures of a category are: how many were judged, the mean score (0 to 1), how many are poor."""

    category: str
    judged: int
    average_score: float
    poor: int


@dataclass(frozen=True)
class Audit:
    """What an audit has found; `average_score` is 0 to 1, and None where no picture was judged."""

    total_products: int
    judged: int
    average_score: float | None
    distribution: Mapping[str, int]
    common_problems: Sequence[Problem]
    by_category: Sequence[CategoryQuality]
    worst: Sequence[Product]


def audit_quality(tenant: Tenant, wanted: AuditFilter, *, worst_n: int) -> Audit:
    """Return how good the pictures of a category are, and the worst products that the whole filter leaves."""
    products = _of_category(tenant, wanted.category)
    counts = products.aggregate(
        total=Count("pk"), judged=Count("quality"), average=Avg("quality"), **{g: Count("pk", _is(g)) for g in GRADES}
    )
    return Audit(
        total_products=counts["total"],
        judged=counts["judged"],
        average_score=counts["average"],
        distribution={grade: counts[grade] for grade in GRADES},
        common_problems=_count_problems(tenant, wanted.category),
        by_category=_by_category(products),
        worst=list(find_judged(tenant, wanted).prefetch_related("images")[:worst_n]),
    )


def find_judged(tenant: Tenant, wanted: AuditFilter) -> QuerySet[Product]:
    """Return the products that a filter leaves, the worst first."""
    products = _of_category(tenant, wanted.category).exclude(quality=None)
    if wanted.grade:
        products = products.filter(_is(wanted.grade))
    if wanted.problem:
        covers = ProductImage.objects.filter(position=0, quality__problems__contains=[wanted.problem])
        products = products.filter(pk__in=covers.filter(tenant=tenant).values("product"))
    return products.order_by("quality", "pk")


def worse_than(tenant: Tenant, grade: str, category: str) -> Iterator[dict[str, Any]]:
    """Yield what is wrong with each product whose picture is below a grade, the worst first, in constant memory."""
    covers = _of_category(tenant, category).filter(quality__lt=GRADES[grade], images__position=0)
    rows = covers.order_by("quality", "pk").values_list(
        "product_id", "name", "category", "images__quality", "image_urls"
    )
    for product_id, name, of, quality, urls in rows.iterator(chunk_size=1_000):
        yield {
            "product_id": product_id,
            "name": name,
            "category": of,
            "score": round(quality["score"], 3),
            "grade": quality["grade"],
            "problems": ", ".join(quality["problems"]),
            "what_to_do": quality["hint"],
            "image_url": next(iter(urls), ""),
        }


def _of_category(tenant: Tenant, category: str) -> QuerySet[Product]:
    products = Product.objects.filter(tenant=tenant)
    return products.filter(category__lower=category.lower()) if category else products


def _is(grade: str) -> Q:
    """Return the condition of having a grade."""
    grades = list(GRADES)
    better = grades[: grades.index(grade)]
    condition = Q(quality__gte=GRADES[grade])
    return condition & Q(quality__lt=GRADES[better[-1]]) if better else condition


def _by_category(products: QuerySet[Product]) -> list[CategoryQuality]:
    rows = (
        products.exclude(quality=None)
        .values_list("category")
        .annotate(judged=Count("pk"), average=Avg("quality"), poor=Count("pk", _is("poor")))
        .order_by("-judged", "category")[:CATEGORIES]
    )
    return [CategoryQuality(*row) for row in rows]


def _count_problems(tenant: Tenant, category: str) -> list[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT problem, count(*)
            FROM catalog_product AS product
            JOIN catalog_productimage AS cover ON cover.product_id = product.id AND cover.position = 0
            CROSS JOIN LATERAL jsonb_array_elements_text(cover.quality -> 'problems') AS problem
            WHERE product.tenant_id = %(tenant)s
                AND (%(category)s = '' OR lower(product.category) = lower(%(category)s))
            GROUP BY problem
            ORDER BY count(*) DESC, problem
            """,
            {"tenant": tenant.pk, "category": category},
        )
        return [Problem(name, PROBLEMS[name], count, HINTS[name]) for name, count in cursor.fetchall()]
