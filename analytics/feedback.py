"""Feedback: what shoppers did with a product, as the shop reports it.

It is stored at once and not through Redis as searches are: a purchase is money, so it must not be lost, and whoever
reports it twice is told so.
"""

import math
import re
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework import serializers

from accounts.models import Tenant
from analytics.models import MAX_SHOPPER_ID_LENGTH, FeedbackEvent

MAX_ORDER_VALUE = 999_999_999_999
MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class Feedback:
    """One report. `order_value` is of the whole order, and only a purchase has one; `position` counts from 1."""

    product_id: str
    action: str
    search_id: str = ""
    position: int | None = None
    quantity: int = 1
    order_id: str = ""
    order_value: Decimal | None = None
    currency: str = ""
    session_id: str = ""


class FeedbackInput(serializers.Serializer[Feedback]):
    result_product_id = serializers.CharField(max_length=255, help_text="one that was deleted since is taken too")
    action = serializers.ChoiceField(FeedbackEvent.Action.choices)
    search_id = serializers.CharField(
        max_length=255, default="", allow_blank=True, help_text="of the search's answer; attributes a sale to its query"
    )
    position = serializers.IntegerField(
        min_value=1, max_value=MAX_COUNT, allow_null=True, default=None, help_text="in the results, from 1"
    )
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_COUNT, default=1)
    order_id = serializers.CharField(
        max_length=255,
        default="",
        allow_blank=True,
        help_text="a purchase of a product is counted once for each order that names itself",
    )
    order_value = serializers.FloatField(
        min_value=0,
        max_value=MAX_ORDER_VALUE,
        allow_null=True,
        default=None,
        help_text="of the whole order, whose revenue is counted once however many of its products are reported",
    )
    currency = serializers.CharField(max_length=3, default="", allow_blank=True, help_text="ISO 4217, such as USD")
    session_id = serializers.CharField(max_length=MAX_SHOPPER_ID_LENGTH, default="", allow_blank=True)

    def validate_order_value(self, value: float | None) -> Decimal | None:
        if value is None:
            return None
        if not math.isfinite(value):
            raise serializers.ValidationError("Send a finite number.", code="not_a_number")
        return Decimal(str(value)).quantize(Decimal("0.01"))

    def validate_currency(self, value: str) -> str:
        if not re.fullmatch(r"([A-Za-z]{3})?", value):
            raise serializers.ValidationError("Send the three letters of ISO 4217.", code="not_a_currency")
        return value.upper()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["order_value"] is not None and attrs["action"] != FeedbackEvent.Action.PURCHASE:
            message = "Only a purchase has an order_value."
            raise serializers.ValidationError({"order_value": serializers.ErrorDetail(message, code="not_a_purchase")})
        return attrs


def parse_feedback(data: Any) -> Feedback:
    """Return the feedback that a request holds, or raise ValidationError naming the field."""
    body = FeedbackInput(data=data)
    body.is_valid(raise_exception=True)
    fields = dict(body.validated_data)
    return Feedback(product_id=fields.pop("result_product_id"), **fields)


def record_feedback(tenant: Tenant, feedback: Feedback) -> bool:
    """Remember what a shopper did; return False when this product's purchase in this order was known already."""
    try:
        with transaction.atomic():
            FeedbackEvent.objects.create(tenant=tenant, **asdict(feedback))
    except IntegrityError:
        return False
    return True
