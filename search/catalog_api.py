"""`POST /v1/catalog/search`: the search of the Catalog API, a second dialect over the same search.

Its products are in `catalog/catalog_api.py`.
"""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.models import Tenant
from catalog.catalog_products import access_catalog_product, external_id_of
from catalog.documents import MAX_IMAGE_LENGTH
from catalog.hits import Hit
from catalog.serializers import FiniteField
from search.api import answered
from search.modes import parse_mode
from search.pipeline import Answer
from search.query import Query
from search.retrieval import pool_size, products_found

USUAL_RESULTS = 20
USUAL_THRESHOLD = 0.70
MAX_RESULTS = 100

SEARCH = {"image_url": "https://example.com/query.jpg"}
SEARCH_ANSWER = {
    "results": [
        {
            "id": "550e8400-e29b-41d4-a716-446655440000",
            "external_id": "SKU-12345",
            "title": "Classic Black Leather Jacket",
            "image_url": "https://example.com/jacket.jpg",
            "price": 299.99,
            "similarity_score": 0.94,
        }
    ],
    "query": {"type": "image"},
    "total_found": 15,
    "processing_time_ms": 42,
}


class CatalogSearchInput(serializers.Serializer[Any]):
    image_url = serializers.CharField(max_length=MAX_IMAGE_LENGTH, required=False, help_text="address of a picture")
    image_base64 = serializers.CharField(max_length=MAX_IMAGE_LENGTH, required=False)
    product_id = serializers.CharField(max_length=255, required=False, help_text="our id of a product, or yours")
    max_results = serializers.IntegerField(min_value=1, max_value=MAX_RESULTS, default=USUAL_RESULTS)
    similarity_threshold = FiniteField(min_value=0, max_value=1, default=USUAL_THRESHOLD)
    category = serializers.CharField(max_length=255, required=False)
    min_price = FiniteField(min_value=0, required=False)
    max_price = FiniteField(min_value=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"image_url", "image_base64", "product_id"} & attrs.keys()) != 1:
            message = "Send one of image_url, image_base64 and product_id."
            raise serializers.ValidationError({"image_url": serializers.ErrorDetail(message, code="required")})
        return attrs


class CatalogHitSerializer(serializers.Serializer[Hit]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    image_url = serializers.CharField(allow_blank=True)
    price = serializers.FloatField(allow_null=True)
    similarity_score = serializers.FloatField()


class CatalogAnswerSerializer(serializers.Serializer[Any]):
    results = CatalogHitSerializer(many=True)
    query = serializers.DictField()
    total_found = serializers.IntegerField(help_text="all products that fit, not only those shown")
    processing_time_ms = serializers.IntegerField()


class CatalogSearchView(APIView):
    """Searches by a picture, or for what is like a product."""

    required_permissions = {"POST": "search:execute"}

    @extend_schema(
        operation_id="catalog_search",
        tags=["Catalog API"],
        summary="Search by a picture or a product",
        request=CatalogSearchInput,
        responses={200: CatalogAnswerSerializer},
        examples=[
            OpenApiExample("By a picture", SEARCH, request_only=True),
            OpenApiExample("A jacket found", SEARCH_ANSWER, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        body = CatalogSearchInput(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        tenant = request.auth.tenant
        found = answered(tenant, lambda: _query(tenant, fields))
        return Response(
            {
                "results": [_hit(hit) for hit in found.hits],
                "query": {"type": "product" if "product_id" in fields else "image"},
                "total_found": _count(tenant, found),
                "processing_time_ms": round(found.total_ms),
            }
        )


def _query(tenant: Tenant, fields: dict[str, Any]) -> Query:
    """Return the query that a search of the Catalog API means in our own words."""
    common: dict[str, Any] = {
        "limit": fields["max_results"],
        "threshold": fields["similarity_threshold"],
        **{name: fields[name] for name in ("category", "min_price", "max_price") if name in fields},
    }
    if "product_id" in fields:
        product = access_catalog_product(tenant, fields["product_id"])
        return parse_mode(tenant, "similar", {**common, "product_id": product.product_id})
    picture = {name: fields[name] for name in ("image_url", "image_base64") if name in fields}
    return parse_mode(tenant, "url", {**common, **picture})


def _count(tenant: Tenant, found: Answer) -> int:
    """Return how many products fit a query, however deep the search has looked."""
    if found.total < pool_size(found.query):
        return found.total
    fitting = products_found(tenant, found.query, found.target, found.terms, found.encoder, threshold=found.threshold)
    # Pins may ignore threshold and filters.
    return max(found.total, fitting.count())


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "id": str(hit.uuid),
        "external_id": external_id_of(hit.product_id, hit.uuid),
        "title": hit.title,
        "image_url": hit.image_url,
        "price": hit.price,
        "similarity_score": round(hit.similarity, 4),
    }
