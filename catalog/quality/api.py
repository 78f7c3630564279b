"""`/v1/products/quality-audit`: how good the pictures of a catalogue are, and what to do about the worst."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered
from catalog.models import Product
from catalog.quality.audit import PROBLEMS, Audit, AuditFilter, audit_quality, worse_than
from catalog.spreadsheets import CSVRenderer, csv_lines
from catalog.vision.quality import GRADES, HINTS

MAX_WORST = 100
COLUMNS = ("product_id", "name", "category", "score", "grade", "problems", "what_to_do", "image_url")

AUDIT = {
    "total_products": 2,
    "judged": 2,
    "average_score": 0.68,
    "distribution": {"excellent": 1, "good": 0, "fair": 0, "poor": 1},
    "common_problems": [
        {"problem": "blurry", "label": PROBLEMS["blurry"], "count": 1, "hint": HINTS["blurry"]},
    ],
    "by_category": [{"category": "footwear", "judged": 2, "average_score": 0.68, "poor": 1}],
    "worst": [
        {
            "product_id": "shoe-002",
            "name": "Black Boot",
            "image_url": "https://example.com/black-boot.jpg",
            "thumbnail_url": "https://search.example.com/media/thumbnails/1/4e/4e1c02aa.jpg",
            "score": 0.45,
            "grade": "poor",
            "problems": ["blurry"],
            "hint": HINTS["blurry"],
        }
    ],
}


class AuditInput(serializers.Serializer[dict[str, Any]]):
    worst_n = serializers.IntegerField(min_value=0, max_value=MAX_WORST, default=20)
    category = serializers.CharField(max_length=255, required=False)
    grade = serializers.ChoiceField(list(GRADES), required=False, help_text="of the worst products")
    problem = serializers.ChoiceField(list(PROBLEMS.items()), required=False, help_text="of the worst products")
    format = serializers.ChoiceField(["json", "csv"], default="json", help_text="or ask for it with the Accept header")
    below = serializers.ChoiceField(
        list(GRADES)[:-1], default="good", help_text="for the CSV: all products whose picture is below this grade"
    )


class CommonProblemSerializer(serializers.Serializer[Any]):
    problem = serializers.ChoiceField(list(PROBLEMS.items()))
    label = serializers.CharField()  # type: ignore[assignment]  # Field has one of its own
    count = serializers.IntegerField()
    hint = serializers.CharField(help_text="what to do about it")


class CategoryQualitySerializer(serializers.Serializer[Any]):
    category = serializers.CharField(allow_blank=True)
    judged = serializers.IntegerField()
    average_score = serializers.FloatField()
    poor = serializers.IntegerField()


class WorstProductSerializer(serializers.Serializer[Any]):
    product_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    image_url = serializers.CharField(allow_blank=True)
    thumbnail_url = serializers.CharField()
    score = serializers.FloatField(help_text="0 to 1")
    grade = serializers.ChoiceField(list(GRADES))
    problems = serializers.ListField(child=serializers.CharField())
    hint = serializers.CharField(allow_blank=True)


class GradeCountsSerializer(serializers.Serializer[Any]):
    excellent = serializers.IntegerField()
    good = serializers.IntegerField()
    fair = serializers.IntegerField()
    poor = serializers.IntegerField()


class AuditSerializer(serializers.Serializer[Any]):
    total_products = serializers.IntegerField()
    judged = serializers.IntegerField(help_text="that have a picture we could look at")
    average_score = serializers.FloatField(allow_null=True, help_text="0 to 1")
    distribution = GradeCountsSerializer()
    common_problems = CommonProblemSerializer(many=True)
    by_category = CategoryQualitySerializer(many=True)
    worst = WorstProductSerializer(many=True)


class QualityAuditView(APIView):
    """Tells how good a catalogue's pictures are."""

    required_permissions = {"GET": "products:read"}
    renderer_classes = [JSONRenderer, CSVRenderer]

    @extend_schema(
        operation_id="audit_quality",
        tags=["Products"],
        summary="Tell how good the pictures are",
        description="Counts products by the grade of their first picture: excellent from 0.85, good from 0.70, fair "
        "from 0.55, else poor. With `format=csv` every product `below` a grade is answered as a table, the worst "
        "first, with what to do: something to hand to a photographer.",
        parameters=[AuditInput],
        responses={(200, JSONRenderer.media_type): AuditSerializer, (200, CSVRenderer.media_type): str},
        examples=[answered("Two products", AUDIT)],
    )
    def get(self, request: ApiRequest) -> Response | StreamingHttpResponse:
        body = AuditInput(data=request.query_params)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        worst_n, below = fields.pop("worst_n"), fields.pop("below")
        if fields.pop("format") == "csv" or isinstance(request.accepted_renderer, CSVRenderer):
            return answer_csv(worse_than(request.auth.tenant, below, fields.get("category", "")))
        audit = audit_quality(request.auth.tenant, AuditFilter(**fields), worst_n=worst_n)
        return Response(_describe(audit))


def answer_csv(rows: Iterator[dict[str, Any]]) -> StreamingHttpResponse:
    """Return these rows as a file that is written as it is read."""
    disposition = 'attachment; filename="pictures-to-improve.csv"'
    lines = csv_lines(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))
    return StreamingHttpResponse(
        lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
    )


def _describe(audit: Audit) -> dict[str, Any]:
    return {
        "total_products": audit.total_products,
        "judged": audit.judged,
        "average_score": audit.average_score,
        "distribution": audit.distribution,
        "common_problems": [asdict(problem) for problem in audit.common_problems],
        "by_category": [asdict(category) for category in audit.by_category],
        "worst": [_describe_product(product) for product in audit.worst],
    }


def _describe_product(product: Product) -> dict[str, Any]:
    cover = product.images.all()[0]
    return {
        "product_id": product.product_id,
        "name": product.name,
        "image_url": next(iter(product.image_urls), ""),
        "thumbnail_url": urljoin(settings.BASE_URL, cover.thumbnail.url),
        "score": product.quality,
        **{name: cover.quality[name] for name in ("grade", "problems", "hint")},
    }
