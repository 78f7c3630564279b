"""Visual search as one writes it in an afternoon: open_clip on torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from catalog.vision.torchvision_compat import import_open_clip


class PlainOpenClip:
    """A model of open_clip's with its own preprocessing and tokenizer."""

    def __init__(self, model: str, *, threads: int) -> None:
        open_clip = import_open_clip()
        torch.set_num_threads(threads)
        self._model, _, self._preprocess = open_clip.create_model_and_transforms(model)
        self._tokenizer = open_clip.get_tokenizer(model)
        self._model.eval()

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors of pictures."""
        pixels = torch.stack([self._preprocess(image) for image in images])
        with torch.inference_mode():
            return _to_units(self._model.encode_image(pixels))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of texts."""
        with torch.inference_mode():
            return _to_units(self._model.encode_text(self._tokenizer(list(texts))))

    def encode_picture(self, file: Path) -> NDArray[np.float32]:
        """Return the unit vector of a picture file."""
        vector: NDArray[np.float32] = self.encode_images([Image.open(file)])[0]
        return vector

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a text."""
        vector: NDArray[np.float32] = self.encode_texts([text])[0]
        return vector


def _to_units(vectors: torch.Tensor) -> NDArray[np.float32]:
    units: NDArray[np.float32] = torch.nn.functional.normalize(vectors, dim=-1).numpy()
    return units
