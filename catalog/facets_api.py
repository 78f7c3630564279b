"""`/v1/products/facets`: what a shop's list of filters offers."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered
from catalog.custom_fields import filter_fields
from catalog.facets import count_facets, parse_facets
from catalog.filter_dialects import FilterFields, filters_from
from catalog.models import Product

FACETS = {
    "facets": {
        "brand": [{"value": "SportMax", "count": 12}, {"value": "Kestrel Run", "count": 7}],
        "price": {"min": 19.0, "max": 249.0},
    }
}


class FacetInput(FilterFields):
    facets = serializers.CharField(
        required=False, help_text="fields by which to count, with commas between; without them all that can be"
    )


class FacetsSerializer(serializers.Serializer[dict[str, Any]]):
    facets = serializers.DictField(help_text="for each field a list of values with counts, or its least and greatest")


class FacetsView(APIView):
    """Counts the products that pass filters by the values of their fields."""

    required_permissions = {"GET": "products:read"}

    @extend_schema(
        operation_id="get_product_facets",
        tags=["Products"],
        summary="Count products by the values of fields",
        description="Counts the indexed products that pass the filters. `filters`, `metadata_filters` and `filter` are "
        "sent as JSON.",
        parameters=[FacetInput],
        responses=FacetsSerializer,
        examples=[answered("Brands and prices", FACETS)],
    )
    def get(self, request: ApiRequest) -> Response:
        tenant = request.auth.tenant
        body = FacetInput(data=request.query_params)
        body.is_valid(raise_exception=True)
        fields = parse_facets(tenant, _names(body.validated_data.get("facets")) or _countable(request))
        wanted = filters_from(tenant, body.validated_data)
        products = tenant.products.filter(wanted.to_q(), status=Product.Status.INDEXED)
        return Response({"facets": count_facets(products, fields)})


def _names(facets: str | None) -> list[str]:
    return [name.strip() for name in (facets or "").split(",") if name.strip()]


def _countable(request: ApiRequest) -> list[str]:
    # `colors` is another name of `color`.
    return [name for name, field in filter_fields(request.auth.tenant).items() if field.facet and name != "colors"]
