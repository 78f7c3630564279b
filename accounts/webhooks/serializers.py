"""Endpoints and deliveries as the API takes and shows them."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.outbound import RefusedURLError, require_public_address
from accounts.webhooks.endpoints import MAX_OVERLAP_HOURS, OVERLAP_HOURS
from accounts.webhooks.events import ALL, EventType
from accounts.webhooks.messages import payload_of
from accounts.webhooks.sending import is_scheme_allowed
from accounts.webhooks.signing import MIN_SECRET_LENGTH

MAX_SECRET_LENGTH = 200
RANGE_STATUSES = ("failed", "all")
EVENT_NAMES = [*EventType, ALL]
# What a secret is made of: it has to survive configuration files and shells.
PRINTABLE = r"^[\x21-\x7e]*$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, so that a slip is not taken for nothing."""

    def to_internal_value(self, data: Any) -> Any:
        known = [name for name, field in self.fields.items() if not field.read_only]
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in known]):
            message = f"There is no such field here; there are {', '.join(known)}."
            raise serializers.ValidationError({str(name)[:100]: [message] for name in unknown[:10]})
        return super().to_internal_value(data)


class SecretField(serializers.RegexField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            PRINTABLE,
            min_length=MIN_SECRET_LENGTH,
            max_length=MAX_SECRET_LENGTH,
            trim_whitespace=False,
            error_messages={"invalid": "Use letters, digits and signs of ASCII only, without spaces."},
            help_text="signs what we send; without one we make a good one, and show it this once",
            **options,
        )


class EventsField(serializers.ListField):
    """Names of events, each once; `*` stands for all."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=50)
        messages: dict[str, Any] = {"min_length": "Name one event at least, or * for all of them."}
        super().__init__(child=child, min_length=1, max_length=len(EVENT_NAMES), error_messages=messages, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        names = list(dict.fromkeys(super().to_internal_value(data)))
        if unknown := [name for name in names if name not in EVENT_NAMES]:
            message = f"There is no event {unknown[0]!r}; there are {', '.join(EventType)}, and * for all of them."
            raise serializers.ValidationError(message, "unknown_event")
        return names


class AddressField(serializers.URLField):
    """An address that we may call, as far as that shows without asking for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, help_text="HTTPS, on the public internet", **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        url = super().run_validation(data)
        if url:
            require_callable(url)
        return url


def require_callable(url: str) -> None:
    """Raise ValidationError for an address that no webhook goes to."""
    if not is_scheme_allowed(url):
        raise serializers.ValidationError("Webhooks go to HTTPS addresses only: https://…", "https_required")
    try:
        require_public_address(url)
    except RefusedURLError as error:
        raise serializers.ValidationError(str(error), "refused_address") from error
    except ValueError as error:
        raise serializers.ValidationError("This is not a usable web address.", "invalid") from error


class EndpointSentSerializer(StrictSerializer):
    url = AddressField()
    events = EventsField()
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)
    secret = SecretField(required=False)


class EndpointChangesSerializer(StrictSerializer):
    url = AddressField(required=False)
    events = EventsField(required=False)
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)
    active = serializers.BooleanField(required=False, help_text="true also enables what we had to disable")


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    id = serializers.CharField(source="webhook_id", read_only=True)
    events = serializers.ListField(child=serializers.ChoiceField(EVENT_NAMES))
    active = serializers.SerializerMethodField()

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "url",
            "events",
            "description",
            "active",
            "state",
            "failing_since",
            "paused_until",
            "previous_secret_expires_at",
            "created_at",
        ]
        read_only_fields = fields

    def get_active(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.state == WebhookEndpoint.State.ACTIVE


class EndpointWithSecretSerializer(EndpointSerializer):
    secret = serializers.CharField(required=False, help_text="only when we made it, and only in this answer")

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class SecretRotationSerializer(StrictSerializer):
    secret = SecretField(required=False)
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=MAX_OVERLAP_HOURS,
        default=OVERLAP_HOURS,
        help_text="for so long `webhook-signature` carries a signature by the previous secret too",
    )


class DeliveryAttemptSerializer(serializers.Serializer[dict[str, Any]]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(help_text="empty for a success")
    milliseconds = serializers.IntegerField()
    answer = serializers.CharField(required=False, help_text="the beginning of a refusal")


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.CharField(source="delivery_id", read_only=True)
    event_id = serializers.CharField(source="event.event_id", read_only=True)
    event = serializers.CharField(source="event.type", read_only=True)
    next_attempt_at = serializers.SerializerMethodField(help_text="while it is pending")
    log = DeliveryAttemptSerializer(many=True, read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "event_id",
            "event",
            "status",
            "attempts",
            "next_attempt_at",
            "log",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: WebhookDelivery) -> Any:
        is_pending = delivery.status == WebhookDelivery.Status.PENDING
        return serializers.DateTimeField().to_representation(delivery.due_at) if is_pending else None


class DeliveryWithPayloadSerializer(DeliverySerializer):
    payload = serializers.SerializerMethodField(help_text="the body that is sent")

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "payload"]
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_payload(self, delivery: WebhookDelivery) -> dict[str, Any]:
        return payload_of(delivery)


class DeliveryFilterSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(WebhookDelivery.Status.choices, required=False, default="")


class RedeliveryRangeSerializer(StrictSerializer):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(required=False)
    status = serializers.ChoiceField(RANGE_STATUSES, default="failed")


class RedeliveredSerializer(serializers.Serializer[Any]):
    redelivered = serializers.IntegerField()


class WebhookTestSerializer(serializers.Serializer[Any]):
    delivered = serializers.BooleanField()
    status = serializers.IntegerField(allow_null=True, help_text="null when there was no answer")
    error = serializers.CharField(help_text="empty for a success")
    milliseconds = serializers.IntegerField()
    answer = serializers.CharField(help_text="the beginning of a refusal")
    delivery_id = serializers.CharField()
    event_id = serializers.CharField()


class CallbackSecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField()
