"""`/v1/experiments`: two sets of weights compared."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.lists import paginated
from search.configuration.api import WEIGHTS_EXAMPLE, WeightsFields
from search.configuration.config import require_full_weight
from search.experiments.lifecycle import (
    Figures,
    Results,
    access_experiment,
    results_of,
    start_experiment,
    stop_experiment,
)
from search.experiments.statistics import CONFIDENCE, SAMPLE_RATIO_ALARM, Proportion
from search.models import Experiment
from search.ranking import Weights

LOOKS_ONLY = {
    "visual_similarity": 80.0,
    "product_type": 0.0,
    "popularity": 0.0,
    "category_match": 0.0,
    "shape": 10.0,
    "color": 10.0,
}
SENT_EXAMPLE = {
    "name": "Looks only",
    "variant_a": {"weights": WEIGHTS_EXAMPLE},
    "variant_b": {"weights": LOOKS_ONLY},
}
EXPERIMENT_EXAMPLE = SENT_EXAMPLE | {
    "id": "exp_0123456789abcdef",
    "status": "running",
    "planned_sample": 6510,
    "winner": None,
    "started_at": "2026-01-15T10:30:00Z",
    "stopped_at": None,
}
_FIGURES = {"sessions": 3200, "searches": 7100, "clicks": 910, "purchases": 41, "revenue": {"EUR": 3275.5}}
RESULTS_EXAMPLE = EXPERIMENT_EXAMPLE | {
    "results": {
        "variants": {"a": _FIGURES, "b": _FIGURES},
        "comparison": {
            "a": {"sessions": 3200, "clicked": 640, "click_through": 0.2},
            "b": {"sessions": 3200, "clicked": 688, "click_through": 0.215},
            "difference": 0.015,
            "low": -0.0049,
            "high": 0.0349,
            "confidence": CONFIDENCE,
            "method": "newcombe_1998",
        },
        "sample_ratio": {"p_value": 1.0, "alarm": False},
        "verdict": None,
        "reason": "planned_sample_not_reached",
    }
}
REASONS = ("planned_sample_not_reached", "sample_ratio_mismatch", "interval_includes_zero", "interval_excludes_zero")


class VariantFields(serializers.Serializer[Weights]):
    weights = WeightsFields(source="*")


class ExperimentInput(serializers.Serializer[Experiment]):
    name = serializers.CharField(max_length=100)
    variant_a = VariantFields()
    variant_b = VariantFields()
    planned_sample = serializers.IntegerField(
        min_value=100,
        max_value=10_000_000,
        required=False,
        help_text="sessions of each variant before which there is no verdict; without it, as many as show a change of "
        "your present click-through by a tenth, four times in five",
    )


class ExperimentSerializer(serializers.Serializer[Experiment]):
    id = serializers.CharField(source="experiment_id")
    name = serializers.CharField()
    variant_a = VariantFields()
    variant_b = VariantFields()
    planned_sample = serializers.IntegerField(help_text="sessions of each variant before which there is no verdict")
    status = serializers.ChoiceField(Experiment.Status.choices)
    winner = serializers.SerializerMethodField(help_text="a or b, as you said when you stopped it")
    started_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)

    def get_winner(self, experiment: Experiment) -> str | None:
        return experiment.winner or None


class FiguresSerializer(serializers.Serializer[Figures]):
    sessions = serializers.IntegerField()
    searches = serializers.IntegerField()
    clicks = serializers.IntegerField()
    purchases = serializers.IntegerField(help_text="orders with a product that was found")
    revenue = serializers.DictField(child=serializers.FloatField(), help_text="by currency, each order counted once")


class ClickThroughSerializer(serializers.Serializer[Proportion]):
    sessions = serializers.IntegerField(help_text="the first ones, at most as many as planned")
    clicked = serializers.IntegerField(help_text="those that clicked at least one result")
    click_through = serializers.FloatField(allow_null=True)


class ComparisonSerializer(serializers.Serializer[Results]):
    a = ClickThroughSerializer()
    b = ClickThroughSerializer()
    difference = serializers.FloatField(allow_null=True, help_text="the click-through of b less that of a")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField(help_text="with which the true difference lies between low and high")
    method = serializers.CharField()


class SampleRatioSerializer(serializers.Serializer[Results]):
    p_value = serializers.FloatField(help_text="the chance that an even split comes out as uneven as this")
    alarm = serializers.BooleanField(help_text=f"below {SAMPLE_RATIO_ALARM}: sessions were lost or counted twice")


class VariantFiguresSerializer(serializers.Serializer[Results]):
    a = FiguresSerializer()
    b = FiguresSerializer()


class ResultsSerializer(serializers.Serializer[Results]):
    variants = VariantFiguresSerializer()
    comparison = ComparisonSerializer()
    sample_ratio = SampleRatioSerializer()
    verdict = serializers.ChoiceField(["a", "b", "no_difference"], allow_null=True)
    reason = serializers.ChoiceField(REASONS)


class ExperimentResultsSerializer(ExperimentSerializer):
    results = ResultsSerializer()


class StopFields(serializers.Serializer[Experiment]):
    winner = serializers.ChoiceField(Experiment.Variant.choices, allow_null=True, default=None)
    apply = serializers.BooleanField(default=True, help_text="rank all searches by the winner's weights from now on")


def full_weights(weights: Mapping[str, Decimal], owner: str) -> dict[str, float]:
    """Return weights as an experiment keeps them; raises WeightsMustTotal100, which names their owner."""
    require_full_weight(weights, owner=owner)
    return {name: float(weight) for name, weight in weights.items()}


class ExperimentListView(GenericAPIView[Experiment]):
    """Lists experiments, and starts one."""

    required_permissions = {"GET": "settings:read", "POST": "settings:write"}
    serializer_class = ExperimentSerializer

    @extend_schema(
        operation_id="list_experiments",
        tags=["Experiments"],
        summary="List experiments, newest first",
        responses=ExperimentSerializer(many=True),
        examples=[answered("Experiments", EXPERIMENT_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        return paginated(self, request.auth.tenant.experiments.all(), ordering=("-started_at", "-pk"))

    @extend_schema(
        operation_id="start_experiment",
        tags=["Experiments"],
        summary="Start an experiment",
        description="Searches that tell a `session_id` or `user_id` are ranked by one of two sets of weights, half of "
        "the sessions each. One experiment runs at a time. Weights are per cent and must total 100.",
        request=ExperimentInput,
        responses={201: ExperimentSerializer},
        examples=[sent("Looks only", SENT_EXAMPLE), answered("Started", EXPERIMENT_EXAMPLE, 201)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        body = ExperimentInput(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        experiment = start_experiment(
            request.auth.tenant,
            name=fields["name"],
            variant_a=full_weights(fields["variant_a"], "The weights of variant a"),
            variant_b=full_weights(fields["variant_b"], "The weights of variant b"),
            planned_sample=fields.get("planned_sample"),
        )
        headers = {"Location": reverse("experiment", args=[experiment.experiment_id])}
        return Response(ExperimentSerializer(experiment).data, status=status.HTTP_201_CREATED, headers=headers)


class ExperimentView(APIView):
    """One experiment and its results."""

    required_permissions = {"GET": "settings:read"}

    @extend_schema(
        operation_id="get_experiment",
        tags=["Experiments"],
        summary="Get an experiment and its results",
        description="There is no verdict before both variants have the planned sessions, and it rests on these alone, "
        "so looking early or often does not find what is not there.",
        responses=ExperimentResultsSerializer,
        examples=[answered("A running experiment", RESULTS_EXAMPLE)],
    )
    def get(self, request: ApiRequest, experiment_id: str) -> Response:
        return _respond(access_experiment(request.auth.tenant, experiment_id))


class StopView(APIView):
    """Ends an experiment."""

    required_permissions = {"POST": "settings:write"}

    @extend_schema(
        operation_id="stop_experiment",
        tags=["Experiments"],
        summary="Stop an experiment",
        description="With a winner its weights become those of all searches, unless `apply` is false.",
        request=StopFields,
        responses=ExperimentResultsSerializer,
        examples=[
            sent("B wins", {"winner": "b"}),
            answered(
                "Stopped",
                RESULTS_EXAMPLE | {"status": "stopped", "winner": "b", "stopped_at": "2026-02-15T10:30:00Z"},
            ),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest, experiment_id: str) -> Response:
        experiment = access_experiment(request.auth.tenant, experiment_id)
        body = StopFields(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        return _respond(stop_experiment(experiment, winner=fields["winner"] or "", apply=fields["apply"]))


def _respond(experiment: Experiment) -> Response:
    results = _describe_results(results_of(experiment))
    return Response({**ExperimentSerializer(experiment).data, "results": results})


def _describe_results(results: Results) -> dict[str, Any]:
    difference = results.difference
    return {
        "variants": {variant: _describe_figures(figures) for variant, figures in results.figures.items()},
        "comparison": {
            **{variant: _describe_clicks(clicks) for variant, clicks in results.compared.items()},
            "difference": round(difference.value, 4) if difference else None,
            "low": round(difference.low, 4) if difference else None,
            "high": round(difference.high, 4) if difference else None,
            "confidence": CONFIDENCE,
            "method": "newcombe_1998",
        },
        "sample_ratio": {"p_value": results.sample_ratio, "alarm": results.sample_ratio < SAMPLE_RATIO_ALARM},
        "verdict": results.verdict.winner,
        "reason": results.verdict.reason,
    }


def _describe_figures(figures: Figures) -> dict[str, Any]:
    return {
        "sessions": figures.sessions,
        "searches": figures.searches,
        "clicks": figures.clicks,
        "purchases": figures.purchases,
        "revenue": {currency: float(value) for currency, value in figures.revenue.items()},
    }


def _describe_clicks(clicks: Proportion) -> dict[str, Any]:
    return {
        "sessions": clicks.trials,
        "clicked": clicks.successes,
        "click_through": round(clicks.rate, 4) if clicks.trials else None,
    }
