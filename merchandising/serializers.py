"""Rules, banners and synonyms as the API takes and shows them."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from django.core.validators import URLValidator
from django.db.models import Model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.serializers import FiniteField
from merchandising.configuration import unknown_products
from merchandising.models import (
    HEX_COLOR,
    MAX_BOOST,
    MAX_PRIORITY,
    MAX_PRODUCT_IDS,
    MAX_WORD_LENGTH,
    MAX_WORDS,
    MIN_BOOST,
    MerchandisingRule,
    PromoBanner,
    SynonymSet,
)
from merchandising.scopes import ScopeType, normalise

M = TypeVar("M", bound=Model)

SCHEDULED_FIELDS = ["scope_type", "scope_value", "priority", "active", "start_at", "end_at"]
_require_web_address = URLValidator(schemes=["http", "https"], message="Send a web address: https://…")


class ScheduledSerializer(serializers.ModelSerializer[M]):
    """What a rule and a banner share: for which searches they are meant. What a scope does not need is not kept."""

    scope_value = serializers.CharField(
        max_length=255, allow_blank=True, required=False, help_text="the query or the category; not used by `always`"
    )
    priority = serializers.IntegerField(
        min_value=0, max_value=MAX_PRIORITY, default=100, help_text="the lowest number goes first, then the newest"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        whole = whole_of(self, attrs)
        if whole["scope_type"] == ScopeType.ALWAYS:
            attrs["scope_value"] = ""
        elif not normalise(whole["scope_value"]):
            raise invalid("scope_value", "required", "Name the query or the category that this is meant for.")
        start, end = whole["start_at"], whole["end_at"]
        if start and end and end <= start:
            raise invalid("end_at", "before_start", "It would end before it starts.")
        return attrs


class RuleSerializer(ScheduledSerializer[MerchandisingRule]):
    product_ids = serializers.ListField(
        child=serializers.CharField(max_length=255), min_length=1, max_length=MAX_PRODUCT_IDS
    )
    boost_multiplier = FiniteField(
        min_value=MIN_BOOST,
        max_value=MAX_BOOST,
        allow_null=True,
        required=False,
        help_text="of a boost: the score is multiplied with it, and is 1 at most; below 1 it moves products down",
    )

    class Meta:
        model = MerchandisingRule
        fields = [
            "id",
            "rule_type",
            "product_ids",
            "boost_multiplier",
            "ignore_filters",
            *SCHEDULED_FIELDS,
            "description",
            "created_at",
            "updated_at",
        ]

    def validate_product_ids(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        whole = whole_of(self, super().validate(attrs))
        if whole["rule_type"] != MerchandisingRule.Type.BOOST:
            attrs["boost_multiplier"] = None
        elif whole["boost_multiplier"] is None:
            raise invalid("boost_multiplier", "required", f"A boost needs a multiplier, {MIN_BOOST} to {MAX_BOOST}.")
        if whole["rule_type"] != MerchandisingRule.Type.PIN:
            attrs["ignore_filters"] = False
        return attrs


class PromoBannerSerializer(ScheduledSerializer[PromoBanner]):
    cta_url = serializers.CharField(
        max_length=2_000, allow_blank=True, required=False, help_text="a web address, or a path of the shop: /sale"
    )
    image_url = serializers.CharField(max_length=2_000, allow_blank=True, required=False, help_text="a web address")
    background_color = serializers.RegexField(HEX_COLOR, required=False, help_text="#rrggbb")
    foreground_color = serializers.RegexField(HEX_COLOR, required=False, help_text="#rrggbb")

    class Meta:
        model = PromoBanner
        fields = [
            "id",
            "title",
            "body",
            "cta_text",
            "cta_url",
            "image_url",
            "background_color",
            "foreground_color",
            "position",
            *SCHEDULED_FIELDS,
            "created_at",
            "updated_at",
        ]

    def validate_cta_url(self, value: str) -> str:
        if value and not _is_path(value):
            _require_web_address(value)
        return value

    def validate_image_url(self, value: str) -> str:
        if value:
            _require_web_address(value)
        return value

    def validate_background_color(self, value: str) -> str:
        return value.lower()

    def validate_foreground_color(self, value: str) -> str:
        return value.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        whole = whole_of(self, super().validate(attrs))
        if bool(whole["cta_text"]) != bool(whole["cta_url"]):
            missing = "cta_url" if whole["cta_text"] else "cta_text"
            raise invalid(missing, "required", "A call to action has both a text and an address.")
        return attrs


class SynonymSerializer(serializers.ModelSerializer[SynonymSet]):
    words = serializers.ListField(
        child=serializers.CharField(max_length=MAX_WORD_LENGTH), min_length=1, max_length=MAX_WORDS
    )

    class Meta:
        model = SynonymSet
        fields = ["id", "synonym_type", "root", "words", "active", "created_at", "updated_at"]

    def validate_words(self, value: list[str]) -> list[str]:
        return list({normalise(word): word for word in reversed(value)}.values())[::-1]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        whole = whole_of(self, attrs)
        if whole["synonym_type"] == SynonymSet.Type.ONE_WAY:
            if not whole["root"]:
                raise invalid("root", "required", "Name the word that may also mean the others.")
        else:
            attrs["root"] = ""
            if len(whole["words"]) < 2:
                raise invalid("words", "too_few", "Two words at least mean the same.")
        return attrs


class WarningSerializer(serializers.Serializer[dict[str, str]]):
    code = serializers.CharField()
    product_id = serializers.CharField()
    message = serializers.CharField()


class RuleWithWarningsSerializer(RuleSerializer):
    """A rule, and which of its products the shop does not have now."""

    warnings = serializers.SerializerMethodField()

    class Meta(RuleSerializer.Meta):
        fields = [*RuleSerializer.Meta.fields, "warnings"]

    @extend_schema_field(WarningSerializer(many=True))
    def get_warnings(self, rule: MerchandisingRule) -> list[dict[str, str]]:
        return [
            {
                "code": "unknown_product",
                "product_id": product_id,
                "message": f"There is no product {product_id} now; the rule counts for it once there is.",
            }
            for product_id in unknown_products(rule)
        ]


class DryRunSerializer(serializers.Serializer[dict[str, Any]]):
    """The answer to what would be saved but for `dry_run`."""

    valid = serializers.BooleanField()
    warnings = WarningSerializer(many=True)


def whole_of(serializer: serializers.ModelSerializer[Any], attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they would be: those sent, over those that the row has or a new one begins with."""
    model: Any = serializer.Meta.model
    row = serializer.instance if serializer.instance is not None else model()
    return {field.name: attrs.get(field.name, getattr(row, field.attname)) for field in row._meta.concrete_fields}


def invalid(field: str, code: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: [serializers.ErrorDetail(message, code=code)]})


def _is_path(value: str) -> bool:
    return re.fullmatch(r"/(?![/\\])[^\s\\]*", value) is not None
