"""The encoder that this installation serves with, loaded once a process."""

import functools
import threading

from django.conf import settings

from catalog import models
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.product_types import ProductTypes

_loading = threading.Lock()


def active_encoder() -> Encoder:
    """Return the encoder that ENCODER names. Raises EncoderError when its bundle cannot be loaded."""
    with _loading:
        return _load_once(settings.ENCODER)


@functools.cache
def _load_once(name: str) -> Encoder:
    return load_named_encoder(name)


def load_named_encoder(name: str | None) -> Encoder:
    """Return an encoder of ENCODER_DIR by its name, any by its path, or the active one. Raises EncoderError."""
    if name is None:
        return active_encoder()
    return load_encoder(settings.ENCODER_DIR / name, threads=settings.ENCODER_THREADS)


def active_product_types() -> ProductTypes:
    """Return the kinds of products as the active encoder sees them."""
    return _product_types(settings.ENCODER)


@functools.cache
def _product_types(name: str) -> ProductTypes:
    return ProductTypes(active_encoder())


def encoder_row(encoder: Encoder) -> models.Encoder:
    """Return the row that this encoder's vectors refer to."""
    return _encoder_row(encoder.name, encoder.dimensions)


@functools.cache
def _encoder_row(name: str, dimensions: int) -> models.Encoder:
    row, _ = models.Encoder.objects.get_or_create(name=name, defaults={"dimensions": dimensions})
    return row
