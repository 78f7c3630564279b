"""`POST /v1/products/import` and `POST /v1/products/sync`: files that shops export."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from accounts.authentication import ApiRequest
from accounts.authorization import MissingPermission
from accounts.examples import answered
from accounts.idempotency import idempotent
from accounts.webhooks.serializers import AddressField
from catalog.feeds.body import Feed, FeedParser, FeedView
from catalog.feeds.formats.entries import Format, OpenFeed
from catalog.feeds.importing import preview_import, start_import
from catalog.feeds.products import open_sent_feed
from catalog.feeds.sync import MAX_REMOVAL_SHARE, preview_sync, start_sync
from catalog.jobs.api import started

FILE = "file"
# What a file may call itself; its format is found by what is in it.
MEDIA_TYPES = (
    "application/x-ndjson",
    "text/csv",
    "text/tab-separated-values",
    "application/xml",
    "text/xml",
    "application/rss+xml",
    "application/atom+xml",
    "text/plain",
    "application/octet-stream",
)


class FileFeedParser(FeedParser):
    """Takes a form whose `file` is the feed (RFC 7578)."""

    media_type = "multipart/form-data"

    def parse(  # type: ignore[override]  # as in FeedParser
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Feed:
        body = super().parse(stream, media_type, parser_context)
        assert parser_context is not None
        request = parser_context["request"]._request
        try:
            handlers = [TemporaryFileUploadHandler(request)]
            form = MultiPartParser(request.META, body.file, handlers, "utf-8")  # type: ignore[arg-type]  # it is read alike
            _, files = form.parse()
        except MultiPartParserError as error:
            raise exceptions.ParseError(f"This form cannot be read: {error}") from error
        finally:
            body.file.close()
        for _, sent in files.lists():
            for file in sent:
                parser_context["view"].opened.enter_context(file)
        if FILE not in files:
            raise exceptions.ValidationError({FILE: [exceptions.ErrorDetail("Send the feed as a file.", "required")]})
        feed: Any = files[FILE]
        return Feed(feed, body.digest, feed.size, self.media_type)


FEED_PARSERS = [
    FileFeedParser,
    *(type("RawFeedParser", (FeedParser,), {"media_type": media_type}) for media_type in MEDIA_TYPES),
]


class ImportInput(serializers.Serializer[dict[str, Any]]):
    """How to read a feed; it stands in the query string."""

    format = serializers.ChoiceField([name.value for name in Format], required=False, help_text="found out without it")
    dry_run = serializers.BooleanField(default=False, help_text="only tell what is in the feed")
    callback_url = AddressField(required=False, allow_blank=True, default="")


class SyncInput(ImportInput):
    max_removal_share = serializers.FloatField(
        default=MAX_REMOVAL_SHARE, min_value=0, max_value=1, help_text="of your products that may be removed, 0 to 1"
    )
    force = serializers.BooleanField(default=False, help_text="remove as many products as the feed leaves out")


class FeedErrorSerializer(serializers.Serializer[dict[str, Any]]):
    line = serializers.IntegerField(help_text="from 1; in XML, the number of the item")
    product_id = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class SampleSerializer(serializers.Serializer[dict[str, Any]]):
    product_id = serializers.CharField()
    images = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()


class ColumnSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(allow_blank=True)
    field = serializers.CharField(allow_blank=True, help_text="what it becomes; empty where it is not used")


class FeedPreviewSerializer(serializers.Serializer[dict[str, Any]]):
    """What is in a feed."""

    format = serializers.ChoiceField([name.value for name in Format])
    unit = serializers.ChoiceField(["line", "item"], help_text="what the feed is counted in")
    products = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="lines that give way to a later one of the same product")
    repeats = FeedErrorSerializer(many=True)
    skipped = serializers.IntegerField(help_text="that the feed itself says are not to be found")
    skipped_reasons = serializers.DictField(child=serializers.IntegerField())
    invalid = serializers.IntegerField()
    errors = FeedErrorSerializer(many=True)  # type: ignore[assignment]  # a field, not the errors of this serializer
    sample = SampleSerializer(many=True)
    columns = ColumnSerializer(many=True)


class FeedDiffSerializer(FeedPreviewSerializer):
    """What is in a feed, and what it would do to the catalogue."""

    added = serializers.IntegerField()
    updated = serializers.IntegerField()
    metadata_only = serializers.IntegerField(help_text="of the updated, those whose pictures stay as they are")
    unchanged = serializers.IntegerField()
    removed = serializers.IntegerField()
    removed_sample = serializers.ListField(child=serializers.CharField())
    removal_share = serializers.FloatField(help_text="of your products, 0 to 1")
    max_removal_share = serializers.FloatField()
    lines_without_id = serializers.IntegerField(help_text="that cannot be read, and may be of any product")
    would_be_refused = serializers.BooleanField()


class ImportStartedSerializer(serializers.Serializer[dict[str, Any]]):
    job_id = serializers.CharField()
    status = serializers.CharField()
    total = serializers.IntegerField()


class SyncStartedSerializer(ImportStartedSerializer):
    added = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    removed = serializers.IntegerField()
    invalid = serializers.IntegerField()


_BODIES = dict.fromkeys(("multipart/form-data", *MEDIA_TYPES), OpenApiTypes.BINARY) | {
    "multipart/form-data": {
        "type": "object",
        "properties": {FILE: {"type": "string", "format": "binary"}},
        "required": [FILE],
    }
}
_PREVIEW = {
    "format": "csv",
    "unit": "line",
    "products": 2,
    "repeated": 1,
    "repeats": [
        {"line": 2, "product_id": "shoe-001", "message": "shoe-001 also stands in line 5; the last one counts."}
    ],
    "skipped": 0,
    "skipped_reasons": {},
    "invalid": 1,
    "errors": [{"line": 4, "product_id": "shoe-003", "message": "It has no picture."}],
    "sample": [
        {
            "product_id": "shoe-001",
            "images": ["https://example.com/blue-sneaker.jpg"],
            "metadata": {"name": "Blue Running Sneaker", "price": 89.99, "currency": "EUR"},
        }
    ],
    "columns": [
        {"name": "SKU", "field": "product_id"},
        {"name": "Image", "field": "image_url"},
        {"name": "Title", "field": "metadata.name"},
        {"name": "Price", "field": "metadata.price"},
    ],
}
_DIFF = {
    "added": 1,
    "updated": 1,
    "metadata_only": 1,
    "unchanged": 40,
    "removed": 2,
    "removed_sample": ["shoe-007", "shoe-009"],
    "removal_share": 0.0465,
    "max_removal_share": 0.2,
    "lines_without_id": 0,
    "would_be_refused": False,
}
_CHANGES = {"added": 1, "updated": 1, "unchanged": 40, "removed": 1, "invalid": 0}
_STARTED = {"job_id": "job-abc123", "status": "processing", "total": 3}


class ImportView(FeedView):
    """Adds or replaces the products of a file."""

    required_permissions = {"POST": "products:bulk"}
    parser_classes = FEED_PARSERS

    @extend_schema(
        operation_id="import_products",
        tags=["Products"],
        summary="Import a file of products",
        description="Takes NDJSON, CSV, the product exports of Shopify and WooCommerce, and XML of Google Merchant, "
        "as the body or as `file` of a form; which of them it is, is found out. Starts a job, as a bulk request does. "
        "With `dry_run=true` nothing is changed, and the answer tells how the file was understood.",
        parameters=[ImportInput],
        request=_BODIES,
        responses={202: ImportStartedSerializer, 200: FeedPreviewSerializer},
        examples=[answered("Started", _STARTED, 202), answered("Dry run", _PREVIEW)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        options, feed = _parse(request, ImportInput)
        tenant = request.auth.tenant
        if options["dry_run"]:
            return Response(preview_import(tenant, feed))
        job = start_import(
            tenant,
            feed,
            actor=request.auth.actor,
            source=source_of(request.data.file),
            callback_url=options["callback_url"],
        )
        return started(job)


class SyncView(FeedView):
    """Makes the catalogue what a file says."""

    required_permissions = {"POST": "products:delete"}
    parser_classes = FEED_PARSERS

    @extend_schema(
        operation_id="sync_products",
        tags=["Products"],
        summary="Make the catalogue exactly what a file says",
        description="Takes what an import takes, as the whole catalogue: what is new is added, what is different is "
        "changed, what is missing is removed, and what is the same is left alone. Where only metadata differ, pictures "
        "are not fetched. Demo products are never removed.\n\n"
        "With `dry_run=true` nothing is changed, and the answer tells what would be. A feed that would remove more "
        "than `max_removal_share` of your products is refused with 409 `too_many_removals`, unless `force=true`; so "
        "is one that would remove some and has lines that cannot be read. One without a product is always refused.\n\n"
        "Needs `products:bulk` too.",
        parameters=[SyncInput],
        request=_BODIES,
        responses={202: SyncStartedSerializer, 200: FeedDiffSerializer},
        examples=[
            answered("Started", _STARTED | _CHANGES, 202),
            answered("Dry run", _PREVIEW | _DIFF),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        if "products:bulk" not in request.auth.permissions:
            raise MissingPermission("products:bulk")
        options, feed = _parse(request, SyncInput)
        tenant, share = request.auth.tenant, options["max_removal_share"]
        if options["dry_run"]:
            return Response(preview_sync(tenant, feed, max_removal_share=share))
        job, diff = start_sync(
            tenant,
            feed,
            actor=request.auth.actor,
            source=source_of(request.data.file),
            callback_url=options["callback_url"],
            max_removal_share=share,
            force=options["force"],
        )
        counted = {name: getattr(diff, name) for name in ("added", "updated", "unchanged", "removed", "invalid")}
        return started(job, **counted)


def source_of(file: IO[bytes]) -> str:
    """Return the name of an uploaded file, as jobs show it, or ""."""
    name = getattr(file, "name", None)
    return name[:200] if isinstance(name, str) else ""


def _parse(request: ApiRequest, input_: type[ImportInput]) -> tuple[dict[str, Any], OpenFeed]:
    options = input_(data=request.query_params)
    options.is_valid(raise_exception=True)
    fields = options.validated_data
    if not isinstance(request.data, Feed):
        raise exceptions.ValidationError({FILE: [exceptions.ErrorDetail("Send a feed as the body.", "required")]})
    return fields, open_sent_feed(request.data.file, fields.get("format", ""))
