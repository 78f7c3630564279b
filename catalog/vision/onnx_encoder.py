"""An encoder on onnxruntime: the default on CPUs, with no torch in the process."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ftfy
import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.capi import onnxruntime_pybind11_state as faults
from PIL.Image import Image
from tokenizers import Tokenizer

from catalog.vision.bundle import EncoderError, OnnxBundle
from catalog.vision.preprocessing import to_pixels
from catalog.vision.unit_rows import to_unit_rows

# Where the most pictures a second come out (onnxruntime 1.31, one thread, ms a picture at 1, 4 and 16 together):
# scout-2 12.9, 12.0, 13.2; a ViT-B-32 in int8 24.8, 18.2, 20.7. Larger batches fall out of the processor's caches,
# and onnxruntime keeps the memory of the largest: scout-2 holds 197 MB after 4, 458 MB after 16.
MAX_BATCH = 4

# onnxruntime derives these from Exception and from nothing nearer.
RUNTIME_FAULTS = (
    faults.EPFail,
    faults.Fail,
    faults.InvalidArgument,
    faults.InvalidGraph,
    faults.InvalidProtobuf,
    faults.NoSuchFile,
    faults.NotImplemented,
    faults.RuntimeException,
)


class OnnxEncoder:
    """Both towers of a bundle as onnxruntime sessions; does what `encoder.Encoder` says."""

    def __init__(self, bundle: OnnxBundle, *, threads: int) -> None:
        self.name = bundle.name
        self.dimensions = bundle.dimensions
        self._bundle = bundle
        self._image_tower = _load_tower(bundle.folder / "image.onnx", threads=threads)
        self._text_tower = _load_tower(bundle.folder / "text.onnx", threads=threads)
        self._tokenizer = _load_tokenizer(bundle)

    def encode_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the vectors of RGB pictures as float32 (n, dimensions)."""
        rows = [self._no_rows]
        for start in range(0, len(images), MAX_BATCH):
            pixels = to_pixels(images[start : start + MAX_BATCH], self._bundle)
            rows.append(self._run(self._image_tower, self._bundle.image_input, pixels))
        return np.concatenate(rows)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 (n, dimensions), each cut to `context_length` tokens.

        Texts run one by one: a quantised tower scales its activations by the whole batch, so in company the
        same words would get another vector (up to 0.006 apart in scout-1) than they have in a cache.
        """
        rows = [self._no_rows]
        for text in texts:
            rows.append(self._run(self._text_tower, self._bundle.text_input, self._to_ids(text)))
        return np.concatenate(rows)

    @property
    def _no_rows(self) -> NDArray[np.float32]:
        return np.empty((0, self.dimensions), dtype=np.float32)

    def _to_ids(self, text: str) -> NDArray[np.int64]:
        if self._bundle.text_cleaning == "ftfy":
            text = html.unescape(html.unescape(ftfy.fix_text(text)))
        return np.array([self._tokenizer.encode(text).ids], dtype=np.int64)

    def _run(self, tower: InferenceSession, name: str, batch: NDArray[Any]) -> NDArray[np.float32]:
        try:
            (vectors,) = tower.run([self._bundle.output], {name: batch})
        except (*RUNTIME_FAULTS, ValueError) as error:
            raise EncoderError(f"Encoder {self.name} failed: {error}") from error
        return to_unit_rows(vectors, (len(batch), self.dimensions), name=self.name)


def _load_tower(path: Path, *, threads: int) -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = threads
    # Idle threads would otherwise spin after every call and eat the cores of the web workers beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except RUNTIME_FAULTS as error:
        raise EncoderError(f"Cannot load {path}: {error}") from error


def _load_tokenizer(bundle: OnnxBundle) -> Tokenizer:
    path = bundle.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing more exact
        raise EncoderError(f"Cannot load {path}: {error}") from error
    tokenizer.enable_truncation(bundle.context_length)
    if bundle.cut_at_end:
        tokenizer.no_padding()
    elif tokenizer.padding is None:
        raise EncoderError(f"{path} names no padding token, which a bundle without cut_at_end needs.")
    else:
        tokenizer.enable_padding(**{**tokenizer.padding, "length": bundle.context_length})
    return tokenizer
