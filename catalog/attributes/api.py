"""`/v1/products/attribute-suggestions`: what pictures tell beyond what the shop says, and the shop's word on it."""

import base64
from collections.abc import Mapping
from typing import Any

from django.db.models import BigIntegerField
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.attributes.deciding import Choice, Verdict
from catalog.attributes.requests import AT_ONCE, decide_all, decide_each
from catalog.attributes.serializers import (
    DecidedSerializer,
    DecideInput,
    SuggestionListSerializer,
    SuggestionsInput,
    UndoInput,
)
from catalog.attributes.suggestions import Suggestion, Wanted, find_suggestions
from catalog.attributes.targets import TARGETS
from catalog.models import Job
from catalog.serializers import JobStartedSerializer

SUGGESTION = {
    "product_id": "shoe-001",
    "attribute": "material",
    "value": "leather",
    "confidence": 0.87,
    "metadata_key": "material",
}
CHOICE = {"product_id": "shoe-001", "attribute": "material", "value": "leather"}
ONE = sent("One", {"suggestions": [CHOICE]})
GROUP = sent("A group", {"all": {"attribute": "material", "value": "leather", "min_confidence": 0.8}})
UNDONE = sent("A group", {"all": {"attribute": "material", "value": "leather", "accepted": True}})
DECIDED = answered("One decided", {"decided": 1, "unchanged": 0, "failed": 0, "errors": []})
STARTED = answered("Many", {"job_id": "job-abc123", "status": "queued", "total": 12}, 202)
RESPONSES = {200: DecidedSerializer, 202: JobStartedSerializer}
MANY = (
    f"One by one in `suggestions`, up to {AT_ONCE:,}, or `all` that a filter finds; if these are of more than "
    f"{AT_ONCE:,} products, the answer is 202 and a job decides."
)


class ForeignCursor(exceptions.ParseError):
    default_code = "invalid_parameter"
    default_detail = "This cursor does not belong to this list; start again without it."


class SuggestionListView(APIView):
    """Lists what could be said of products."""

    required_permissions = {"GET": "products:read"}

    @extend_schema(
        operation_id="list_attribute_suggestions",
        tags=["Attributes"],
        summary="List what pictures tell of products beyond what you say",
        description="Of each attribute the surest value that the product's first picture shows, where the metadata "
        "say nothing and you have not decided yet. Accepted values are written to `color_name`, `material`, `pattern`, "
        "`style` and `product_type`; `color`, `colour` and `type` of your own count as well.",
        parameters=[SuggestionsInput],
        responses=SuggestionListSerializer,
        examples=[answered("Suggestions", {"data": [SUGGESTION], "has_more": False, "next_cursor": None})],
    )
    def get(self, request: ApiRequest) -> Response:
        body = SuggestionsInput(data=request.query_params)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        limit, after = fields.pop("limit"), _read_cursor(fields.pop("cursor", ""))
        found = find_suggestions(request.auth.tenant, Wanted(**fields), after=after, limit=limit + 1)
        cursor = _cursor_behind(found[limit - 1]) if len(found) > limit else None
        link = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        return Response(
            {"data": [_describe(one) for one in found[:limit]], "has_more": bool(cursor), "next_cursor": cursor},
            headers={"Link": f'<{link}>; rel="next"'} if cursor else {},
        )


class AcceptView(APIView):
    """Accepts suggestions."""

    required_permissions = {"POST": "products:write"}

    @extend_schema(
        operation_id="accept_attribute_suggestions",
        tags=["Attributes"],
        summary="Accept suggestions",
        description=f"Writes them into the metadata, only where these say nothing. {MANY}",
        request=DecideInput,
        responses=RESPONSES,
        examples=[ONE, GROUP, DECIDED, STARTED],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _decide(request, Verdict.ACCEPT, DecideInput(data=request.data))


class RejectView(APIView):
    """Rejects suggestions."""

    required_permissions = {"POST": "products:write"}

    @extend_schema(
        operation_id="reject_attribute_suggestions",
        tags=["Attributes"],
        summary="Reject suggestions",
        description=f"They do not come again, whatever picture the product gets. {MANY}",
        request=DecideInput,
        responses=RESPONSES,
        examples=[ONE, GROUP, DECIDED, STARTED],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _decide(request, Verdict.REJECT, DecideInput(data=request.data))


class UndoView(APIView):
    """Takes decisions back."""

    required_permissions = {"POST": "products:write"}

    @extend_schema(
        operation_id="undo_attribute_decisions",
        tags=["Attributes"],
        summary="Take decisions on suggestions back",
        description="What was rejected is suggested again, and what was accepted leaves the metadata, unless you have "
        f"changed it since. {MANY}",
        request=UndoInput,
        responses=RESPONSES,
        examples=[ONE, UNDONE, DECIDED, STARTED],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _decide(request, Verdict.UNDO, UndoInput(data=request.data))


def _decide(request: ApiRequest, verdict: Verdict, body: DecideInput) -> Response:
    body.is_valid(raise_exception=True)
    fields: Mapping[str, Any] = body.validated_data
    tenant, actor = request.auth.tenant, request.auth.actor
    if "suggestions" in fields:
        choices = [Choice(**one) for one in fields["suggestions"]]
        return Response(decide_each(tenant, actor, verdict, choices).to_json())
    done = decide_all(tenant, actor, verdict, Wanted(**fields["all"]))
    if isinstance(done, Job):
        return Response(
            {"job_id": done.job_id, "status": done.status, "total": done.total},
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": reverse("job", args=[done.job_id])},
        )
    return Response(done.to_json())


def _describe(one: Suggestion) -> dict[str, Any]:
    return {
        "product_id": one.product_id,
        "attribute": one.attribute,
        "value": one.value,
        "confidence": one.confidence,
        "metadata_key": TARGETS[one.attribute][0],
    }


def _cursor_behind(one: Suggestion) -> str:
    return base64.urlsafe_b64encode(f"{one.product_pk} {one.attribute}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    """Return the product's row and the attribute that a cursor stands behind, or raise ForeignCursor."""
    if not cursor:
        return 0, ""
    try:
        pk, attribute = base64.urlsafe_b64decode(cursor).decode().split(" ")
        row = int(pk)
    except ValueError as error:
        raise ForeignCursor from error
    if attribute not in TARGETS or not 0 <= row <= BigIntegerField.MAX_BIGINT:
        raise ForeignCursor
    return row, attribute
