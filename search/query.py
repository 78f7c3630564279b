"""What a shopper asks, as a value; every endpoint and page only builds one."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

from catalog.errors import PictureError
from catalog.filters import Filters

MAX_LIMIT = 100
# Deeper pages are nobody's shopping; a narrower query serves better.
MAX_OFFSET = 1_000
MAX_TEXT_LENGTH = 500
MAX_UPLOAD_BYTES = 10_000_000


@dataclass(frozen=True)
class Query:
    """One search: by `text`, by the picture at `image_url`, or by `image_data`, the bytes of an uploaded picture.

    Results are at least as similar as `threshold`, 0 to 1; without one the tenant's smart threshold leaves out junk.
    """

    mode: str
    text: str = ""
    image_url: str = ""
    image_data: bytes = b""
    limit: int = 10
    offset: int = 0
    threshold: float | None = None
    filters: Filters = field(default_factory=Filters)


class CommonFields(serializers.Serializer[Query]):
    """What every search takes: how many results, how similar at least, and the pre-filters."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)
    threshold = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        default=None,
        help_text="the least similarity of a result; without one, what your own catalogue's scores recommend",
    )
    category = serializers.CharField(max_length=255, required=False)
    price_min = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal(0), required=False)
    price_max = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal(0), required=False)
    color = serializers.CharField(max_length=50, required=False, help_text="a colour's name or #rrggbb")


class TextFields(CommonFields):
    query = serializers.CharField(max_length=MAX_TEXT_LENGTH)


class UrlFields(CommonFields):
    image_url = serializers.CharField(
        max_length=30_000_000, required=False, help_text="a web address, a data URI or base64"
    )
    image_base64 = serializers.CharField(max_length=30_000_000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("image_url" in attrs) == ("image_base64" in attrs):
            raise serializers.ValidationError(
                {"image_url": serializers.ErrorDetail("Send one of image_url and image_base64.", code="required")}
            )
        return attrs


class UploadFields(CommonFields):
    image = serializers.FileField(help_text="JPEG, PNG, WebP, AVIF, GIF or HEIC, at most 10 MB")

    def validate_image(self, image: "UploadedFile[Any]") -> "UploadedFile[Any]":
        if (image.size or 0) > MAX_UPLOAD_BYTES:
            raise PictureError("image_too_large", "An uploaded picture has at most 10 MB. Send a smaller one.")
        return image


def parse_text(data: Any) -> Query:
    """Return the query of `{"query": "red summer dress"}`."""
    fields = _validated(TextFields(data=data))
    return Query(mode="text", text=fields["query"], **_common(fields))


def parse_url(data: Any) -> Query:
    """Return the query of `{"image_url": "https://…"}`, or of a picture in base64."""
    fields = _validated(UrlFields(data=data))
    return Query(mode="url", image_url=fields.get("image_url") or fields["image_base64"], **_common(fields))


def parse_upload(data: Any) -> Query:
    """Return the query of a form with the file `image`."""
    fields = _validated(UploadFields(data=data))
    return Query(mode="upload", image_data=fields["image"].read(), **_common(fields))


def _validated(body: serializers.Serializer[Query]) -> dict[str, Any]:
    body.is_valid(raise_exception=True)
    validated: dict[str, Any] = body.validated_data
    return validated


def _common(fields: dict[str, Any]) -> dict[str, Any]:
    names = ("category", "price_min", "price_max", "color")
    return {
        "limit": fields["limit"],
        "offset": fields["offset"],
        "threshold": fields["threshold"],
        "filters": Filters(**{name: fields[name] for name in names if name in fields}),
    }
