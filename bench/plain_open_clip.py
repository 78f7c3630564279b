"""Visual search as one writes it in an afternoon: open_clip on torch, one picture at a time."""

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

    def encode_picture(self, file: Path) -> NDArray[np.float32]:
        """Return the unit vector of a picture file."""
        pixels = self._preprocess(Image.open(file)).unsqueeze(0)
        with torch.inference_mode():
            return _to_unit(self._model.encode_image(pixels))

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a text."""
        with torch.inference_mode():
            return _to_unit(self._model.encode_text(self._tokenizer([text])))


def _to_unit(vectors: torch.Tensor) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = torch.nn.functional.normalize(vectors, dim=-1).numpy()[0]
    return unit
