"""A shop's own words for natural-language queries, from its products and custom fields."""

import time
from dataclasses import dataclass

from django.db.models import Count

from accounts.models import Tenant
from accounts.revisions import until_changed
from catalog.custom_fields import custom_fields
from catalog.models import CustomField, Product
from search.natural_language import Catalogue, EnumField

# The most frequent; a name beyond these stays a word for the vector search.
MAX_NAMES = {"category": 500, "brand": 2_000, "currency": 20}
# Products come and go without a change of the tenant's revision.
LIFETIME_SECONDS = 60


@dataclass
class _Remembered:
    catalogue: Catalogue
    read_at: float


def catalogue_of(tenant: Tenant) -> Catalogue:
    """Return a shop's categories, brands, currencies and enum fields, at most a minute old."""
    remembered = _remembered(tenant)
    if time.monotonic() - remembered.read_at > LIFETIME_SECONDS:
        remembered.catalogue, remembered.read_at = _read(tenant), time.monotonic()
    return remembered.catalogue


@until_changed
def _remembered(tenant: Tenant) -> _Remembered:
    return _Remembered(_read(tenant), time.monotonic())


def _read(tenant: Tenant) -> Catalogue:
    enums = [field for field in custom_fields(tenant) if field.type == CustomField.Type.ENUM]
    return Catalogue(
        categories=_names(tenant, "category"),
        brands=_names(tenant, "brand"),
        currencies=_names(tenant, "currency"),
        fields=tuple(EnumField(field.key, tuple(field.enum_values)) for field in enums if field.filterable),
    )


def _names(tenant: Tenant, column: str) -> tuple[str, ...]:
    """Return the most frequent values of a column in alphabetical order."""
    products = tenant.products.filter(status=Product.Status.INDEXED).exclude(**{column: ""})
    names = products.values_list(column).annotate(count=Count("pk")).order_by("-count", column)
    return tuple(sorted(name for name, _ in names[: MAX_NAMES[column]]))
