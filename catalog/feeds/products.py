"""The products of a feed, checked: what reads them knows nothing of tenants, what is written here does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from rest_framework import exceptions

from accounts.models import Tenant
from accounts.parsers import parse_json
from catalog.custom_fields import custom_fields, find_metadata_misfit
from catalog.documents import (
    MAX_IMAGES,
    MAX_URL_LENGTH,
    RESERVED_IDS,
    ProductDocument,
    ProductInput,
    images_of,
    promote,
    require_few_keys,
)
from catalog.feeds.formats.detection import open_feed
from catalog.feeds.formats.entries import FeedError, FeedFormatError, FeedProduct, Format, OpenFeed, Skipped
from catalog.feeds.formats.values import parse_amount, parse_availability, split_list
from catalog.models import CustomField
from catalog.validation_messages import sentence

Type = CustomField.Type


class UnknownFeed(exceptions.ValidationError):
    """A file that we cannot read as any feed, or not as the one that it is said to be."""

    def __init__(self, error: FeedFormatError) -> None:
        super().__init__({"file": [exceptions.ErrorDetail(str(error), "unknown_format")]})


@dataclass(frozen=True)
class ReadProduct:
    """A product of a feed that is well-formed."""

    line: int
    document: ProductDocument


def open_sent_feed(file: IO[bytes], format_: str = "") -> OpenFeed:
    """Return a feed that somebody has sent. Raises UnknownFeed."""
    try:
        return open_feed(file, parse_json, Format(format_) if format_ else None)
    except FeedFormatError as error:
        raise UnknownFeed(error) from error


def read_products(tenant: Tenant, feed: OpenFeed) -> Iterator[ReadProduct | FeedError | Skipped]:
    """Yield the products of a feed, and what is wrong with the others."""
    # One for all of them: to make it takes longer than to use it.
    check = ProductInput()
    for entry in feed.read():
        yield _checked(tenant, feed, check, entry) if isinstance(entry, FeedProduct) else entry


def _checked(tenant: Tenant, feed: OpenFeed, check: ProductInput, entry: FeedProduct) -> ReadProduct | FeedError:
    sent = entry.sent if feed.format is Format.NDJSON else _typed(tenant, entry.sent)
    product_id = sent.get("product_id")
    known_id = product_id if isinstance(product_id, str) else ""
    try:
        fields = _checked_fields(sent, check, is_table=feed.format is not Format.NDJSON)
    except exceptions.ValidationError as error:
        return FeedError(entry.line, sentence(error.detail).removeprefix(": "), known_id)
    images = images_of(fields)
    if (strange := next((image for image in images if not _is_addressed(image)), None)) is not None:
        return FeedError(entry.line, f"{strange[:80]!r} is no address of a picture: it begins with https://.", known_id)
    metadata = fields.get("metadata", {})
    if (misfit := find_metadata_misfit(tenant, metadata)) is not None:
        return FeedError(entry.line, f"metadata.{misfit.key}: {misfit.message}", known_id)
    return ReadProduct(entry.line, ProductDocument(fields["product_id"], images, metadata))


def _is_addressed(image: str) -> bool:
    """Return whether this is a web address or a data URI: in a file nobody means base64 by a text without either."""
    return image[:8].lower().startswith(("https://", "http://", "data:"))


def _checked_fields(sent: dict[str, Any], check: ProductInput, *, is_table: bool) -> Mapping[str, Any]:
    if is_table and not sent["images"]:
        raise exceptions.ValidationError("It has no picture.")
    if not is_table or not _is_plain(sent):
        fields: Mapping[str, Any] = check.run_validation(sent)
        return fields
    try:
        require_few_keys(sent["metadata"])
        promote(sent["metadata"])
    except exceptions.ValidationError as error:
        raise exceptions.ValidationError({"metadata": error.detail}) from error
    return sent


def _is_plain(sent: Mapping[str, Any]) -> bool:
    """Return whether id and pictures of a table's product are what `ProductInput` lets through, in a tenth of its time.

    Whatever is not is left to it, which knows what to say.
    """
    product_id, images = sent["product_id"], sent["images"]
    if not images or not all(0 < len(image) <= MAX_URL_LENGTH for image in images):
        return False
    return 0 < len(product_id) <= 255 and "/" not in product_id and product_id not in RESERVED_IDS


def _typed(tenant: Tenant, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a product of a table, whose cells are all texts, with the types that the tenant has declared."""
    metadata = dict(sent["metadata"])
    for field in custom_fields(tenant):
        if isinstance(text := metadata.get(field.key), str):
            metadata[field.key] = _as_declared(field, text)
    # An export lists all pictures that a shop has; the first ones are what a shopper sees.
    return {**sent, "images": sent["images"][:MAX_IMAGES], "metadata": metadata}


def _as_declared(field: CustomField, text: str) -> Any:
    match field.type:
        case Type.NUMBER:
            try:
                return parse_amount(text)[0]
            except ValueError:
                return text
        case Type.BOOLEAN:
            truth = parse_availability(text)
            return text if truth is None else truth
        case Type.STRINGS:
            return split_list(text)
    return text
