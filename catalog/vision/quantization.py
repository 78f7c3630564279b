"""An exported bundle in 8-bit integers: each tower only if it still finds what it finds in float32."""

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog.vision.bundle import MANIFEST, EncoderError, OnnxBundle, read_bundle
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.int8 import FloatTower, prepare_tower, write_int8
from catalog.vision.preprocessing import to_pixels

# The share of float32's ten nearest pictures that int8 must have among its own.
MIN_AGREEMENT = 0.98
NEIGHBOURS = 10

# Where all layers together are too coarse, so many groups, one behind the other in the net, are tried each by
# itself, and those that do the most harm stay float32: half of them at most, or hardly any speed is won.
GROUPS = 8
GROUPS_LEFT_OUT = (1, 2, 4)

# Pictures or texts by which groups are ranked, and pictures by which a convolutional net is calibrated.
SAMPLE = 32
MAX_QUERIES = 200

Tower = Literal["image", "text"]
TOWERS: tuple[Tower, ...] = ("image", "text")

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """Real pictures, a hundred or more and some of them alike, and texts that people search them with."""

    pictures: Sequence[Image]
    texts: Sequence[str]


@dataclass(frozen=True)
class Fidelity:
    """How near a tower in int8 comes to itself in float32, each in 0..1.

    `cosine`, `least_cosine`: mean and least over its vectors. `by_words`, `by_picture`: the share of the ten
    nearest pictures that float32 and int8 have in common; None for a text tower, which no picture goes through.
    """

    cosine: float
    least_cosine: float
    by_words: float
    by_picture: float | None = None

    @property
    def agreement(self) -> float:
        return self.by_words if self.by_picture is None else min(self.by_words, self.by_picture)

    def __str__(self) -> str:
        by_picture = "" if self.by_picture is None else f"{self.by_picture:.3f} by picture, "
        return (
            f"cosine to float32 {self.cosine:.4f} (least {self.least_cosine:.4f}), "
            f"recall@{NEIGHBOURS} agreement {by_picture}{self.by_words:.3f} by words"
        )


@dataclass(frozen=True)
class Outcome:
    """What became of a tower: its best attempt had `layers` of `all_layers` in int8, and was `taken` or not."""

    tower: Tower
    layers: int
    all_layers: int
    fidelity: Fidelity
    taken: bool

    def __str__(self) -> str:
        became = "is int8" if self.taken else "stays float32; int8 was tried"
        return f"The {self.tower} tower {became} in {self.layers} of {self.all_layers} layers: {self.fidelity}"


def quantize_bundle(
    bundle: Path, target: Path, examples: Examples, *, force: bool = False, report: Callable[[str], None]
) -> None:
    """Write a float32 bundle to a new folder with every tower in int8 that bears it.

    A tower bears it when searches agree with float32's to MIN_AGREEMENT, at worst with half of its layers left
    in float32; with `force` all layers of both are int8, however they agree. `report` gets the figures, a line a tower.
    Raises EncoderError when no tower bears it, and then writes nothing.
    """
    with TemporaryDirectory(prefix=".int8-", dir=target.parent) as workshop:
        trial = _Trial(Path(workshop), bundle, examples, force=force)
        outcomes = []
        for tower in TOWERS:
            outcomes.append(trial.quantize(tower))
            report(str(outcomes[-1]))
        if not any(outcome.taken for outcome in outcomes):
            raise EncoderError(
                f"Neither tower keeps an agreement of {MIN_AGREEMENT} in int8. Nothing was written: export without "
                "--int8, or take it as it is with --force-int8."
            )
        trial.bundle.rename(target)
    _note(outcomes, target)


@dataclass(frozen=True)
class _Vectors:
    """Of all pictures, embedded in batches as for an index; of some, each alone as a query; of all texts."""

    pictures: Rows
    queries: Rows
    texts: Rows


class _Trial:
    """A bundle whose towers are tried in int8 one after the other; `bundle` is what it has come to.

    Each attempt is a bundle of its own in the workshop, of which it shares all files but one.
    """

    def __init__(self, workshop: Path, bundle: Path, examples: Examples, *, force: bool) -> None:
        self.bundle = _linked(bundle, workshop, without=())
        self._workshop = workshop
        self._examples = examples
        self._queries = range(0, len(examples.pictures), -(-len(examples.pictures) // MAX_QUERIES))
        self._force = force
        encoder = load_encoder(bundle)
        self._exact = _Vectors(
            pictures=encoder.encode_images(examples.pictures),
            queries=self._encode_queries(encoder),
            texts=encoder.encode_texts(examples.texts),
        )
        self._served = self._exact

    def quantize(self, name: Tower) -> Outcome:
        """Put a tower in int8 if it bears it; the second is judged with the first as that has become."""
        tower = self._prepare(name)
        attempts = []
        for left_out in self._choices_of_layers(name, tower):
            attempt = self._write(name, tower, left_out)
            vectors = self._encode(name, load_encoder(attempt))
            attempts.append((self._judge(name, vectors), len(left_out), attempt, vectors))
            if attempts[-1][0].agreement >= MIN_AGREEMENT:
                break
        fidelity, left_out_count, attempt, vectors = max(attempts, key=lambda tried: tried[0].agreement)
        taken = self._force or fidelity.agreement >= MIN_AGREEMENT
        if taken:
            self.bundle, self._served = attempt, vectors
        return Outcome(name, len(tower.layers) - left_out_count, len(tower.layers), fidelity, taken)

    def _prepare(self, name: Tower) -> FloatTower:
        folder = Path(mkdtemp(dir=self._workshop))
        return prepare_tower(self.bundle / f"{name}.onnx", folder / f"{name}.onnx")

    def _choices_of_layers(self, name: Tower, tower: FloatTower) -> Iterator[Sequence[str]]:
        """Yield layers to leave in float32: none, then more and more of those that do harm."""
        yield []
        if self._force:
            return
        ranked = self._rank_groups(name, tower)
        for count in GROUPS_LEFT_OUT:
            if count <= len(ranked) / 2:
                yield [layer for group in ranked[:count] for layer in group]

    def _rank_groups(self, name: Tower, tower: FloatTower) -> list[Sequence[str]]:
        """Return the tower's layers in groups, those first that lower the cosine most when they alone are int8."""
        parts = np.array_split(tower.layers, min(GROUPS, len(tower.layers)))
        groups: list[Sequence[str]] = [part.tolist() for part in parts]
        cosines = []
        for group in groups:
            others = [layer for layer in tower.layers if layer not in group]
            attempt = self._write(name, tower, others)
            cosines.append(self._sample_cosine(name, attempt))
            shutil.rmtree(attempt)
        return [groups[place] for place in np.argsort(cosines)]

    def _sample_cosine(self, name: Tower, attempt: Path) -> float:
        encoder = load_encoder(attempt)
        if name == "image":
            vectors, exact = encoder.encode_images(self._examples.pictures[:SAMPLE]), self._exact.pictures
        else:
            vectors, exact = encoder.encode_texts(self._examples.texts[:SAMPLE]), self._exact.texts
        return float((vectors * exact[:SAMPLE]).sum(axis=1).mean())

    def _write(self, name: Tower, tower: FloatTower, left_out: Sequence[str]) -> Path:
        attempt = _linked(self.bundle, self._workshop, without=(f"{name}.onnx", f"{name}.onnx.data"))
        write_int8(tower, attempt / f"{name}.onnx", left_out=left_out, calibration=self._calibration())
        return attempt

    def _calibration(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        bundle = read_bundle(self.bundle)
        assert isinstance(bundle, OnnxBundle)
        for place in range(0, len(self._examples.pictures), -(-len(self._examples.pictures) // SAMPLE)):
            yield {bundle.image_input: to_pixels([self._examples.pictures[place]], bundle)}

    def _encode(self, name: Tower, encoder: Encoder) -> _Vectors:
        """Return the vectors as they are served now, with those of this tower from an attempt."""
        if name == "text":
            return replace(self._served, texts=encoder.encode_texts(self._examples.texts))
        pictures = encoder.encode_images(self._examples.pictures)
        return replace(self._served, pictures=pictures, queries=self._encode_queries(encoder))

    def _encode_queries(self, encoder: Encoder) -> Rows:
        return np.concatenate([encoder.encode_images([self._examples.pictures[place]]) for place in self._queries])

    def _judge(self, name: Tower, vectors: _Vectors) -> Fidelity:
        exact = self._exact
        changed = (vectors.texts, exact.texts) if name == "text" else (vectors.pictures, exact.pictures)
        cosines = (changed[0] * changed[1]).sum(axis=1)
        by_words = _agreement(vectors.texts @ vectors.pictures.T, exact.texts @ exact.pictures.T)
        if name == "text":
            return Fidelity(float(cosines.mean()), float(cosines.min()), by_words)
        found, expected = (each.queries @ each.pictures.T for each in (vectors, exact))
        for similarities in (found, expected):
            similarities[range(len(self._queries)), self._queries] = -np.inf  # a query does not look for itself
        return Fidelity(float(cosines.mean()), float(cosines.min()), by_words, _agreement(found, expected))


def _agreement(found: Rows, expected: Rows) -> float:
    """Return the share of the NEIGHBOURS most similar of each row that both have in common."""
    nearest = [np.argpartition(-similarities, NEIGHBOURS)[:, :NEIGHBOURS] for similarities in (found, expected)]
    return float(np.mean([np.isin(ours, theirs).mean() for ours, theirs in zip(*nearest, strict=True)]))


def _linked(bundle: Path, workshop: Path, *, without: Collection[str]) -> Path:
    """Return a new folder in the workshop with a bundle's files, most of which take no space a second time."""
    folder = Path(mkdtemp(dir=workshop))
    shutil.copymode(bundle, folder)  # a temporary folder is its owner's alone, and one of these stays
    for file in bundle.iterdir():
        if file.name not in without:
            # onnx and onnxruntime refuse to read external weights through a link.
            (shutil.copy if file.suffix == ".data" else os.link)(file, folder / file.name)
    return folder


def _note(outcomes: Sequence[Outcome], bundle: Path) -> None:
    """Say in `encoder.json` which towers are int8 and how near they come to float32."""
    manifest = bundle / MANIFEST
    fields = json.loads(manifest.read_text("utf-8"))
    fields["int8"] = {outcome.tower: str(outcome) for outcome in outcomes if outcome.taken}
    manifest.unlink()  # shared with the float32 bundle, which stays as it is
    manifest.write_text(json.dumps(fields, indent=2) + "\n", "utf-8")
