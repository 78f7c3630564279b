"""`/v1/catalog/products`: the Catalog API, a second dialect over the same products. Its search is in `search`.

Its errors have a shape of their own, `{"error": {"code", "message", "details"}}` (`trooply/api_errors.py`).
"""

from collections import Counter
from typing import Any

from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.idempotency import idempotent
from accounts.models import Tenant
from billing.limits import plan_of
from catalog.catalog_examples import LISTED, PRODUCT, UPLOAD, UPLOAD_ANSWER
from catalog.catalog_products import (
    Upload,
    access_catalog_product,
    describe_products,
    external_id_of,
    upload_products,
)
from catalog.catalog_serializers import (
    BatchInput,
    CatalogPageSerializer,
    CatalogProductInput,
    CatalogProductSerializer,
    CatalogProductsInput,
    ManyUploadedSerializer,
    PageInput,
    UploadedSerializer,
)
from catalog.models import Product
from catalog.products import delete_products
from catalog.validation_messages import sentence


def _one_or_many(
    name: str, one: type[serializers.Serializer[Any]], many: type[serializers.Serializer[Any]]
) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(component_name=name, serializers=[one, many], resource_type_field_name=None)


class CatalogProductsView(APIView):
    """Uploads products, one or many, and lists them."""

    required_permissions = {"GET": "products:read", "POST": "products:write"}

    @extend_schema(
        operation_id="catalog_list_products",
        tags=["Catalog API"],
        summary="List products, newest first",
        parameters=[PageInput],
        responses=CatalogPageSerializer,
        examples=[OpenApiExample("A page", LISTED, response_only=True, status_codes=["200"])],
    )
    def get(self, request: ApiRequest) -> Response:
        wanted = PageInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        page, per_page = wanted.validated_data["page"], wanted.validated_data["per_page"]
        products = request.auth.tenant.products.order_by("-created_at", "-pk").prefetch_related("images")
        shown = list(products[(page - 1) * per_page : page * per_page])
        return Response(
            {
                "products": describe_products(request.auth.tenant, shown),
                "page": page,
                "per_page": per_page,
                "total": products.count(),
            }
        )

    @extend_schema(
        operation_id="catalog_upload_products",
        tags=["Catalog API"],
        summary="Upload a product, or many",
        description="Products are looked at in the background; they are found once their `embedding_status` is "
        "`completed`. Many are answered with `results`, one for each, and `created`, `updated` and `failed` counts.",
        request=_one_or_many("CatalogUpload", CatalogProductInput, CatalogProductsInput),
        responses={
            201: UploadedSerializer,
            200: _one_or_many("CatalogUploaded", UploadedSerializer, ManyUploadedSerializer),
        },
        examples=[
            OpenApiExample("A jacket", UPLOAD, request_only=True),
            OpenApiExample("Taken in", UPLOAD_ANSWER, response_only=True, status_codes=["200", "201"]),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        if isinstance(request.data, dict) and "products" in request.data:
            return Response(_upload_many(request.auth.tenant, request.data))
        product = CatalogProductInput(data=request.data)
        product.is_valid(raise_exception=True)
        [uploaded] = upload_products(request.auth.tenant, [product.validated_data])
        return Response(_uploaded(uploaded), status=_status_of(uploaded))


class CatalogProductView(APIView):
    """One product, by our id or the shop's."""

    required_permissions = {"GET": "products:read", "DELETE": "products:delete"}

    @extend_schema(
        operation_id="catalog_get_product",
        tags=["Catalog API"],
        summary="Get a product",
        responses=CatalogProductSerializer,
        examples=[OpenApiExample("A jacket", PRODUCT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: ApiRequest, product_id: str) -> Response:
        product = access_catalog_product(request.auth.tenant, product_id)
        return Response(describe_products(request.auth.tenant, [product])[0])

    @extend_schema(
        operation_id="catalog_delete_product", tags=["Catalog API"], summary="Delete a product", responses={204: None}
    )
    def delete(self, request: ApiRequest, product_id: str) -> Response:
        product = access_catalog_product(request.auth.tenant, product_id)
        delete_products(Product.objects.filter(pk=product.pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _upload_many(tenant: Tenant, data: dict[str, Any]) -> dict[str, Any]:
    """Take in those of many products that are well-formed, and say of each what became of it."""
    body = BatchInput(data=data)
    body.is_valid(raise_exception=True)
    sent, limit = body.validated_data["products"], plan_of(tenant).catalog_batch_size
    if len(sent) > limit:
        message = f"{len(sent)} products were sent; your plan takes {limit} in one request. Send several."
        raise serializers.ValidationError({"products": [serializers.ErrorDetail(message, code="max_length")]})
    checked = [CatalogProductInput(data=product) for product in sent]
    usable = [product.validated_data for product in checked if product.is_valid()]
    uploaded = iter(upload_products(tenant, usable))
    results = [
        _refused(index, product.errors) if product.errors else _uploaded(next(uploaded))
        for index, product in enumerate(checked)
    ]
    counts = Counter(result["status"] for result in results)
    return {"results": results, "created": counts["created"], "updated": counts["updated"], "failed": counts["failed"]}


def _uploaded(upload: Upload) -> dict[str, Any]:
    product = upload.product
    return {
        "id": str(product.uuid),
        "external_id": external_id_of(product.product_id, product.uuid),
        "status": "created" if upload.is_new else "updated",
        "embedding_status": "processing",
    }


def _status_of(upload: Upload) -> int:
    return status.HTTP_201_CREATED if upload.is_new else status.HTTP_200_OK


def _refused(index: int, errors: Any) -> dict[str, Any]:
    error = {"code": "validation_failed", "message": sentence(errors)}
    return {"index": index, "status": "failed", "error": error}
