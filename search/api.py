"""`/v1/search`: by an uploaded picture, by a picture's address, by words."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from catalog.api_errors import EmbeddingUnavailable, NotIndexed
from catalog.errors import PictureError
from catalog.hits import Hit
from catalog.vision.encoder import EncoderError
from catalog.vision.relevance import FAIR, MATCHES, STRONG
from search.pipeline import Answer, answer
from search.query import Query, TextFields, UploadFields, UrlFields, parse_text, parse_upload, parse_url

ANSWER_EXAMPLE = OpenApiExample(
    "One product found",
    {
        "search_id": "srch_0123456789ab",
        "query_time_ms": 12.4,
        "timing_ms": {"fetch": 0.1, "encode": 8.2, "database": 4.1},
        "count": 1,
        "applied_threshold": 0.31,
        "results": [
            {
                "product_id": "shoe-001",
                "similarity_score": 0.95,
                "relevance": 0.98,
                "match": "strong",
                "metadata": {"name": "Blue Running Sneaker", "price": 89.99},
                "image_url": "https://example.com/blue-sneaker.jpg",
                "thumbnail_url": "https://shop.example/media/thumbnails/1/ab/ab12.webp",
            }
        ],
    },
    response_only=True,
)


class HitSerializer(serializers.Serializer[Hit]):
    product_id = serializers.CharField()
    similarity_score = serializers.FloatField(
        help_text="0 to 1, on a scale of the encoder's own: of words and a picture it is lower than of two pictures"
    )
    relevance = serializers.FloatField(
        help_text="0 to 1: the chance that this is what was meant, learnt from your own catalogue's scores"
    )
    match = serializers.ChoiceField(
        MATCHES, help_text=f"strong from a relevance of {STRONG} on, fair from {FAIR} on, else weak"
    )
    metadata = serializers.DictField()
    image_url = serializers.CharField(allow_blank=True)
    thumbnail_url = serializers.CharField(allow_blank=True)


class AnswerSerializer(serializers.Serializer[Answer]):
    search_id = serializers.CharField(help_text="name it when you report clicks and purchases")
    query_time_ms = serializers.FloatField()
    timing_ms = serializers.DictField(child=serializers.FloatField(), help_text="milliseconds of each step")
    count = serializers.IntegerField()
    applied_threshold = serializers.FloatField(help_text="no result is less similar")
    results = HitSerializer(many=True)


class UploadView(APIView):
    """Search by an uploaded picture."""

    required_permissions = {"POST": "search:execute"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="search_by_upload",
        tags=["Search"],
        summary="Search by an uploaded picture",
        request={"multipart/form-data": UploadFields},
        responses={200: AnswerSerializer},
        examples=[ANSWER_EXAMPLE],
    )
    def post(self, request: ApiRequest) -> Response:
        return respond(request, parse_upload)


class UrlView(APIView):
    """Search by a picture's web address, or by a picture in base64."""

    required_permissions = {"POST": "search:execute"}

    @extend_schema(
        operation_id="search_by_url",
        tags=["Search"],
        summary="Search by a picture's address",
        request=UrlFields,
        responses={200: AnswerSerializer},
        examples=[
            OpenApiExample(
                "A sneaker",
                {"image_url": "https://example.com/query-sneaker.jpg", "limit": 10, "threshold": 0.5},
                request_only=True,
            ),
            ANSWER_EXAMPLE,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        return respond(request, parse_url)


class TextView(APIView):
    """Search by words."""

    required_permissions = {"POST": "search:execute"}

    @extend_schema(
        operation_id="search_by_text",
        tags=["Search"],
        summary="Search by words",
        request=TextFields,
        responses={200: AnswerSerializer},
        examples=[
            OpenApiExample("A dress", {"query": "red summer dress", "limit": 10, "price_max": 100}, request_only=True),
            ANSWER_EXAMPLE,
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        return respond(request, parse_text)


def respond(request: ApiRequest, parse: Callable[[Any], Query]) -> Response:
    """Answer the query that a request holds, or say in the API's words why it cannot be answered."""
    try:
        found = answer(request.auth.tenant, parse(request.data))
    except PictureError as error:
        raise NotIndexed(error) from error
    except EncoderError as error:
        raise EmbeddingUnavailable from error
    return Response(_body(found))


def _body(found: Answer) -> dict[str, Any]:
    return {
        "search_id": found.search_id,
        "query_time_ms": found.total_ms,
        "timing_ms": found.timing,
        "count": len(found.hits),
        "applied_threshold": found.threshold,
        "results": [
            {
                "product_id": hit.product_id,
                "similarity_score": round(hit.similarity, 4),
                "relevance": round(hit.relevance, 4),
                "match": hit.match,
                "metadata": hit.metadata,
                "image_url": hit.image_url,
                "thumbnail_url": urljoin(settings.BASE_URL, hit.thumbnail_url),
            }
            for hit in found.hits
        ],
    }
