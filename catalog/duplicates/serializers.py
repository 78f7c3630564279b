"""Groups of near-duplicates as the API shows them, and what can be asked of them."""

from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from rest_framework import serializers

from catalog.duplicates.resolving import Action
from catalog.duplicates.scan import GREATEST_THRESHOLD, LEAST_THRESHOLD
from catalog.models import DuplicateGroup, DuplicateMember
from catalog.serializers import FiniteField
from catalog.vision.near_duplicates import NEAR


class ScanInput(serializers.Serializer[dict[str, Any]]):
    threshold = FiniteField(
        min_value=LEAST_THRESHOLD,
        max_value=GREATEST_THRESHOLD,
        default=NEAR,
        help_text="from which similarity on two products are near-duplicates",
    )


class GroupsInput(serializers.Serializer[dict[str, Any]]):
    state = serializers.ChoiceField(
        DuplicateGroup.State.choices, default=DuplicateGroup.State.OPEN, help_text="open if left out"
    )


class ResolveInput(serializers.Serializer[dict[str, Any]]):
    action = serializers.ChoiceField([action.value for action in Action])
    product_id = serializers.CharField(
        max_length=255,
        required=False,
        default="",
        allow_blank=True,
        help_text="the one that stays as it is, where the others are deleted or become its variants",
    )


class DuplicateSerializer(serializers.ModelSerializer[DuplicateMember]):
    """A product of a group, with what tells it from the others."""

    product_id = serializers.CharField(source="product.product_id")
    name = serializers.CharField(source="product.name")
    price = serializers.DecimalField(14, 2, source="product.price", allow_null=True, coerce_to_string=False)
    currency = serializers.CharField(source="product.currency")
    image_url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    width = serializers.SerializerMethodField(help_text="of its picture, in pixels")
    height = serializers.SerializerMethodField(help_text="of its picture, in pixels")
    quality = serializers.FloatField(source="product.quality", allow_null=True)
    created_at = serializers.DateTimeField(source="product.created_at")

    class Meta:
        model = DuplicateMember
        fields = [
            "product_id",
            "name",
            "price",
            "currency",
            "image_url",
            "thumbnail_url",
            "width",
            "height",
            "quality",
            "similarity",
            "created_at",
        ]

    def get_image_url(self, member: DuplicateMember) -> str:
        return next(iter(member.product.image_urls), "")

    def get_thumbnail_url(self, member: DuplicateMember) -> str | None:
        cover = member.cover
        return str(urljoin(settings.BASE_URL, cover.thumbnail.url)) if cover else None

    def get_width(self, member: DuplicateMember) -> int | None:
        return member.cover.width if member.cover else None

    def get_height(self, member: DuplicateMember) -> int | None:
        return member.cover.height if member.cover else None


class DuplicateGroupSerializer(serializers.ModelSerializer[DuplicateGroup]):
    action = serializers.CharField(source="resolution", help_text="that resolved it, empty for an open one")
    products = DuplicateSerializer(many=True, source="members")

    class Meta:
        model = DuplicateGroup
        fields = ["group_id", "similarity", "state", "action", "found_at", "resolved_at", "products"]
