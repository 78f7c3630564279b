"""`/v1/search-config`: how results are ranked and cut."""

import math
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.api_errors import EmbeddingUnavailable
from catalog.encoders import active_encoder
from catalog.vision.encoder import EncoderError
from search.configuration.config import Config, change_config, config_of, describe_config, etag_of
from search.configuration.smart_threshold import METHOD, describe_recommendation, recommend
from search.models import WEIGHTS
from search.ranking import FULL_WEIGHT, Weights

WEIGHTS_EXAMPLE = {
    "visual_similarity": 57.0,
    "product_type": 23.0,
    "popularity": 5.0,
    "category_match": 5.0,
    "shape": 5.0,
    "color": 5.0,
}
CONFIG_EXAMPLE = {"weights": WEIGHTS_EXAMPLE, "default_threshold": None, "smart_threshold_enabled": True}
_SCORES_EXAMPLE = {"hits": [0.0, 0.1, 0.9], "misses": [0.7, 0.3, 0.0], "queries": 120, "scores": 9_000}
SMART_EXAMPLE = {
    "recommended": {"text": 0.19, "image": 0.52},
    "current": {"text": 0.19, "image": 0.52},
    "method": METHOD,
    "sample_size": 18_000,
    "distribution": {
        "edges": [-0.2, 0.2, 0.6, 1.0],
        "text": _SCORES_EXAMPLE,
        "image": _SCORES_EXAMPLE,
    },
    "is_own": {"text": True, "image": True},
    "applied": True,
    "computed_at": "2026-01-15T10:30:00Z",
}
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="the ETag that you read; if somebody else has changed it since, the answer is 412",
)


class WeightField(serializers.DecimalField):
    """Per cent, 0 to 100 with two decimals: read exactly, since six of them must total 100, and shown as a number."""

    def __init__(self, help_text: str) -> None:
        super().__init__(
            5, 2, min_value=0, max_value=FULL_WEIGHT, coerce_to_string=False, help_text=f"per cent: {help_text}"
        )

    def to_representation(self, value: Any) -> Any:
        return float(value)


class WeightsFields(serializers.Serializer[Weights]):
    """Six weights in per cent, 0 to 100 each, 100 together."""

    visual_similarity = WeightField("how alike the pictures are, or the words and the picture")
    product_type = WeightField("the same kind of thing: shoes, a bag")
    popularity = WeightField("more clicks and purchases")
    category_match = WeightField("the same category")
    shape = WeightField("a similar outline")
    color = WeightField("a similar palette")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(WEIGHTS))):
            raise serializers.ValidationError({unknown[0]: f"There is no such weight; there are {', '.join(WEIGHTS)}."})
        return super().to_internal_value(data)


class ConfigFields(serializers.Serializer[Config]):
    weights = WeightsFields()
    default_threshold = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        default=None,
        help_text="the least similarity of a result when a search names none; it goes before the smart threshold",
    )
    smart_threshold_enabled = serializers.BooleanField(
        default=True, help_text="leave out junk by what your catalogue's own scores recommend"
    )

    def validate_default_threshold(self, threshold: float | None) -> float | None:
        if threshold is not None and math.isnan(threshold):
            raise serializers.ValidationError("A threshold is a number from 0 to 1.")
        return threshold


class DistributionSerializer(serializers.Serializer[Any]):
    hits = serializers.ListField(
        child=serializers.FloatField(), help_text="shares of what was meant, between the edges"
    )
    misses = serializers.ListField(child=serializers.FloatField(), help_text="shares of other things")
    queries = serializers.IntegerField(help_text="with known answers, in the sample")
    scores = serializers.IntegerField(help_text="of hits and misses that were compared")


class DistributionsSerializer(serializers.Serializer[Any]):
    edges = serializers.ListField(child=serializers.FloatField(), help_text="cosines that part the shares")
    text = DistributionSerializer()
    image = DistributionSerializer()


class ByModeSerializer(serializers.Serializer[Any]):
    text = serializers.FloatField(help_text="for searches by words")
    image = serializers.FloatField(help_text="for searches by picture")


class OwnByModeSerializer(serializers.Serializer[Any]):
    text = serializers.BooleanField()
    image = serializers.BooleanField()


class SmartThresholdFields(serializers.Serializer[Any]):
    apply = serializers.BooleanField(default=False, help_text="switch the smart threshold on, and the default one off")


class SmartThresholdSerializer(serializers.Serializer[Any]):
    recommended = ByModeSerializer(help_text="similarity below which results are junk")
    current = ByModeSerializer(help_text="what searches without a threshold were cut at until now")
    method = serializers.CharField()
    sample_size = serializers.IntegerField(help_text="scores of hits and misses that tell it")
    distribution = DistributionsSerializer()
    is_own = OwnByModeSerializer(help_text="whether your own catalogue tells it, or the demo shop where yours cannot")
    applied = serializers.BooleanField(help_text="whether searches without a threshold are cut by it from now on")
    computed_at = serializers.DateTimeField(allow_null=True, help_text="null where your catalogue is too small to tell")


class SearchConfigView(APIView):
    """How the caller's searches rank and cut."""

    required_permissions = {"GET": "settings:read", "PUT": "settings:write", "PATCH": "settings:write"}

    @extend_schema(
        operation_id="get_search_config",
        tags=["Search config"],
        summary="Get the search config",
        responses=ConfigFields,
        examples=[answered("The defaults", CONFIG_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        return _respond(config_of(request.auth.tenant))

    @extend_schema(
        operation_id="replace_search_config",
        tags=["Search config"],
        summary="Replace the search config",
        description="Weights are per cent and must total 100. What is left out goes back to its default.",
        parameters=[IF_MATCH],
        request=ConfigFields,
        responses=ConfigFields,
        examples=[sent("The defaults", CONFIG_EXAMPLE), answered("The defaults", CONFIG_EXAMPLE)],
    )
    def put(self, request: ApiRequest) -> Response:
        return _change(request, partial=False)

    @extend_schema(
        operation_id="update_search_config",
        tags=["Search config"],
        summary="Change a part of the search config",
        description="What is left out stays as it is. Weights that are named must total 100 with those that stay.",
        parameters=[IF_MATCH],
        request=ConfigFields,
        responses=ConfigFields,
        examples=[sent("A threshold", {"default_threshold": 0.3}), answered("The defaults", CONFIG_EXAMPLE)],
    )
    def patch(self, request: ApiRequest) -> Response:
        return _change(request, partial=True)


class SmartThresholdView(APIView):
    """What the caller's own catalogue recommends as threshold."""

    required_permissions = {"POST": "settings:write"}

    @extend_schema(
        operation_id="compute_smart_threshold",
        tags=["Search config"],
        summary="Compute the smart threshold",
        description="Compares the similarities of what belongs together in your catalogue with those of other things.",
        request=SmartThresholdFields,
        responses=SmartThresholdSerializer,
        examples=[sent("Use it", {"apply": True}), answered("Used", SMART_EXAMPLE)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        body = SmartThresholdFields(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            found = recommend(request.auth.tenant, active_encoder(), apply=body.validated_data["apply"])
        except EncoderError as error:
            raise EmbeddingUnavailable from error
        return Response(SmartThresholdSerializer(describe_recommendation(found)).data)


def _change(request: ApiRequest, *, partial: bool) -> Response:
    body = ConfigFields(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    fields = dict(body.validated_data)
    changes = fields.pop("weights", {}) | fields
    return _respond(change_config(request.auth.tenant, changes, if_match=request.headers.get("If-Match", "")))


def _respond(config: Config) -> Response:
    return Response(describe_config(config), headers={"ETag": etag_of(config)})
