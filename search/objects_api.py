"""`POST /v1/search/objects`: products for each of the things in one picture."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.models import Tenant
from accounts.parsers import StrictJSONParser
from catalog.vision.regions import MAX_REGIONS, Region
from search.answers import HitSerializer, hit_body
from search.api import told_errors
from search.examples import ANSWER
from search.inputs import BoxInput, CommonFields, PictureFields, UploadInput, picture_of
from search.modes import build_upload, build_url, memorable
from search.objects import Look, Row, shop_the_look
from search.query import Query

USUAL_REGIONS = 4
USUAL_ROW, LONGEST_ROW = 5, 20

HINT = (
    "No single things could be told apart in this picture, so it was searched for as a whole. Things are told apart "
    "best on an even ground, beside or below each other; name a part yourself with /v1/search/crop."
)

OBJECTS_ANSWER = {
    "search_id": ANSWER["search_id"],
    "query_time_ms": 182.5,
    "timing_ms": {"fetch": 0.1, "encode": 160.2, "database": 20.1, "rank": 2.1},
    "count": 1,
    "objects": [
        {
            "box": {"x": 0.55, "y": 0.6, "width": 0.35, "height": 0.3},
            "label": "sneaker",
            "confidence": 0.84,
            "count": 1,
            "applied_threshold": 0.31,
            "results": ANSWER["results"],
        }
    ],
}


class ObjectsInput(PictureFields, CommonFields):
    """A picture of several things, and what to show for each: one page, without counts."""

    offset = None  # type: ignore[assignment]  # so REST framework leaves a field out
    search_id = None  # type: ignore[assignment]
    facets = None  # type: ignore[assignment]
    max_regions = serializers.IntegerField(
        min_value=1, max_value=MAX_REGIONS, default=USUAL_REGIONS, help_text="how many things to show, the best first"
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=LONGEST_ROW, default=USUAL_ROW, help_text="results for each of the things"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("image" in attrs) == bool(picture_of(attrs)):
            message = "Send one of image, image_url and image_base64."
            raise serializers.ValidationError({"image_url": [serializers.ErrorDetail(message, code="required")]})
        return super().validate(attrs)


class ObjectsForm(ObjectsInput):
    """The same as a form, whose picture may be a file."""

    image = serializers.FileField(
        required=False, help_text="JPEG, PNG, WebP, AVIF, GIF or HEIC, at most 10 MB; or an address, or base64"
    )

    validate_image = UploadInput.validate_image


class RowSerializer(serializers.Serializer[Row]):
    count = serializers.IntegerField(help_text="of the results here")
    applied_threshold = serializers.FloatField(help_text="no result is less similar, but for pinned ones")
    results = HitSerializer(many=True)


class ObjectSerializer(RowSerializer):
    box = BoxInput(help_text="where the thing is: shares of the picture's width and height, from the upper left corner")
    label = serializers.CharField(help_text="its product type")  # type: ignore[assignment]  # a field may be called so
    confidence = serializers.FloatField(help_text="how sure the label is, 0 to 1")


class ObjectsAnswerSerializer(serializers.Serializer[Look]):
    search_id = serializers.CharField(help_text="name it when you report clicks and purchases")
    query_time_ms = serializers.FloatField()
    timing_ms = serializers.DictField(child=serializers.FloatField(), help_text="milliseconds of each step")
    count = serializers.IntegerField(help_text="of the things found in the picture")
    objects = ObjectSerializer(many=True)
    whole = RowSerializer(
        required=False, help_text="results for the picture as a whole, where no things are told apart"
    )
    hint = serializers.CharField(required=False, help_text="what to do, where no things are told apart")


class ObjectsView(APIView):
    """Finds the things in a picture, and products for each."""

    required_permissions = {"POST": "search:execute"}
    parser_classes = [StrictJSONParser, MultiPartParser]

    @extend_schema(
        operation_id="search_objects",
        tags=["Search"],
        summary="Shop the look: search for each thing in a picture",
        description="Things are told apart that lie beside each other on an even ground, or one below the other as "
        "worn. Of things that overlap otherwise, or lie before something busy, many are missed: nothing is trained to "
        "detect them. It counts as one search.",
        request={"application/json": ObjectsInput, "multipart/form-data": ObjectsForm},
        responses={200: ObjectsAnswerSerializer},
        examples=[
            OpenApiExample(
                "An outfit", {"image_url": "https://example.com/outfit.jpg", "max_regions": 4}, request_only=True
            ),
            OpenApiExample("One thing found", OBJECTS_ANSWER, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        body = ObjectsForm(data=request.data)
        with told_errors():
            body.is_valid(raise_exception=True)
            query = build_objects(request.auth.tenant, body.validated_data, sent=request.data)
            look = shop_the_look(request.auth.tenant, query, max_regions=body.validated_data["max_regions"])
        return Response(objects_body(look))


def build_objects(tenant: Tenant, fields: Mapping[str, Any], *, sent: Mapping[str, Any]) -> Query:
    """Return the query for the whole picture, which is then asked for each of the things in it."""
    build = build_upload if "image" in fields else build_url
    params = memorable({name: value for name, value in sent.items() if name != "image"})
    return replace(build(tenant, {**fields, "offset": 0}), mode="objects", params=params)


def objects_body(look: Look) -> dict[str, Any]:
    """Return what the API answers to a picture of several things."""
    explain = look.answer.query.explain
    objects = [_object_body(row.region, row, explain=explain) for row in look.rows if row.region is not None]
    body = {
        "search_id": look.answer.search_id,
        "query_time_ms": look.answer.total_ms,
        "timing_ms": look.answer.timing,
        "count": len(objects),
        "objects": objects,
    }
    if not objects:
        [whole] = look.rows
        body |= {"whole": _row_body(whole, explain=explain), "hint": HINT}
    return body


def _object_body(region: Region, row: Row, *, explain: bool) -> dict[str, Any]:
    box = {name: round(share, 4) for name, share in asdict(region.box).items()}
    return {"box": box, "label": region.label, "confidence": region.confidence, **_row_body(row, explain=explain)}


def _row_body(row: Row, *, explain: bool) -> dict[str, Any]:
    return {
        "count": len(row.hits),
        "applied_threshold": row.threshold,
        "results": [hit_body(hit, explain=explain) for hit in row.hits],
    }
