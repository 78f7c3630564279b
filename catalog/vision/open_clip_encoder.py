"""An encoder on torch and open_clip: for workers with a GPU, and for models that nobody has exported yet."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog.vision.bundle import EncoderError, OpenClipBundle
from catalog.vision.torchvision_compat import import_open_clip
from catalog.vision.unit_rows import to_unit_rows

# Enough to keep a GPU busy with pictures of 224 x 224; more only takes memory.
MAX_BATCH = 64

LOCAL = "local-dir:"


class OpenClipEncoder:
    """A model of open_clip's with its own preprocessing and tokenizer, on the GPU if there is one.

    Does what `encoder.Encoder` says.
    """

    def __init__(self, bundle: OpenClipBundle, *, threads: int) -> None:
        self.name = bundle.name
        self.dimensions = bundle.dimensions
        try:
            open_clip = import_open_clip()
        except ImportError as error:
            raise EncoderError(f"Cannot load encoder {bundle.name}: {error}") from error
        # Imported here: torch takes seconds and 300 MB, which nobody pays who serves an exported encoder.
        import torch

        torch.set_num_threads(threads)
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        model = _locate(bundle)
        try:
            self._model, self._to_pixels = open_clip.create_model_from_pretrained(
                model, pretrained=bundle.pretrained, device=self._device
            )
            self._to_ids = open_clip.get_tokenizer(model)
        except (RuntimeError, OSError, ValueError) as error:
            raise EncoderError(f"Cannot load {model} (encoder {bundle.name}): {error}") from error
        self._model.eval()

    def encode_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the vectors of RGB pictures as float32 (n, dimensions)."""
        return self._encode(images, lambda batch: self._model.encode_image(self._pixels_of(batch)))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 (n, dimensions), each cut to the model's context."""
        return self._encode(texts, lambda batch: self._model.encode_text(self._ids_of(batch)))

    def _pixels_of(self, images: Sequence[Image]) -> Any:
        return self._torch.stack([self._to_pixels(image) for image in images]).to(self._device)

    def _ids_of(self, texts: Sequence[str]) -> Any:
        return self._to_ids(list(texts)).to(self._device)

    def _encode(self, items: Sequence[Any], tower: Callable[[Sequence[Any]], Any]) -> NDArray[np.float32]:
        rows = [np.empty((0, self.dimensions), dtype=np.float32)]
        with self._torch.inference_mode():
            for start in range(0, len(items), MAX_BATCH):
                batch = items[start : start + MAX_BATCH]
                vectors = tower(batch).float().cpu().numpy()
                rows.append(to_unit_rows(vectors, (len(batch), self.dimensions), name=self.name))
        return np.concatenate(rows)


def _locate(bundle: OpenClipBundle) -> str:
    """Return the model as open_clip wants it, a local folder seen from the bundle's own."""
    if not bundle.model.startswith(LOCAL):
        return bundle.model
    return f"{LOCAL}{bundle.folder / bundle.model.removeprefix(LOCAL)}"
