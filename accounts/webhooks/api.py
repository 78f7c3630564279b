"""`/v1/search/webhooks`: endpoints, their deliveries, and the secret of the callbacks of jobs."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import ShownOnce, idempotent
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.webhooks import endpoints
from accounts.webhooks.endpoints import LIMIT, MAX_OVERLAP_HOURS, access_delivery, access_endpoint, find_deliveries
from accounts.webhooks.events import EventType
from accounts.webhooks.examples import DELIVERY, ENDPOINT, ENDPOINT_SENT, MADE_BY_US, PAYLOAD, TEST, TIME
from accounts.webhooks.serializers import (
    CallbackSecretSerializer,
    DeliveryFilterSerializer,
    DeliverySerializer,
    DeliveryWithPayloadSerializer,
    EndpointChangesSerializer,
    EndpointSentSerializer,
    EndpointSerializer,
    EndpointWithSecretSerializer,
    RedeliveredSerializer,
    RedeliveryRangeSerializer,
    SecretRotationSerializer,
    WebhookTestSerializer,
)

STATUS = OpenApiParameter("status", str, enum=WebhookDelivery.Status.values, description="only these")
NO_STORE = {"Cache-Control": "no-store"}


class EndpointListView(APIView):
    """Lists endpoints, and adds one."""

    required_permissions = {"GET": "webhooks:read", "POST": "webhooks:write"}

    @extend_schema(
        operation_id="list_webhooks",
        tags=["Webhooks"],
        summary="List webhook endpoints",
        responses=EndpointSerializer(many=True),
        examples=[answered("Endpoints", ENDPOINT)],
    )
    def get(self, request: ApiRequest) -> Response:
        return Response(EndpointSerializer(request.auth.tenant.webhook_endpoints.all(), many=True).data)

    @extend_schema(
        operation_id="create_webhook",
        tags=["Webhooks"],
        summary="Add a webhook endpoint",
        description=f"Events: {', '.join(f'`{event}`' for event in EventType)}, and `*` for all. Without a secret we "
        f"make one and show it in this answer alone. There may be {LIMIT} endpoints.",
        request=EndpointSentSerializer,
        responses={201: EndpointWithSecretSerializer},
        examples=[
            sent("With a secret of your own", ENDPOINT_SENT),
            sent("All events, with a secret of ours", {"url": ENDPOINT_SENT["url"], "events": ["*"]}),
            answered("Added", ENDPOINT, 201),
            answered("Added, with a secret of ours", ENDPOINT | {"secret": MADE_BY_US}, 201),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        caller, fields = request.auth, _valid(EndpointSentSerializer, request.data)
        endpoint = endpoints.create_endpoint(caller.tenant, caller.actor, fields)
        return _with_secret(endpoint, is_ours=not fields.get("secret"), status=status.HTTP_201_CREATED)


class EndpointView(APIView):
    """One endpoint."""

    required_permissions = {"GET": "webhooks:read", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}

    @extend_schema(
        operation_id="get_webhook",
        tags=["Webhooks"],
        summary="Get a webhook endpoint",
        responses=EndpointSerializer,
        examples=[answered("Endpoint", ENDPOINT)],
    )
    def get(self, request: ApiRequest, webhook_id: str) -> Response:
        return Response(EndpointSerializer(access_endpoint(request.auth.tenant, webhook_id)).data)

    @extend_schema(
        operation_id="update_webhook",
        tags=["Webhooks"],
        summary="Change a webhook endpoint, disable or enable it",
        description="What waits for an endpoint goes out when it is enabled.",
        request=EndpointChangesSerializer,
        responses=EndpointSerializer,
        examples=[sent("Enable it again", {"active": True}), answered("Endpoint", ENDPOINT)],
    )
    def patch(self, request: ApiRequest, webhook_id: str) -> Response:
        caller = request.auth
        access_endpoint(caller.tenant, webhook_id)
        fields = _valid(EndpointChangesSerializer, request.data)
        endpoint = endpoints.change_endpoint(caller.tenant, caller.actor, webhook_id, fields)
        return Response(EndpointSerializer(endpoint).data)

    @extend_schema(
        operation_id="delete_webhook",
        tags=["Webhooks"],
        summary="Delete a webhook endpoint and the log of its deliveries",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, webhook_id: str) -> Response:
        endpoints.remove_endpoint(request.auth.tenant, request.auth.actor, webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class EndpointTestView(APIView):
    """Tries an endpoint."""

    required_permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="test_webhook",
        tags=["Webhooks"],
        summary="Send a `webhook.test` event now and tell what came back",
        description="It is sent once, signed as every event is, also while the endpoint is disabled.",
        request=None,
        responses=WebhookTestSerializer,
        examples=[answered("It works", TEST)],
    )
    @idempotent
    def post(self, request: ApiRequest, webhook_id: str) -> Response:
        test = endpoints.try_endpoint(access_endpoint(request.auth.tenant, webhook_id))
        return Response(
            {
                "delivered": test.answer.is_success,
                "status": test.answer.status,
                "error": test.answer.error,
                "milliseconds": test.answer.milliseconds,
                "answer": test.answer.excerpt,
                "delivery_id": test.delivery.delivery_id,
                "event_id": test.delivery.event.event_id,
            }
        )


class EndpointSecretView(APIView):
    """Replaces the secret of an endpoint."""

    required_permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="rotate_webhook_secret",
        tags=["Webhooks"],
        summary="Sign by another secret",
        description="`X-Webhook-Signature` is by the new secret at once. `webhook-signature` carries one by the "
        f"previous secret too for `overlap_hours`, {MAX_OVERLAP_HOURS} at most. Without a secret we make one, shown in "
        "this answer alone.",
        request=SecretRotationSerializer,
        responses=EndpointWithSecretSerializer,
        examples=[
            sent("A new secret of ours", {"overlap_hours": 24}),
            answered("Rotated", ENDPOINT | {"previous_secret_expires_at": TIME, "secret": MADE_BY_US}),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest, webhook_id: str) -> Response:
        caller = request.auth
        access_endpoint(caller.tenant, webhook_id)
        fields = _valid(SecretRotationSerializer, request.data)
        endpoint = endpoints.rotate_secret(caller.tenant, caller.actor, webhook_id, **fields)
        return _with_secret(endpoint, is_ours=not fields.get("secret"), status=status.HTTP_200_OK)


class EndpointDeliveriesView(GenericAPIView[WebhookDelivery]):
    """Lists what was sent to an endpoint."""

    required_permissions = {"GET": "webhooks:read"}
    serializer_class = DeliverySerializer

    @extend_schema(
        operation_id="list_webhook_deliveries",
        tags=["Webhooks"],
        summary="List the deliveries of an endpoint in the last 30 days, newest first",
        parameters=[STATUS],
        responses=DeliverySerializer(many=True),
        examples=[answered("Deliveries", DELIVERY)],
    )
    def get(self, request: ApiRequest, webhook_id: str) -> Response:
        endpoint = access_endpoint(request.auth.tenant, webhook_id)
        chosen = _valid(DeliveryFilterSerializer, request.query_params)["status"]
        page = self.paginate_queryset(find_deliveries(endpoint, chosen))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class RedeliverRangeView(APIView):
    """Sends again what an endpoint has missed."""

    required_permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="redeliver_webhooks",
        tags=["Webhooks"],
        summary="Send the events of a time once more",
        description="Those whose delivery has failed, or all; with the same event ids. What is still pending is left.",
        request=RedeliveryRangeSerializer,
        responses={202: RedeliveredSerializer},
        examples=[sent("What failed since then", {"since": TIME}), answered("Queued", {"redelivered": 12}, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest, webhook_id: str) -> Response:
        caller = request.auth
        endpoint = access_endpoint(caller.tenant, webhook_id)
        fields = _valid(RedeliveryRangeSerializer, request.data)
        count = endpoints.redeliver_range(
            endpoint,
            caller.actor,
            since=fields["since"],
            until=fields.get("until"),
            only_failed=fields["status"] == "failed",
        )
        return Response({"redelivered": count}, status=status.HTTP_202_ACCEPTED)


class DeliveryView(APIView):
    """One delivery with its payload."""

    required_permissions = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="get_webhook_delivery",
        tags=["Webhooks"],
        summary="Get a delivery and its payload",
        responses=DeliveryWithPayloadSerializer,
        examples=[answered("A delivery", DELIVERY | {"payload": PAYLOAD})],
    )
    def get(self, request: ApiRequest, delivery_id: str) -> Response:
        return Response(DeliveryWithPayloadSerializer(access_delivery(request.auth.tenant, delivery_id)).data)


class RedeliverView(APIView):
    """Sends an event again."""

    required_permissions = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="redeliver_webhook",
        tags=["Webhooks"],
        summary="Send an event once more",
        description="With the same event id, at once; to an endpoint that is disabled it goes when that is enabled.",
        request=None,
        responses={202: DeliverySerializer},
        examples=[answered("Queued", DELIVERY | {"attempts": 0}, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest, delivery_id: str) -> Response:
        delivery = access_delivery(request.auth.tenant, delivery_id)
        endpoints.redeliver(delivery, request.auth.actor)
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


class CallbackSecretView(APIView):
    """The secret that signs the calls to the `callback_url` of jobs."""

    required_permissions = {"GET": "webhooks:write", "POST": "webhooks:write"}

    @extend_schema(
        operation_id="get_callback_secret",
        tags=["Webhooks"],
        summary="Get the secret that signs the callbacks of your jobs",
        responses=CallbackSecretSerializer,
        examples=[answered("Secret", {"secret": MADE_BY_US})],
    )
    def get(self, request: ApiRequest) -> Response:
        return Response({"secret": endpoints.show_callback_secret(request.auth.tenant)}, headers=NO_STORE)

    @extend_schema(
        operation_id="rotate_callback_secret",
        tags=["Webhooks"],
        summary="Sign the callbacks of your jobs by a new secret, at once",
        request=None,
        responses=CallbackSecretSerializer,
        examples=[answered("Secret", {"secret": MADE_BY_US})],
    )
    def post(self, request: ApiRequest) -> Response:
        secret = endpoints.rotate_callback_secret(request.auth.tenant, request.auth.actor)
        return Response({"secret": secret}, headers=NO_STORE)


def _valid(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _with_secret(endpoint: WebhookEndpoint, *, is_ours: bool, status: int) -> Response:
    """Answer with an endpoint, and with its secret if the shop does not know it."""
    fields = dict(EndpointSerializer(endpoint).data)
    if not is_ours:
        return Response(fields, status=status)
    return ShownOnce(fields | {"secret": endpoint.secret}, withheld=("secret",), status=status)
