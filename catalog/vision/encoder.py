"""What turns pictures and words into vectors of one space, whatever runs underneath."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from PIL.Image import new as new_image

from catalog.vision.bundle import EncoderError, OpenClipBundle, read_bundle
from catalog.vision.onnx_encoder import OnnxEncoder
from catalog.vision.open_clip_encoder import OpenClipEncoder

__all__ = ["Encoder", "EncoderError", "load_encoder"]


class Encoder(Protocol):
    """A dual encoder: the cosine of a picture's and a text's vector says how well they fit.

    Vectors are float32 rows of length 1; no pictures or texts give an array of shape (0, dimensions).
    Load one per process, after a fork, which the runtimes' threads do not survive. Threads may share one.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode_images(self, images: Sequence[Image]) -> NDArray[np.float32]: ...

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def load_encoder(bundle: Path, *, threads: int = 2) -> Encoder:
    """Return the encoder in a bundle's folder, tried once; raise EncoderError when it cannot serve.

    `threads` is the number of CPU threads for one call.
    """
    description = read_bundle(bundle)
    encoder: Encoder = (
        OpenClipEncoder(description, threads=threads)
        if isinstance(description, OpenClipBundle)
        else OnnxEncoder(description, threads=threads)
    )
    # A tower that does not fit its bundle fails here, as a process starts, and not under the first shopper.
    encoder.encode_images([new_image("RGB", (1, 1))])
    encoder.encode_texts(["shoe"])
    return encoder
