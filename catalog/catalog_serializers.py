"""Products of the Catalog API: what uploads take, and what is answered."""

from typing import Any

from rest_framework import serializers

from catalog.catalog_products import EMBEDDING_STATUSES
from catalog.documents import MAX_IMAGE_LENGTH, MAX_URL_LENGTH, MetadataField, require_addressable
from catalog.models import MAX_PRICE
from catalog.serializers import FiniteField

USUAL_CURRENCY = "USD"


class CatalogProductInput(serializers.Serializer[Any]):
    """A product as it is uploaded."""

    title = serializers.CharField(max_length=500)
    image_url = serializers.CharField(max_length=MAX_IMAGE_LENGTH)
    external_id = serializers.CharField(max_length=255, required=False, help_text="your own id; a known one is updated")
    sku = serializers.CharField(max_length=255, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    brand = serializers.CharField(max_length=255, required=False, allow_blank=True)
    category = serializers.CharField(max_length=255, required=False, allow_blank=True)
    price = FiniteField(min_value=0, max_value=float(MAX_PRICE), required=False)
    currency = serializers.RegexField(r"^[A-Za-z]{3}$", default=USUAL_CURRENCY)
    product_url = serializers.URLField(max_length=MAX_URL_LENGTH, required=False)
    metadata = MetadataField(required=False)

    def validate_external_id(self, value: str) -> str:
        return require_addressable(value)


class CatalogProductsInput(serializers.Serializer[Any]):
    """Many products, as many as the plan takes in one request."""

    products = serializers.ListField(child=serializers.DictField(), min_length=1)


class BatchInput(serializers.Serializer[Any]):
    products = serializers.ListField(child=serializers.JSONField(), min_length=1)


class UploadedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="our own id of the product")
    external_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["created", "updated"])
    embedding_status = serializers.ChoiceField(EMBEDDING_STATUSES)


class CatalogRefusalSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class UploadResultSerializer(serializers.Serializer[Any]):
    """What became of one of many products: an upload's answer, or for one that is not well-formed its error."""

    id = serializers.UUIDField(required=False)
    external_id = serializers.CharField(allow_null=True, required=False)
    status = serializers.ChoiceField(["created", "updated", "failed"])
    embedding_status = serializers.ChoiceField(EMBEDDING_STATUSES, required=False)
    index = serializers.IntegerField(required=False, help_text="place in the request, from 0, of one that failed")
    error = CatalogRefusalSerializer(required=False)


class ManyUploadedSerializer(serializers.Serializer[Any]):
    results = UploadResultSerializer(many=True)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    failed = serializers.IntegerField()


class CatalogProductSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_null=True)
    sku = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    brand = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    price = serializers.FloatField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    product_url = serializers.CharField(allow_null=True)
    image_url = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    embedding_status = serializers.ChoiceField(EMBEDDING_STATUSES)
    embedding_error = serializers.CharField(allow_null=True)
    features = serializers.DictField(allow_null=True, help_text="colours, outline, type and attributes, once seen")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PageInput(serializers.Serializer[Any]):
    page = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    per_page = serializers.IntegerField(min_value=1, max_value=100, default=20)


class CatalogPageSerializer(serializers.Serializer[Any]):
    products = CatalogProductSerializer(many=True)
    page = serializers.IntegerField()
    per_page = serializers.IntegerField()
    total = serializers.IntegerField()
