"""What the modes of search take in a request."""

import difflib
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from PIL import ImageColor
from rest_framework import serializers

from analytics.models import MAX_SHOPPER_ID_LENGTH
from catalog.color_search import MAX_DISTANCE
from catalog.documents import MAX_IMAGE_LENGTH
from catalog.errors import PictureError
from catalog.filter_dialects import FilterFields
from catalog.serializers import FiniteField
from catalog.vision.palette import EXAMPLES, HEX, parse_color
from search.query import Box

MAX_LIMIT = 100
# Deeper pages are nobody's shopping; a narrower query serves better.
MAX_OFFSET = 1_000
MAX_TEXT_LENGTH = 500
MAX_UPLOAD_BYTES = 10_000_000
MAX_EXAMPLES = 10
MAX_FACETS = 10


class ThresholdField(FiniteField):
    """A similarity, 0 to 1, or "auto"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=1, allow_null=True, default=None, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return data if data == "auto" else super().to_internal_value(data)

    def run_validators(self, value: Any) -> None:
        if value != "auto":
            super().run_validators(value)


class PictureFields(serializers.Serializer[Any]):
    """A picture by its address or in base64."""

    image_url = serializers.CharField(
        max_length=MAX_IMAGE_LENGTH, required=False, help_text="a web address, a data URI or base64"
    )
    image_base64 = serializers.CharField(max_length=MAX_IMAGE_LENGTH, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "image_url" in attrs and "image_base64" in attrs:
            raise _missing("image_url", "Send one of image_url and image_base64.")
        return attrs


class RequiredPictureFields(PictureFields):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not picture_of(attrs):
            raise _missing("image_url", "Send one of image_url and image_base64.")
        return super().validate(attrs)


class ExampleInput(PictureFields):
    """Something to find more of, or less: words, a picture, or a product by its id."""

    text = serializers.CharField(max_length=MAX_TEXT_LENGTH, required=False)
    product_id = serializers.CharField(max_length=255, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"text", "product_id", "image_url", "image_base64"} & attrs.keys()) != 1:
            raise _missing("text", "Send one of text, product_id, image_url and image_base64.")
        return super().validate(attrs)


class CommonFields(FilterFields):
    """What every mode takes beside what is asked for; a name that it does not know is told, not ignored."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)
    threshold = ThresholdField(
        help_text='the least similarity of a result, or "auto": what your own catalogue\'s scores recommend; '
        "without one, what you have configured"
    )
    facets = serializers.ListField(
        child=serializers.CharField(max_length=50),
        max_length=MAX_FACETS,
        required=False,
        help_text="fields whose values to count over all products that fit",
    )
    group_by = serializers.ChoiceField(
        ["parent_id", "category", "brand", "product_type"],
        required=False,
        help_text="show only the best product of each value; those without one stand for themselves",
    )
    diversity = FiniteField(
        min_value=0, max_value=1, default=0, help_text="how much results should differ from each other"
    )
    explain = serializers.BooleanField(default=False, help_text="say why each result is where it is")
    session_id = serializers.CharField(
        max_length=MAX_SHOPPER_ID_LENGTH, required=False, help_text="of the shopper's visit"
    )
    user_id = serializers.CharField(max_length=MAX_SHOPPER_ID_LENGTH, required=False, help_text="of the shopper")
    search_id = serializers.RegexField(
        r"^srch_[0-9a-f]{24}$", required=False, help_text="of the first page, when this is a further one"
    )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            _require_known(data, self.fields)
        return super().to_internal_value(data)


class NegativeFields(CommonFields):
    """What the modes take beside that whose hits can be compared with examples."""

    negative = serializers.ListField(
        child=ExampleInput(), max_length=MAX_EXAMPLES, required=False, help_text="less like these"
    )


class ExampleFields(NegativeFields):
    """What the modes take beside that that search with one vector, which examples move."""

    positive = serializers.ListField(
        child=ExampleInput(), max_length=MAX_EXAMPLES, required=False, help_text="more like these"
    )


class TextInput(ExampleFields):
    query = serializers.CharField(max_length=MAX_TEXT_LENGTH)


class UrlInput(RequiredPictureFields, ExampleFields):
    pass


class UploadInput(ExampleFields):
    image = serializers.FileField(help_text="JPEG, PNG, WebP, AVIF, GIF or HEIC, at most 10 MB")

    def validate_image(self, image: "UploadedFile[Any]") -> "UploadedFile[Any]":
        if (image.size or 0) > MAX_UPLOAD_BYTES:
            raise PictureError("image_too_large", "An uploaded picture has at most 10 MB. Send a smaller one.")
        return image


class WeightedInput(PictureFields, ExampleFields):
    """A picture and words; `image_weight` and `visual_weight` are two names of one thing."""

    query = serializers.CharField(max_length=MAX_TEXT_LENGTH, required=False)
    visual_weight = FiniteField(min_value=0, max_value=1, required=False)
    image_weight = FiniteField(min_value=0, max_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not picture_of(attrs) and "query" not in attrs:
            raise _missing("query", "Send a picture, words or both.")
        if attrs.get("visual_weight", weight := attrs.get("image_weight")) != weight and weight is not None:
            raise _missing("image_weight", "visual_weight and image_weight are the same; send one of them.")
        return super().validate(attrs)


class MultiImageInput(NegativeFields):
    image_urls = serializers.ListField(
        child=serializers.CharField(max_length=MAX_IMAGE_LENGTH),
        min_length=2,
        max_length=MAX_EXAMPLES,
        help_text="web addresses, data URIs or base64",
    )
    aggregation = serializers.ChoiceField(
        ["average", "union", "best"],
        default="average",
        help_text="average: like all of them; best: like any of them; union: each one's results in turns",
    )


class BoxInput(serializers.Serializer[Box]):
    x = FiniteField(min_value=0, max_value=1)
    y = FiniteField(min_value=0, max_value=1)
    width = FiniteField(min_value=0, max_value=1)
    height = FiniteField(min_value=0, max_value=1)

    def validate(self, attrs: dict[str, float]) -> dict[str, float]:
        for side, start in (("width", "x"), ("height", "y")):
            if attrs[side] == 0 or attrs[start] + attrs[side] > 1 + 1e-9:
                raise _missing(side, f"{start} and {side} are shares of the picture: together at most 1, {side} not 0.")
        return attrs


class CropInput(RequiredPictureFields, ExampleFields):
    crop = BoxInput()


class FilteredInput(PictureFields, ExampleFields):
    query = serializers.CharField(max_length=MAX_TEXT_LENGTH, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(picture_of(attrs)) == ("query" in attrs):
            raise _missing("query", "Send one of image_url, image_base64 and query.")
        return super().validate(attrs)


class ColorInput(CommonFields):
    color = serializers.CharField(max_length=50, help_text="#rrggbb, or a colour's name")
    max_distance = FiniteField(
        min_value=0, max_value=MAX_DISTANCE, default=100, help_text="lower is stricter; 0 to 441.67"
    )

    def validate_color(self, color: str) -> tuple[int, int, int]:
        try:
            return _rgb_of(color)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="unknown_color") from error


class SimilarFields(ExampleFields):
    exclude_same_parent = serializers.BooleanField(default=False, help_text="leave out its variants")


class SimilarInput(SimilarFields):
    product_id = serializers.CharField(max_length=255)


def picture_of(fields: Mapping[str, Any]) -> str:
    """Return the picture of a request: an address, a data URI or base64; nothing when it has none."""
    return str(fields.get("image_url") or fields.get("image_base64") or "")


def _rgb_of(color: str) -> tuple[int, int, int]:
    """Return the sRGB values 0..255 of a colour in hex or in words; raise ValueError saying what is understood."""
    code = color.strip().removeprefix("#")
    if not HEX.fullmatch(code):
        code, *_ = EXAMPLES[parse_color(color)].split()
    red, green, blue = ImageColor.getrgb(f"#{code}")[:3]
    return red, green, blue


def _require_known(data: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name in data:
        if name not in fields:
            near = difflib.get_close_matches(str(name)[:100], fields, n=1)
            message = f"There is no such field. Did you mean {near[0]}?" if near else "There is no such field."
            raise serializers.ValidationError({str(name)[:100]: serializers.ErrorDetail(message, "unknown_field")})


def _missing(field: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(message, code="required")})
