"""What webhooks tell of products: the `data` of each event, as the documentation of webhooks shows it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.webhooks.events import timestamp
from catalog.errors import IndexingError
from catalog.models import Product

# An event is less than 20,000 bytes (Standard Webhooks advises so), and beside its data has room for its head.
MAX_BYTES = 19_000

MISSING = object()


def indexed_data(product: Product, *, vector_id: str) -> dict[str, Any]:
    """Return what is told of a product that can be found from now on."""
    assert product.indexed_at is not None
    data = {
        "product_id": product.product_id,
        "vector_id": vector_id,
        "image_url": product.image_urls[0],
        "metadata": product.metadata,
        "indexed_at": timestamp(product.indexed_at),
    }
    return _small_enough(data, "metadata", "image_url")


def first_vector_id(product: Product) -> str:
    """Return the id of the vector of a stored product's cover."""
    embedding = product.embeddings.order_by("image__position").first()
    assert embedding is not None
    return embedding.vector_id


def updated_data(
    product_id: str, changes: Sequence[str], previous_image_url: str, new_image_url: str, at: datetime
) -> dict[str, Any]:
    """Return what is told of a product that is another than it was.

    `changes` names what is: `image_url`, `images` and `metadata.<key>`. An address is empty for a picture that was sent
    inside the request.
    """
    data = {
        "product_id": product_id,
        "changes": list(changes),
        "previous_image_url": previous_image_url,
        "new_image_url": new_image_url,
        "updated_at": timestamp(at),
    }
    return _small_enough(data, "changes", "previous_image_url", "new_image_url")


def deleted_data(product_id: str, at: datetime) -> dict[str, Any]:
    """Return what is told of a product that is no more."""
    return {"product_id": product_id, "deleted_at": timestamp(at)}


def failed_data(product_id: str, image_url: str, error: IndexingError, at: datetime) -> dict[str, Any]:
    """Return what is told of a product whose picture cannot be used."""
    data = {
        "product_id": product_id,
        "image_url": image_url,
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "failed_at": timestamp(at),
    }
    return _small_enough(data, "image_url")


def metadata_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return `metadata.<key>` for each key that was added, changed or removed; the keys of before come first."""
    keys = dict.fromkeys([*before, *after])
    return [f"metadata.{key}" for key in keys if not same(before.get(key, MISSING), after.get(key, MISSING))]


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same in JSON; the kind of a number does not matter."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    # To Python true is 1; to a shop it is not.
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _small_enough(data: dict[str, Any], *omissible: str) -> dict[str, Any]:
    """Return data without the first of these parts that it is too large with; it says which were left out."""
    for part in omissible:
        if len(json.dumps(data)) <= MAX_BYTES:
            break
        del data[part]
        data[f"{part}_omitted"] = True
    return data
