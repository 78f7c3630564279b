"""What an encoder's heads and scores are worth before any merchant's: computed once an encoder, stored, and kept.

It takes some 800 short texts and the demo shop's pictures, whose truth is known, with a copy of each: some seconds with
the bundled encoder, a minute with a large one. The first process that misses it stores it; every other reads it once.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog import locks, models
from catalog.demo.labels import head_labels, picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.encoders import encoder_row
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder
from catalog.vision.head_calibration import calibrate_heads
from catalog.vision.heads import HEADS
from catalog.vision.near_duplicates import Scale, fit_scale, make_copies, nearest_others
from catalog.vision.relevance import (
    UNTOLD,
    Calibration,
    Catalogue,
    Picture,
    Relevance,
    calibrate_image,
    calibrate_text,
)
from catalog.vision.vocabulary import Vocabulary
from catalog.vision.zero_shot import HeadCalibration, ZeroShot, encode_words

# To be raised when the same words and pictures are made another use of: what is stored is then computed anew.
VERSION = 2


@dataclass(frozen=True)
class EncoderHeads:
    """An encoder's calibrated heads, their words, and what its cosines are worth where a catalogue does not tell.

    `duplicates` is what they are called between pictures that may be one.
    """

    zero_shot: ZeroShot
    vocabulary: Vocabulary
    relevance: Relevance
    duplicates: Scale


_learning = threading.Lock()
_known: dict[str, EncoderHeads] = {}


def heads_of(encoder: Encoder) -> EncoderHeads:
    """Return an encoder's heads: from this process, from the database, or computed and stored now."""
    with _learning:
        if encoder.name not in _known:
            row = encoder_row(encoder)
            _known[encoder.name] = _read(_find(row) or _find_or_store(row, encoder), encoder)
        return _known[encoder.name]


def _find(row: models.Encoder) -> models.EncoderHeads | None:
    return models.EncoderHeads.objects.filter(encoder=row, digest=_digest()).first()


def _find_or_store(row: models.Encoder, encoder: Encoder) -> models.EncoderHeads:
    """Compute and store the heads unless another process has just done so; of many that start at once one works."""
    with locks.held(locks.HEADS):
        if stored := _find(row):
            return stored
        stored = models.EncoderHeads.objects.create(encoder=row, digest=_digest(), **_learn(encoder))
        row.heads.exclude(pk=stored.pk).delete()
        return stored


def _read(stored: models.EncoderHeads, encoder: Encoder) -> EncoderHeads:
    words = np.frombuffer(stored.word_vectors, dtype=np.float16).reshape(-1, encoder.dimensions).astype(np.float32)
    return EncoderHeads(
        ZeroShot(words, {name: HeadCalibration.from_json(fields) for name, fields in stored.calibrations.items()}),
        Vocabulary.from_heads(words),
        Relevance(**{mode: Calibration.from_json(fields) for mode, fields in stored.relevance.items()}),
        Scale(**stored.duplicates),
    )


def _learn(encoder: Encoder) -> Mapping[str, Any]:
    # Rounded before anything is fitted to them, since so they are stored.
    words = encode_words(encoder).astype(np.float16)
    drawn = [decode(picture_file(product).read_bytes()) for product in DEMO_PRODUCTS]
    pictures = encoder.encode_images(drawn)
    labels = [head_labels(product.picture) for product in DEMO_PRODUCTS]
    calibrations = calibrate_heads(words.astype(np.float32), pictures, labels)
    return {
        "word_vectors": words.tobytes(),
        "calibrations": {name: asdict(calibration) for name, calibration in calibrations.items()},
        "relevance": asdict(_demo_relevance(encoder, pictures)),
        "duplicates": asdict(_scale_of_duplicates(encoder, drawn, pictures)),
    }


def _scale_of_duplicates(encoder: Encoder, drawn: Sequence[Image], vectors: NDArray[np.float32]) -> Scale:
    """Compare the demo shop's pictures with copies of them, and with each other: each shows another product."""
    copies, of_picture = make_copies(drawn)
    of_copies = (encoder.encode_images(copies) * vectors[of_picture]).sum(axis=1)
    return fit_scale(of_copies, nearest_others(vectors))


def _demo_relevance(encoder: Encoder, pictures: NDArray[np.float32]) -> Relevance:
    """Calibrate relevance on the demo shop as on any other."""
    shown = tuple(
        Picture(number, product.category, product.picture.kind) for number, product in enumerate(DEMO_PRODUCTS)
    )
    categories = sorted({product.category for product in DEMO_PRODUCTS})
    catalogue = Catalogue(
        pictures=shown,
        picture_vectors=pictures,
        meant=(*range(len(shown)), *categories),
        text_vectors=encoder.encode_texts([*(product.name for product in DEMO_PRODUCTS), *categories]),
    )
    return Relevance(text=calibrate_text(catalogue) or UNTOLD, image=calibrate_image(catalogue) or UNTOLD)


def _digest() -> str:
    """Return the SHA-256 of all that the result depends on beside the encoder."""
    return hashlib.sha256(repr((VERSION, HEADS, DEMO_PRODUCTS)).encode()).hexdigest()
