"""`POST /v1/products/patch-batch`: prices and stock of many products in one request."""

import io
from collections.abc import Mapping
from itertools import islice
from typing import IO, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from accounts.parsers import StrictJSONParser, parse_json
from catalog.documents import MetadataField
from catalog.errors import IndexingError
from catalog.jobs.items import NOT_WELL_FORMED
from catalog.patch_batch import Changed, MetadataChange, change_in_batches

MAX_PATCHES = 10_000
# What may stand beside `product_id` without `metadata` around it.
PLAIN_FIELDS = ("price", "currency", "in_stock", "stock_quantity")


class PatchInput(serializers.Serializer[dict[str, Any]]):
    """A change of one product: `metadata` as PATCH takes it, or the facts of a price and stock feed by themselves."""

    product_id = serializers.CharField(max_length=255)
    metadata = MetadataField(required=False, help_text="merged into what is there; null removes a key (RFC 7396)")
    price = serializers.FloatField(required=False, allow_null=True)
    currency = serializers.CharField(required=False, allow_null=True)
    in_stock = serializers.BooleanField(required=False, allow_null=True)
    stock_quantity = serializers.IntegerField(required=False, allow_null=True)


class PatchBatchInput(serializers.Serializer[dict[str, Any]]):
    products = serializers.ListField(child=PatchInput(), min_length=1, max_length=MAX_PATCHES)


class PatchErrorSerializer(serializers.Serializer[dict[str, Any]]):
    index = serializers.IntegerField(help_text="position in what was sent, from 0")
    product_id = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class PatchedSerializer(serializers.Serializer[dict[str, Any]]):
    updated = serializers.IntegerField(help_text="changes, of which one product may have had several")
    unchanged = serializers.IntegerField(help_text="said the same already")
    failed = serializers.IntegerField()
    errors = PatchErrorSerializer(many=True)  # type: ignore[assignment]  # a field, not the errors of this serializer


class PatchNDJSONParser(BaseParser):
    """Reads one change a line (ndjson.org)."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        # As a whole: of what a server gives out line by line, some lose all but the first line.
        lines = (line for line in io.BytesIO(stream.read()) if line.strip())
        return {"products": [_read_line(line) for line in islice(lines, MAX_PATCHES + 1)]}


class PatchBatchView(APIView):
    """Changes the metadata of many products."""

    required_permissions = {"POST": "products:write"}
    parser_classes = [StrictJSONParser, PatchNDJSONParser]

    @extend_schema(
        operation_id="update_products",
        tags=["Products"],
        summary="Change the metadata of many products",
        description=f"For feeds of prices and stock: up to {MAX_PATCHES:,} products in a few seconds, whose pictures "
        "and vectors stay as they are. Each change is merged as `PATCH /v1/products/{product_id}` does; several of one "
        "product are applied in their order. One that cannot be made fails alone and is among `errors`, so look at "
        "them. As `application/x-ndjson`, send one change a line.",
        request={"application/json": PatchBatchInput, "application/x-ndjson": PatchInput},
        responses=PatchedSerializer,
        examples=[
            sent(
                "Prices and stock",
                {
                    "products": [
                        {"product_id": "shoe-001", "price": 79.99, "stock_quantity": 4},
                        {"product_id": "shoe-002", "metadata": {"in_stock": False, "badge": None}},
                    ]
                },
            ),
            answered(
                "One of two",
                {
                    "updated": 1,
                    "unchanged": 0,
                    "failed": 1,
                    "errors": [
                        {
                            "index": 1,
                            "product_id": "shoe-002",
                            "code": "not_found",
                            "message": "There is no product with this id.",
                        }
                    ],
                },
            ),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        patches = [_parse_patch(patch) for patch in _require_patches(request.data)]
        known = [patch for patch in patches if isinstance(patch, MetadataChange)]
        made = change_in_batches(request.auth.tenant, known)
        done = [next(made) if isinstance(patch, MetadataChange) else Changed(error=patch) for patch in patches]
        return Response(_report(request.data["products"], done))


def _require_patches(data: Any) -> list[Any]:
    patches = data.get("products") if isinstance(data, Mapping) else None
    if not isinstance(patches, list) or not patches:
        raise serializers.ValidationError({"products": ["Send a list of at least one change."]})
    if len(patches) > MAX_PATCHES:
        told = f"More than {MAX_PATCHES:,} changes were sent, which is what one request takes. Send several."
        raise serializers.ValidationError({"products": [told]})
    return patches


def _parse_patch(patch: Any) -> MetadataChange | IndexingError:
    if isinstance(patch, IndexingError):
        return patch
    if not isinstance(patch, Mapping):
        return _malformed("A change is a JSON object.")
    product_id, metadata = patch.get("product_id"), patch.get("metadata", {})
    if not isinstance(product_id, str) or not product_id:
        return _malformed("product_id: Send the id of a product, as a text.")
    if not isinstance(metadata, Mapping):
        return _malformed("metadata: Send metadata as an object of names and values.")
    if unknown := patch.keys() - {"product_id", "metadata", *PLAIN_FIELDS}:
        return _malformed(f"{min(unknown)}: Send this inside metadata; beside it stand {', '.join(PLAIN_FIELDS)}.")
    changes = {**metadata, **{name: patch[name] for name in PLAIN_FIELDS if name in patch}}
    if not changes:
        return _malformed(f"Send what changes: metadata, {', '.join(PLAIN_FIELDS)}.")
    return MetadataChange(product_id, changes)


def _malformed(message: str) -> IndexingError:
    return IndexingError(NOT_WELL_FORMED, message)


def _read_line(line: bytes) -> Any:
    try:
        return parse_json(line)
    except ValueError as error:
        return _malformed(f"This line is no JSON: {error}")


def _report(patches: list[Any], done: list[Changed]) -> dict[str, Any]:
    errors = [
        {"index": index, "product_id": _product_id_of(patch), "code": made.error.code, "message": made.error.message}
        for index, (patch, made) in enumerate(zip(patches, done, strict=True))
        if made.error is not None
    ]
    updated = sum(made.is_different for made in done)
    return {
        "updated": updated,
        "unchanged": len(done) - updated - len(errors),
        "failed": len(errors),
        "errors": errors,
    }


def _product_id_of(patch: Any) -> str:
    product_id = patch.get("product_id") if isinstance(patch, Mapping) else None
    return product_id[:255] if isinstance(product_id, str) else ""
