"""Suggestions and decisions, as the API takes and shows them."""

from typing import Any

from rest_framework import serializers

from catalog.attributes.deciding import Choice
from catalog.attributes.requests import AT_ONCE
from catalog.attributes.suggestions import MIN_CONFIDENCE, Wanted
from catalog.attributes.targets import LABELS

MAX_CURSOR = 200
ATTRIBUTE_CHOICES = list(LABELS.items())


class FilterInput(serializers.Serializer[Wanted]):
    """Which suggestions."""

    attribute = serializers.ChoiceField(ATTRIBUTE_CHOICES, required=False)
    value = serializers.CharField(max_length=100, required=False)
    min_confidence = serializers.FloatField(min_value=0, max_value=1, default=MIN_CONFIDENCE, help_text="0 to 1")
    category = serializers.CharField(max_length=255, required=False)


class SuggestionsInput(FilterInput):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    cursor = serializers.CharField(max_length=MAX_CURSOR, required=False)


class GroupInput(FilterInput):
    attribute = serializers.ChoiceField(ATTRIBUTE_CHOICES)


class UndoGroupInput(GroupInput):
    min_confidence = None  # type: ignore[assignment]  # what was decided was decided
    accepted = serializers.BooleanField(required=False, help_text="only what was accepted, or only what was rejected")


class ChoiceInput(serializers.Serializer[Choice]):
    product_id = serializers.CharField(max_length=255)
    attribute = serializers.ChoiceField(ATTRIBUTE_CHOICES)
    value = serializers.CharField(max_length=100)


class DecideInput(serializers.Serializer[dict[str, Any]]):
    """Suggestions one by one, or all that a filter finds."""

    suggestions = serializers.ListField(child=ChoiceInput(), required=False, min_length=1, max_length=AT_ONCE)
    all = GroupInput(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("suggestions" in attrs) is ("all" in attrs):
            message = "Send suggestions or all, one of them."
            raise serializers.ValidationError({"suggestions": serializers.ErrorDetail(message, code="required")})
        return attrs


class UndoInput(DecideInput):
    all = UndoGroupInput(required=False)


class AttributeSuggestionSerializer(serializers.Serializer[Any]):
    product_id = serializers.CharField()
    attribute = serializers.ChoiceField(ATTRIBUTE_CHOICES)
    value = serializers.CharField()
    confidence = serializers.FloatField(help_text="0 to 1")
    metadata_key = serializers.CharField(help_text="where the value is written when it is accepted")


class SuggestionListSerializer(serializers.Serializer[dict[str, Any]]):
    data = AttributeSuggestionSerializer(many=True)  # type: ignore[assignment]  # Serializer has one of its own
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)


class DecisionErrorSerializer(serializers.Serializer[dict[str, Any]]):
    index = serializers.IntegerField(help_text="position in what was sent, or among what the filter found, from 0")
    product_id = serializers.CharField()
    attribute = serializers.CharField()
    value = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class DecidedSerializer(serializers.Serializer[dict[str, Any]]):
    decided = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="were decided so already")
    failed = serializers.IntegerField()
    errors = DecisionErrorSerializer(many=True)  # type: ignore[assignment]  # Serializer has one of its own
