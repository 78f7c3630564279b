"""`/v1/moderation`: the policy, what was seen, and what somebody has decided on it."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.examples import TIME
from catalog.lists import paginated
from catalog.models import ModerationEvent
from catalog.moderation.policy import DEFAULTS, change_policy, detector_notes, policy_of
from catalog.moderation.review import access_event, review_event
from catalog.moderation.serializers import (
    EventsInput,
    ModerationEventSerializer,
    PolicyInput,
    PolicySerializer,
    ReviewedSerializer,
    ReviewInput,
    SummaryInput,
    SummarySerializer,
    describe_policy,
    describe_summary,
)
from catalog.moderation.summary import BINS, EDGES, summarise

# As many as the portal's page shows.
USUAL_EVENTS = 50

POLICY_EXAMPLE = {
    "enforce": False,
    "thresholds": dict(DEFAULTS),
    "defaults": dict(DEFAULTS),
    "floors": {"minors_risk": 0.9},
    "detectors": detector_notes(),
}
SUMMARY_EXAMPLE = {
    "days": 7,
    "scans": 1,
    "flagged": 1,
    "blocked": 0,
    "by_category": {name: {"scans": 1, "flagged": int(name == "nudity"), "blocked": 0} for name in DEFAULTS},
    "by_day": [{"date": TIME[:10], "scans": 1, "flagged": 1, "blocked": 0}],
    "distribution": {
        "edges": list(EDGES),
        "counts": {name: [0] * (BINS - 1) + [1] if name == "nudity" else [1] + [0] * (BINS - 1) for name in DEFAULTS},
    },
}
EVENT_EXAMPLE = {
    "id": "mod_0f1e2d3c4b5a69788796a5b4",
    "surface": "bulk",
    "category": "nudity",
    "score": 0.97,
    "threshold": 0.8,
    "scores": {name: 0.97 if name == "nudity" else 0.02 for name in DEFAULTS},
    "would_block": True,
    "blocked": True,
    "product_id": "shoe-001",
    "sha256": "9ddce0a259bd57de2f7a0c32e52d27586231a1702637ddd355dadbe393d089ce",
    "review": "",
    "reviewed_by": "",
    "reviewed_at": None,
    "created_at": TIME,
}
REVIEWED_EXAMPLE = {
    "event": EVENT_EXAMPLE | {"review": "allowed_once", "reviewed_by": "alice@example.com", "reviewed_at": TIME},
    "next_step": "The product is being indexed again by job-abc123.",
    "job_id": "job-abc123",
}


class PolicyView(APIView):
    """What is done about pictures that should not be seen."""

    required_permissions = {"GET": "moderation:read", "PUT": "moderation:write", "PATCH": "moderation:write"}

    @extend_schema(
        operation_id="get_moderation_policy",
        tags=["Moderation"],
        summary="Get the moderation policy",
        description="Without `enforce` moderation is in shadow mode: every picture is judged and logged, and none is "
        "refused, but for those at or above a floor of ours.",
        responses=PolicySerializer,
        examples=[answered("The defaults", POLICY_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        return Response(describe_policy(policy_of(request.auth.tenant)))

    @extend_schema(
        operation_id="replace_moderation_policy",
        tags=["Moderation"],
        summary="Replace the moderation policy",
        description="What is left out goes back to its default. It applies from the next picture that is judged on: "
        "products that are indexed stay. Leave it in shadow mode for at least a week before you enforce it.",
        request=PolicyInput,
        responses=PolicySerializer,
        examples=[sent("Enforce the defaults", {"enforce": True}), answered("The defaults", POLICY_EXAMPLE)],
    )
    def put(self, request: ApiRequest) -> Response:
        return _change(request, replace=True)

    @extend_schema(
        operation_id="update_moderation_policy",
        tags=["Moderation"],
        summary="Change a part of the moderation policy",
        description="What is left out stays as it is. A threshold above our floor is refused.",
        request=PolicyInput,
        responses=PolicySerializer,
        examples=[sent("Stricter", {"thresholds": {"nudity": 0.6}}), answered("The defaults", POLICY_EXAMPLE)],
    )
    def patch(self, request: ApiRequest) -> Response:
        return _change(request, replace=False)


class SummaryView(APIView):
    """What moderation has seen in the last days."""

    required_permissions = {"GET": "moderation:read"}

    @extend_schema(
        operation_id="get_moderation_summary",
        tags=["Moderation"],
        summary="Summarise what moderation has seen",
        parameters=[SummaryInput],
        responses=SummarySerializer,
        examples=[answered("One picture", SUMMARY_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        wanted = SummaryInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        return Response(describe_summary(summarise(request.auth.tenant, days=wanted.validated_data["days"])))


class EventListView(GenericAPIView[ModerationEvent]):
    """Every picture that was judged."""

    required_permissions = {"GET": "moderation:read"}
    serializer_class = ModerationEventSerializer

    @extend_schema(
        operation_id="list_moderation_events",
        tags=["Moderation"],
        summary="List pictures that were judged, newest first",
        description="Of all surfaces, for 30 days. Those of searches appear within some seconds.",
        parameters=[EventsInput],
        responses=ModerationEventSerializer(many=True),
        examples=[answered("Events", EVENT_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        wanted = EventsInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        events = request.auth.tenant.moderation_events.all()
        if (flagged := wanted.validated_data["flagged"]) is not None:
            events = events.filter(would_block=flagged)
        return paginated(self, events, page_size=USUAL_EVENTS)


class ReviewView(APIView):
    """A decision on a picture that was judged."""

    required_permissions = {"POST": "moderation:write"}

    @extend_schema(
        operation_id="review_moderation_event",
        tags=["Moderation"],
        summary="Allow a picture or its product, or confirm the flag",
        description="A product that was refused for it is indexed again when its picture has an address; `next_step` "
        "says what else to do. What is at or above a floor of ours nobody can allow.",
        parameters=[OpenApiParameter("event_id", str, OpenApiParameter.PATH)],
        request=ReviewInput,
        responses=ReviewedSerializer,
        examples=[sent("This very picture", {"decision": "allow_once"}), answered("Allowed", REVIEWED_EXAMPLE)],
    )
    @idempotent
    def post(self, request: ApiRequest, event_id: str) -> Response:
        access_event(request.auth.tenant, event_id)
        body = ReviewInput(data=request.data)
        body.is_valid(raise_exception=True)
        reviewed = review_event(request.auth.tenant, request.auth.actor, event_id, body.validated_data["decision"])
        answer: dict[str, Any] = {
            "event": ModerationEventSerializer(reviewed.event).data,
            "next_step": reviewed.next_step,
            "job_id": reviewed.job.job_id if reviewed.job else None,
        }
        return Response(answer)


def _change(request: ApiRequest, *, replace: bool) -> Response:
    body = PolicyInput(data=request.data)
    body.is_valid(raise_exception=True)
    return Response(
        describe_policy(change_policy(request.auth.tenant, request.auth.actor, body.changes(replace=replace)))
    )
