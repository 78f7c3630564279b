"""Embedding what is stored with another encoder, while searches go on with the one that serves."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from numpy.typing import NDArray
from PIL.Image import Image

from catalog import models
from catalog.encoders import encoder_row
from catalog.models import Embedding, ProductImage
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder

BATCH = 32


def pictures_without_vector(encoder: Encoder, *, client_id: str | None = None) -> QuerySet[ProductImage]:
    """Return the pictures, of one tenant or of all, that this encoder has not embedded."""
    embedded = Embedding.objects.filter(image=OuterRef("pk"), encoder=encoder_row(encoder))
    pictures = ProductImage.objects.filter(~Exists(embedded)).select_related("product")
    return pictures.filter(tenant__client_id=client_id) if client_id else pictures


def embed_pictures(
    pictures: QuerySet[ProductImage], encoder: Encoder, *, on_progress: Callable[[int], object]
) -> list[ProductImage]:
    """Store a vector of every picture; return those whose stored file is gone.

    Each batch is stored for itself, so an interrupted run has only its last batch to repeat. A picture that is
    replaced meanwhile is left for the next run.
    """
    unreadable: list[ProductImage] = []
    for batch in _batches(pictures):
        found = {image: picture for image in batch if (picture := _open(image)) is not None}
        unreadable += [image for image in batch if image not in found]
        vectors = encoder.encode_images(list(found.values()))
        _store(encoder_row(encoder), dict(zip(found, vectors, strict=True)))
        on_progress(len(batch))
    return unreadable


@transaction.atomic
def _store(encoder: models.Encoder, vectors: Mapping[ProductImage, NDArray[np.float32]]) -> None:
    """Store the vectors of those pictures that are still the ones that were embedded."""
    locked = ProductImage.objects.select_for_update().filter(pk__in=[image.pk for image in vectors])
    present = dict(locked.values_list("pk", "sha256"))
    Embedding.objects.bulk_create(
        [
            Embedding(
                tenant_id=image.tenant_id, product_id=image.product_id, image=image, encoder=encoder, vector=vector
            )
            for image, vector in vectors.items()
            if present.get(image.pk) == image.sha256
        ],
        ignore_conflicts=True,
    )


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
