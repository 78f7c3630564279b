"""Which products of a tenant a list shows, and in which order; the API and the portal share it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.models import Tenant
from catalog.models import Product

# What can be sorted by is never null, so that a cursor can stand on it.
SORTS = {
    "-created_at": ("-created_at", "-pk"),
    "created_at": ("created_at", "pk"),
    "name": ("name", "pk"),
    "-name": ("-name", "-pk"),
    "product_id": ("product_id",),
    "-product_id": ("-product_id",),
}


class ListInput(serializers.Serializer[dict[str, Any]]):
    q = serializers.CharField(required=False, help_text="a part of the name, or the start of the product_id")
    category = serializers.CharField(required=False)
    status = serializers.ChoiceField(Product.Status.choices, required=False)
    sort = serializers.ChoiceField(list(SORTS), default="-created_at")


def find_products(tenant: Tenant, wanted: Mapping[str, Any]) -> QuerySet[Product]:
    """Return the products that the fields of a ListInput ask for."""
    products = tenant.products.prefetch_related("images")
    if text := wanted.get("q"):
        products = products.filter(Q(name__icontains=text) | Q(product_id__istartswith=text))
    if category := wanted.get("category"):
        products = products.filter(category__lower=category.lower())
    if status := wanted.get("status"):
        products = products.filter(status=status)
    return products.order_by(*SORTS[wanted["sort"]])
