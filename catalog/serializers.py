"""Products, and the answers to what is done with them, as the API shows them."""

import math
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from rest_framework import serializers

from catalog.documents import MetadataField
from catalog.models import Product, ProductImage
from catalog.translation.products import shown_translations


class FiniteField(serializers.FloatField):
    """A number; what a float knows beside numbers, and texts can spell, is within no bounds."""

    def to_internal_value(self, data: Any) -> float:
        try:
            value = float(super().to_internal_value(data))
        except OverflowError:  # JSON may hold an integer beyond any float
            self.fail("invalid")
        if isinstance(data, bool) or not math.isfinite(value):
            self.fail("invalid")
        return value


class SwatchSerializer(serializers.Serializer[dict[str, Any]]):
    hex = serializers.CharField()
    share = serializers.FloatField()
    name = serializers.CharField()


class QualitySerializer(serializers.Serializer[dict[str, Any]]):
    score = serializers.FloatField()
    grade = serializers.ChoiceField(["excellent", "good", "fair", "poor"])
    problems = serializers.ListField(child=serializers.CharField())
    hint = serializers.CharField(allow_blank=True)


class SuggestionSerializer(serializers.Serializer[dict[str, Any]]):
    value = serializers.CharField()
    confidence = serializers.FloatField(help_text="0 to 1")


class AttributesSerializer(serializers.Serializer[dict[str, Any]]):
    """What a picture seems to show; none of it for a picture that was indexed before attributes were told."""

    color = SuggestionSerializer(many=True, required=False)
    material = SuggestionSerializer(many=True, required=False)
    pattern = SuggestionSerializer(many=True, required=False)
    style = SuggestionSerializer(many=True, required=False)  # type: ignore[assignment]  # Field has one of its own


class ImageSerializer(serializers.ModelSerializer[ProductImage]):
    thumbnail_url = serializers.SerializerMethodField()
    palette = SwatchSerializer(many=True)
    quality = QualitySerializer()
    attributes = AttributesSerializer()

    class Meta:
        model = ProductImage
        fields = [
            "position",
            "sha256",
            "width",
            "height",
            "thumbnail_url",
            "palette",
            "quality",
            "product_type",
            "product_type_confidence",
            "attributes",
        ]

    def get_thumbnail_url(self, image: ProductImage) -> str:
        return str(urljoin(settings.BASE_URL, image.thumbnail.url))


class ProductSerializer(serializers.ModelSerializer[Product]):
    image_url = serializers.SerializerMethodField()
    translations = serializers.SerializerMethodField()
    images = ImageSerializer(many=True)

    class Meta:
        model = Product
        fields = [
            "product_id",
            "status",
            "image_url",
            "image_urls",
            "metadata",
            "translations",
            "colors",
            "product_type",
            "quality",
            "error_code",
            "error_message",
            "is_demo",
            "images",
            "created_at",
            "updated_at",
            "indexed_at",
        ]

    def get_translations(self, product: Product) -> dict[str, dict[str, str]]:
        return shown_translations(product.translations, product.metadata)

    def get_image_url(self, product: Product) -> str:
        return product.image_urls[0] if product.image_urls else ""


class IndexedSerializer(serializers.Serializer[dict[str, str]]):
    status = serializers.ChoiceField(["indexed", "processing"])
    product_id = serializers.CharField()
    vector_id = serializers.CharField(required=False)
    job_id = serializers.CharField(required=False)
    message = serializers.CharField()


class MetadataInput(serializers.Serializer[dict[str, Any]]):
    metadata = MetadataField(help_text="merged into what is there; null removes a key (RFC 7396)")


class JobStartedSerializer(serializers.Serializer[dict[str, Any]]):
    job_id = serializers.CharField()
    status = serializers.CharField()
    total = serializers.IntegerField()


class DemoSerializer(serializers.Serializer[dict[str, Any]]):
    installed = serializers.IntegerField()
    product_ids = serializers.ListField(child=serializers.CharField())
    job_id = serializers.CharField()


class DeletedSerializer(serializers.Serializer[dict[str, Any]]):
    deleted = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[dict[str, Any]]):
    total_products = serializers.IntegerField()
    demo_products = serializers.IntegerField()
    plan_limit = serializers.IntegerField(allow_null=True)
    remaining = serializers.IntegerField(allow_null=True)
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_category = serializers.DictField(child=serializers.IntegerField())
    avg_quality = serializers.FloatField(allow_null=True)
    last_indexed_at = serializers.DateTimeField(allow_null=True)
