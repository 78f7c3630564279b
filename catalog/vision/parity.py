"""Whether an encoder gives the vectors of the model that it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image, Resampling, fromarray

from catalog.vision.encoder import Encoder
from catalog.vision.open_clip_source import Original

# Across ways of scaling and cropping: wide, tall, narrower than any input, a single pixel, a large photograph.
SIZES = ((320, 240), (90, 380), (300, 101), (64, 64), (1, 1), (2400, 2000))

# Words as shops have them, and what a shopper or an attacker may paste.
TEXTS = (
    "red summer dress",
    "Women's T-shirt, 100% cotton - it's NEW & we'll ship",
    "größe M, café au lait, l'été, 3.5\" heel",
    "ΓΥΝΑΙΚΕΙΟΣ ΣΑΚΟΣ, İPEK, ﬁne ǅ",
    "日本語のドレス 赤い кроссовки فستان أحمر",
    "\U0001f457 \U0001f468\u200d\U0001f469\u200d\U0001f467 \ufe0f\u200b",
    "<b>html</b> &amp;amp; &lt;script&gt; &#8364;5 e&#769;",
    "schÃ¶n, broken â€œUnicodeâ€\x9d",
    "<end_of_text> then <START_OF_TEXT>",
    "\ud800 lone, \x00 null, \x1c separator, \x0b tab\r\n line",
    "snake_case--and!!punctuation?;..(yes)",
    "1234567890 " * 20,
    "x" * 400,
    "a " * 120,
    "   ",
    "",
)


@dataclass(frozen=True)
class Parity:
    """The least cosine between an encoder's vectors and the original's, over all pictures and all texts."""

    images: float
    texts: float


def measure_parity(encoder: Encoder, original: Original) -> Parity:
    """Return how near an encoder comes to its original, on drawn pictures of SIZES and on TEXTS."""
    pictures = _draw_pictures()
    with torch.inference_mode():
        images = original.model.encode_image(torch.stack([original.to_pixels(image) for image in pictures]))
        texts = original.model.encode_text(original.tokenizer(list(TEXTS)))
    return Parity(
        images=_least_cosine(encoder.encode_images(pictures), images.numpy()),
        texts=_least_cosine(encoder.encode_texts(TEXTS), texts.numpy()),
    )


def _draw_pictures() -> Sequence[Image]:
    """Return blobs of colour under noise, the same at every call."""
    random = np.random.default_rng(seed=0)
    pictures = []
    for width, height in SIZES:
        blobs = fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        spread = np.asarray(blobs.resize((width, height), Resampling.BICUBIC))
        pictures.append(fromarray(spread // 2 + noise // 2))
    return pictures


def _least_cosine(units: NDArray[np.float32], vectors: NDArray[np.float32]) -> float:
    lengths = np.linalg.norm(vectors, axis=1)
    return float(((units * vectors).sum(axis=1) / lengths).min())
