"""A product as the merchant sends it, checked once at the door and then a value."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from rest_framework import serializers

from catalog.models import MAX_PRICE
from catalog.vision.palette import parse_color

MAX_IMAGES = 10
MAX_URL_LENGTH = 2_000
MAX_METADATA_KEYS = 200
# Addresses beside those of products: /v1/products/bulk and so on.
RESERVED_IDS = (
    "attribute-suggestions",
    "bulk",
    "demo",
    "facets",
    "import",
    "patch-batch",
    "quality-audit",
    "stats",
    "sync",
)
# A data URI of the largest picture that we decode (15 MB) and its base64 overhead.
MAX_IMAGE_LENGTH = 21_000_000


@dataclass(frozen=True)
class ProductDocument:
    """What a merchant says of a product: its id, where its pictures are, and whatever else they know.

    `images` holds web addresses, data URIs or base64, the cover first. No `metadata` stands for a product as it is:
    it is only looked at again, and never made. `sent_at` is when the merchant sent this, None where it was not them.
    """

    product_id: str
    images: tuple[str, ...]
    metadata: dict[str, Any] | None = field(default_factory=dict)
    is_demo: bool = False
    sent_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"sent_at": self.sent_at.isoformat() if self.sent_at else None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        sent_at = data.get("sent_at")
        parsed = {"images": tuple(data["images"]), "sent_at": datetime.fromisoformat(sent_at) if sent_at else None}
        return cls(**{**data, **parsed})


class MetadataField(serializers.JSONField):
    """Free-form facts; those that filters and ranking read must be of their type."""

    default_error_messages = {
        "not_an_object": "Send metadata as an object of names and values.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        require_few_keys(data)
        promote(data)
        metadata: dict[str, Any] = super().to_internal_value(data)  # type: ignore[assignment]
        return metadata


class ProductInput(serializers.Serializer[ProductDocument]):
    """A product in a request. `image_url` may hold a web address, a data URI or base64; `images` adds more views."""

    product_id = serializers.CharField(max_length=255)
    image_url = serializers.CharField(max_length=MAX_IMAGE_LENGTH, required=False)
    image_base64 = serializers.CharField(max_length=MAX_IMAGE_LENGTH, required=False)
    images = serializers.ListField(
        child=serializers.CharField(max_length=MAX_IMAGE_LENGTH), max_length=MAX_IMAGES, required=False
    )
    metadata = MetadataField(required=False)

    def validate_product_id(self, value: str) -> str:
        return require_addressable(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not images_of(attrs):
            raise serializers.ValidationError(
                {"image_url": serializers.ErrorDetail("Send image_url, image_base64 or images.", code="required")}
            )
        return attrs


def parse_product(data: Any, *, product_id: str | None = None, sent_at: datetime | None = None) -> ProductDocument:
    """Return the product that a request describes, or raise ValidationError naming the field.

    A `product_id` from the address goes before the one in the body.
    """
    if product_id is not None and isinstance(data, Mapping):
        data = {**data, "product_id": product_id}
    body = ProductInput(data=data)
    body.is_valid(raise_exception=True)
    fields = body.validated_data
    return ProductDocument(
        product_id=fields["product_id"],
        images=images_of(fields),
        metadata=fields.get("metadata", {}),
        sent_at=sent_at,
    )


def require_addressable(product_id: str) -> str:
    """Return a product_id that can stand in addresses, or raise ValidationError."""
    if "/" in product_id or product_id in RESERVED_IDS:
        raise serializers.ValidationError(
            f"A product's id stands in addresses: it has no slash, and is none of {', '.join(RESERVED_IDS)}."
        )
    return product_id


def images_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all pictures of a request, the cover first, each once."""
    named = [fields.get("image_url"), fields.get("image_base64"), *fields.get("images", ())]
    return tuple(dict.fromkeys(image for image in named if image))


def require_few_keys(metadata: Mapping[str, Any]) -> None:
    """Raise ValidationError when there are more facts than we keep of a product."""
    if len(metadata) > MAX_METADATA_KEYS:
        message = f"Metadata has at most {MAX_METADATA_KEYS} keys."
        raise serializers.ValidationError(serializers.ErrorDetail(message, code="too_many_keys"))


def promote(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the product columns that these facts fill; raise ValidationError when one is of another type."""
    return {
        "name": _text(metadata, "name", limit=500),
        "category": _text(metadata, "category", limit=255),
        "brand": _text(metadata, "brand", limit=255),
        "price": _price(metadata.get("price")),
        "currency": _currency(metadata),
        "tags": _tags(metadata.get("tags")),
        "in_stock": _in_stock(metadata),
        "parent_id": _text(metadata, "parent_id", limit=255),
    }


def color_words(metadata: Mapping[str, Any], palette_names: Iterable[str]) -> list[str]:
    """Return the colour names that a product is found by: the merchant's own word and those seen in its picture."""
    named = metadata.get("color_name") or metadata.get("color")
    own = [color_word(named)] if isinstance(named, str) and named.strip() else []
    return list(dict.fromkeys([*own, *palette_names]))


def color_word(text: str) -> str:
    """Return the basic name of a colour, or a merchant's own word as it is, in lower case and at most 20 characters."""
    try:
        return parse_color(text)
    except ValueError:
        return text.strip().lower()[:20]


def _text(metadata: Mapping[str, Any], key: str, *, limit: int) -> str:
    value = metadata.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _invalid(key, "not_text", "Send a text.")
    text = str(value)
    if len(text) > limit:
        raise _invalid(key, "too_long", f"At most {limit} characters.")
    return text


def _price(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price <= MAX_PRICE:
        raise _invalid("price", "not_a_number", "Send a number of 0 or more, without a currency sign.")
    return price.quantize(Decimal("0.01"))


def _currency(metadata: Mapping[str, Any]) -> str:
    currency = _text(metadata, "currency", limit=3)
    if not re.fullmatch(r"([A-Za-z]{3})?", currency):
        raise _invalid("currency", "not_a_currency", "Send the three letters of ISO 4217, such as USD.")
    return currency.upper()


def _tags(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) and len(tag) <= 100 for tag in value):
        raise _invalid("tags", "not_a_list_of_texts", "Send a list of texts of at most 100 characters.")
    return value


def _in_stock(metadata: Mapping[str, Any]) -> bool:
    value = metadata.get("in_stock")
    if value is None:
        quantity = metadata.get("stock_quantity")
        return not isinstance(quantity, int) or quantity > 0
    if not isinstance(value, bool):
        raise _invalid("in_stock", "not_a_boolean", "Send true or false.")
    return value


def _invalid(key: str, code: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({key: [serializers.ErrorDetail(message, code=code)]})
