"""Embedding what is stored with another encoder while searches go on, the switch to it, and the end of an old one."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from numpy.typing import NDArray
from PIL.Image import Image

from catalog import encoders, locks, models
from catalog.models import Embedding, Product, ProductImage
from catalog.vector_index import drop_indexes
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder

BATCH = 32
DROP_BATCH = 5_000


def pictures_without_vector(encoder_name: str, *, client_id: str | None = None) -> QuerySet[ProductImage]:
    """Return the pictures, of one tenant or of all, that an encoder has not embedded."""
    embedded = Embedding.objects.filter(image=OuterRef("pk"), encoder__name=encoder_name)
    pictures = ProductImage.objects.filter(~Exists(embedded)).select_related("product")
    return pictures.filter(tenant__client_id=client_id) if client_id else pictures


def embed_pictures(
    pictures: QuerySet[ProductImage], encoder: Encoder, row: models.Encoder, *, on_progress: Callable[[int], object]
) -> list[ProductImage]:
    """Store a vector of every picture; return those whose stored file is gone.

    Each batch is stored for itself, so an interrupted run has only its last batch to repeat. A picture that is
    replaced meanwhile is left for the next run.
    """
    unreadable: list[ProductImage] = []
    for batch in _batches(pictures):
        found = {image: picture for image in batch if (picture := _open(image)) is not None}
        unreadable += _still_stored([image for image in batch if image not in found])
        vectors = encoder.encode_images(list(found.values()))
        _store(row, dict(zip(found, vectors, strict=True)))
        on_progress(len(batch))
    return unreadable


def switch_if_complete(row: models.Encoder, *, without: Collection[ProductImage]) -> bool:
    """Let an encoder serve if it has a vector of every picture but these; return whether it serves.

    Nothing is stored by others meanwhile. A product that waits to be stored gets its vector of the new encoder.
    """
    with transaction.atomic():
        locks.take_until_commit(locks.SWITCH)
        missing = pictures_without_vector(row.name).exclude(pk__in=[image.pk for image in without])
        if missing.exists():
            return False
        encoders.serve_with(row)
    encoders.forget()
    return True


def drop_encoder(row: models.Encoder, *, on_progress: Callable[[int], object]) -> None:
    """Delete an encoder's vectors, their indexes and its row; an interrupted run is finished by another one."""
    drop_indexes(row)
    while batch := list(row.embeddings.values_list("pk", flat=True)[:DROP_BATCH]):
        Embedding.objects.filter(pk__in=batch).delete()
        on_progress(len(batch))
    row.delete()
    encoders.forget()


@transaction.atomic
def _store(encoder: models.Encoder, vectors: Mapping[ProductImage, NDArray[np.float32]]) -> None:
    """Store the vectors of those pictures that are still the ones that were embedded."""
    # Whoever changes or deletes a product's pictures locks the product first, too.
    products = Product.objects.filter(pk__in={image.product_id for image in vectors})
    list(products.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    unchanged = _still_stored(list(vectors))
    Embedding.objects.bulk_create(
        [
            Embedding(
                tenant_id=image.tenant_id,
                product_id=image.product_id,
                image=image,
                encoder=encoder,
                vector=vectors[image],
            )
            for image in unchanged
        ],
        ignore_conflicts=True,
    )


def _still_stored(images: Sequence[ProductImage]) -> list[ProductImage]:
    """Return those whose rows are as they were: the file of a picture that was replaced meanwhile went with it."""
    present = dict(ProductImage.objects.filter(pk__in=[image.pk for image in images]).values_list("pk", "sha256"))
    return [image for image in images if present.get(image.pk) == image.sha256]


def _batches(pictures: QuerySet[ProductImage]) -> Iterator[list[ProductImage]]:
    last_pk = 0
    while batch := list(pictures.filter(pk__gt=last_pk).order_by("pk")[:BATCH]):
        yield batch
        last_pk = batch[-1].pk


def _open(image: ProductImage) -> Image | None:
    try:
        with image.thumbnail.open() as file:
            return decode(file.read())
    except FileNotFoundError:
        return None
