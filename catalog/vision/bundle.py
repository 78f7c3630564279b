"""An encoder on disk: a folder with `encoder.json` and the files that it speaks of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

MANIFEST = "encoder.json"


class EncoderError(Exception):
    """An encoder that cannot be loaded, or that gives something other than its bundle promises."""


@dataclass(frozen=True)
class OnnxBundle:
    """An encoder for onnxruntime: `encoder.json`, `image.onnx`, `text.onnx` and `tokenizer.json`.

    The fields stand in `encoder.json` under the same names, beside `"runtime": "onnx"`:

    - `name`: vectors of two names are never compared. `dimensions`: the length of a vector.
    - `image_size`: side of the square input in pixels. `mean`, `std`: per channel, of values in 0..1.
    - `resize_mode`: `shortest` = short side to `image_size`, then the centre cut out; `longest` = long side
      to `image_size`, then `fill_color` (0..255, 0 when left out) around it; `squash` = both sides.
    - `interpolation`: `bicubic` or `bilinear`. `reducing_gap`: pictures are first reduced, by averaging, to no
      less than so many times the size asked for, which is quick and not quite the same (3 when left out);
      null = scaled in one step, to the very pixels that open_clip gives its models.
    - `context_length`: the most tokens of a text. `cut_at_end`: true when nothing behind the last token can
      change the vector (causal towers pooled at the end, as CLIP's), so that a text is run at its own length;
      false when the tower reads every place (as SigLIP's), so that a text is padded to `context_length`.
    - `text_cleaning`: `ftfy` = broken Unicode repaired and HTML entities resolved before the tokenizer, as
      open_clip does for CLIP; `none` = the text as it is.
    - `image_input`, `text_input`, `output`: names of the tensors. Pixels are float32 (n, 3, side, side), ids
      int64 (n, tokens), outputs float32 (n, dimensions).

    Preprocessing words mean what they mean in open_clip (`open_clip.transform.PreprocessCfg`). Other keys are
    notes for people, such as `parts`: which places of the vector tell what.
    """

    folder: Path
    name: str
    dimensions: int
    image_size: int
    resize_mode: str
    interpolation: str
    reducing_gap: int | None
    fill_color: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    context_length: int
    cut_at_end: bool
    text_cleaning: str
    image_input: str
    text_input: str
    output: str


@dataclass(frozen=True)
class OpenClipBundle:
    """An encoder for torch and open_clip: `encoder.json` alone, with `"runtime": "open_clip"`.

    - `name`, `dimensions`: as in `OnnxBundle`.
    - `model`: a name that open_clip knows, or `local-dir:PATH`, absolute or seen from the bundle's folder.
    - `pretrained`: open_clip's tag or a file of weights; left out with `local-dir:`, which brings its own.
    """

    folder: Path
    name: str
    dimensions: int
    model: str
    pretrained: str | None


def read_bundle(folder: Path) -> OnnxBundle | OpenClipBundle:
    """Return what a folder's `encoder.json` says; raise EncoderError naming the field at fault."""
    manifest = _Manifest(folder / MANIFEST)
    if manifest.choice("runtime", ["onnx", "open_clip"]) == "open_clip":
        return OpenClipBundle(
            folder=folder,
            name=manifest.text("name"),
            dimensions=manifest.positive("dimensions"),
            model=manifest.text("model"),
            pretrained=manifest.text("pretrained") if "pretrained" in manifest.fields else None,
        )
    return OnnxBundle(
        folder=folder,
        name=manifest.text("name"),
        dimensions=manifest.positive("dimensions"),
        image_size=manifest.positive("image_size"),
        resize_mode=manifest.choice("resize_mode", ["shortest", "longest", "squash"]),
        interpolation=manifest.choice("interpolation", ["bicubic", "bilinear"]),
        reducing_gap=manifest.positive_or_null("reducing_gap") if "reducing_gap" in manifest.fields else 3,
        fill_color=manifest.byte("fill_color") if "fill_color" in manifest.fields else 0,
        mean=manifest.channels("mean"),
        std=manifest.channels("std"),
        context_length=manifest.positive("context_length"),
        cut_at_end=manifest.flag("cut_at_end"),
        text_cleaning=manifest.choice("text_cleaning", ["ftfy", "none"]),
        image_input=manifest.text("image_input"),
        text_input=manifest.text("text_input"),
        output=manifest.text("output"),
    )


class _Manifest:
    """The fields of one `encoder.json`, each checked as it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.fields = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise EncoderError(f"Cannot read {path}: {error.strerror}.") from error
        except ValueError as error:
            raise EncoderError(f"{path} is not JSON: {error}") from error
        if not isinstance(self.fields, dict):
            raise EncoderError(f"{path} must hold one JSON object.")

    def text(self, key: str) -> str:
        value = self._value(key)
        return value if isinstance(value, str) and value else self._refuse(key, "a text")

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        value = self._value(key)
        return str(value) if value in allowed else self._refuse(key, "one of " + ", ".join(allowed))

    def positive(self, key: str) -> int:
        value = self._value(key)
        return value if type(value) is int and value > 0 else self._refuse(key, "a whole number above 0")

    def positive_or_null(self, key: str) -> int | None:
        return None if self._value(key) is None else self.positive(key)

    def byte(self, key: str) -> int:
        value = self._value(key)
        return value if type(value) is int and 0 <= value <= 255 else self._refuse(key, "in 0..255")

    def flag(self, key: str) -> bool:
        value = self._value(key)
        return value if isinstance(value, bool) else self._refuse(key, "true or false")

    def channels(self, key: str) -> tuple[float, ...]:
        value = self._value(key)
        if isinstance(value, list) and len(value) == 3 and all(type(part) in (int, float) for part in value):
            return tuple(float(part) for part in value)
        return self._refuse(key, "three numbers (red, green, blue)")

    def _value(self, key: str) -> Any:
        if key not in self.fields:
            raise EncoderError(f"{self.path} lacks the field {key!r}.")
        return self.fields[key]

    def _refuse(self, key: str, expected: str) -> NoReturn:
        raise EncoderError(f"{self.path}: {key!r} must be {expected}, not {self.fields[key]!r}.")
