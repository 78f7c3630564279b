"""`/v1/search/feedback` and what is made of it and of past searches: popular, suggestions, history, analytics."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from analytics.examples import (
    ANALYTICS,
    CLICK,
    COMPLETIONS,
    HISTORY,
    POPULAR,
    PURCHASE,
    RECORDED,
    SUGGESTIONS,
)
from analytics.feedback import FeedbackInput, parse_feedback, record_feedback
from analytics.history import HistoryInput, find_searches, summarise_history
from analytics.models import SearchEvent
from analytics.popularity import popular_products
from analytics.reports import report_searches
from analytics.serializers import (
    AnalyticsSerializer,
    AutocompleteInput,
    AutocompleteSerializer,
    DaysInput,
    HistorySerializer,
    PopularInput,
    PopularSerializer,
    QuerySuggestionsSerializer,
    RecordedSerializer,
    SearchSerializer,
    SuggestionsInput,
)
from analytics.suggestions import Completion, complete, suggest_queries
from catalog.lists import paginated


class FeedbackView(APIView):
    """Takes what shoppers did with results."""

    required_permissions = {"POST": "search:write"}

    @extend_schema(
        operation_id="record_feedback",
        tags=["Feedback"],
        summary="Report a click, an add to cart or a purchase",
        description="Makes the product more popular, which the ranking can weigh. With the `search_id` of one of your "
        "searches it is attributed to that search; without one it counts for popularity only.",
        request=FeedbackInput,
        responses={202: RecordedSerializer},
        examples=[sent("A click", CLICK), sent("A purchase", PURCHASE), answered("Recorded", RECORDED, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        is_new = record_feedback(request.auth.tenant, parse_feedback(request.data))
        return Response({"status": "recorded" if is_new else "duplicate"}, status=status.HTTP_202_ACCEPTED)


class PopularView(APIView):
    required_permissions = {"GET": "search:execute"}

    @extend_schema(
        operation_id="list_popular_products",
        tags=["Feedback"],
        summary="List the most popular products",
        parameters=[PopularInput],
        responses=PopularSerializer,
        examples=[answered("A sneaker", POPULAR)],
    )
    def get(self, request: ApiRequest) -> Response:
        asked = read_parameters(request, PopularInput)
        since = timezone.now() - timedelta(days=asked["days"])
        products = popular_products(request.auth.tenant, since=since, limit=asked["limit"])
        return Response(PopularSerializer({"products": products}).data)


class SuggestionsView(APIView):
    required_permissions = {"GET": "search:execute"}

    @extend_schema(
        operation_id="list_suggestions",
        tags=["Search"],
        summary="List what shoppers ask most",
        description="Queries of the last 30 days that several shoppers asked and that found something. What looks "
        "like an e-mail address or a telephone number is left out. What is new shows after about a minute.",
        parameters=[SuggestionsInput],
        responses=QuerySuggestionsSerializer,
        examples=[answered("Two queries", SUGGESTIONS)],
    )
    def get(self, request: ApiRequest) -> Response:
        queries = suggest_queries(request.auth.tenant, limit=read_parameters(request, SuggestionsInput)["limit"])
        return Response({"suggestions": [{"query": query.text, "count": query.count} for query in queries]})


class AutocompleteView(APIView):
    required_permissions = {"GET": "search:execute"}

    @extend_schema(
        operation_id="autocomplete",
        tags=["Search"],
        summary="Complete what is typed",
        description="Each typed word starts a word of every suggestion, whatever its accents and case. What is new "
        "shows after about a minute; of a large catalogue the 2,000 most popular names are looked through.",
        parameters=[AutocompleteInput],
        responses=AutocompleteSerializer,
        examples=[answered("A sneaker", COMPLETIONS)],
    )
    def get(self, request: ApiRequest) -> Response:
        asked = read_parameters(request, AutocompleteInput)
        completions = complete(request.auth.tenant, asked["q"], limit=asked["limit"])
        return Response({"query": asked["q"], "suggestions": [_describe(completion) for completion in completions]})


class HistoryView(GenericAPIView[SearchEvent]):
    """Lists past searches; `search.history_api` adds how they are forgotten."""

    required_permissions = {"GET": "analytics:read"}
    serializer_class = SearchSerializer

    @extend_schema(
        operation_id="list_searches",
        tags=["Analytics"],
        summary="List past searches, newest first",
        description="A search is listed a few seconds after it was answered.",
        parameters=[HistoryInput],
        responses=HistorySerializer,
        examples=[answered("A search", HISTORY)],
    )
    def get(self, request: ApiRequest) -> Response:
        searches = find_searches(request.auth.tenant, read_parameters(request, HistoryInput))
        response = paginated(self, searches)
        response.data["summary"] = summarise_history(request.auth.tenant, at=timezone.now())
        return response


class AnalyticsView(APIView):
    required_permissions = {"GET": "analytics:read"}

    @extend_schema(
        operation_id="get_search_analytics",
        tags=["Analytics"],
        summary="Report on searches and what came of them",
        parameters=[DaysInput],
        responses=AnalyticsSerializer,
        examples=[answered("A month", ANALYTICS)],
    )
    def get(self, request: ApiRequest) -> Response:
        days = read_parameters(request, DaysInput)["days"]
        report = report_searches(request.auth.tenant, at=timezone.now(), days=days)
        return Response(AnalyticsSerializer(report).data)


def read_parameters(request: ApiRequest, fields: type[serializers.Serializer[dict[str, Any]]]) -> dict[str, Any]:
    """Return the parameters of an address, or raise ValidationError naming one."""
    wanted = fields(data=request.query_params)
    wanted.is_valid(raise_exception=True)
    validated: dict[str, Any] = wanted.validated_data
    return validated


def _describe(completion: Completion) -> dict[str, Any]:
    return {name: value for name, value in asdict(completion).items() if value is not None}
