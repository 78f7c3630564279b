"""`python -m bench.moderation`: what moderation makes of ordinary pictures, and of the few others that can be made.

Ordinary are the demo shop's pictures and those of every folder that is named. For most categories nothing that they
look for can be had, so only false alarms are measured. What can be drawn is drawn: hooked crosses and flags with them,
pistols and syringes as silhouettes. They are no photographs, and few; what is found of them is a hint and no rate.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.markdown import Cells, table
from catalog.demo.labels import head_labels, picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.head_calibration import calibrate_heads
from catalog.vision.heads import MODERATION
from catalog.vision.nudity import nudity_detector
from catalog.vision.zero_shot import ZeroShot, encode_words

BUNDLED = Path(__file__).parents[1] / "catalog/encoders"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
BATCH = 16
BY_DETECTOR = "nudity, detector"
COLUMNS = (BY_DETECTOR, *MODERATION.label_names)
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)

SIDE = 400
DRAWN_OF_EACH = 12
GROUNDS = ("white", "#ddd5c8", "#8fa3b0", "#303236")
INKS = ("black", "#7a1010", "#1c2a4a", "#5a5a5a")

# In units of a tenth of the picture, the middle at 0, 0: one arm of a hooked cross, which is turned three times.
ARM = ((-0.5, -0.5), (-0.5, -2.5), (2.5, -2.5), (2.5, -1.5), (0.5, -1.5), (0.5, -0.5))
PISTOL = ((-3, -2), (3, -2), (3, -1), (0.2, -1), (-0.4, 0.2), (-1.2, 0.2), (-1.8, 2.6), (-3.2, 2.6), (-2.6, -0.6))
SYRINGE = ((-4, -0.1), (-2, -0.1), (-2, -0.6), (2, -0.6), (2, -0.2), (3, -0.2), (3, -0.8), (3.3, -0.8))

Shape = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Measured:
    """The scores of pictures, 0..1 (n, COLUMNS), and the milliseconds that the detector took for each."""

    name: str
    scores: NDArray[np.float64]
    detector_ms: float


def main() -> None:
    """Measure, and print tables."""
    options = _parse_arguments()
    encoder = load_encoder(options.encoder)
    heads = _heads(encoder)
    ordinary = [_measure(name, paths, encoder, heads) for name, paths in _ordinary(options)]
    together = Measured("all", np.concatenate([one.scores for one in ordinary]), 0.0)
    print(
        f"Ordinary pictures: the most that all but one in a thousand reach, the most that any does ({encoder.name})\n"
    )
    print(table(("", "pictures", *COLUMNS), [_extremes(one) for one in (*ordinary, together)]))
    print("\nOrdinary pictures that reach a threshold, of 1,000\n")
    print(table(("threshold", *COLUMNS), [_alarms(together.scores, threshold) for threshold in THRESHOLDS]))
    print("\nDrawn pictures of what is looked for: the least, the middle and the most of their category's score\n")
    print(table(("", "pictures", "scores"), list(_drawn_rows(encoder, heads, options.seed))))
    print(f"\nThe detector takes {max(one.detector_ms for one in ordinary):.1f} ms of processor time a picture.")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.moderation", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", help="folders of pictures of ordinary products")
    parser.add_argument("--encoder", type=Path, default=max(BUNDLED.iterdir()), help="a bundle (default: the newest)")
    parser.add_argument("--most", type=int, default=1_000, help="pictures of a folder (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of which pictures these are (default: %(default)s)")
    return parser.parse_args()


def _heads(encoder: Encoder) -> ZeroShot:
    words = encode_words(encoder)
    pictures = encoder.encode_images([decode(picture_file(product).read_bytes()) for product in DEMO_PRODUCTS])
    return ZeroShot(words, calibrate_heads(words, pictures, [head_labels(shown.picture) for shown in DEMO_PRODUCTS]))


def _ordinary(options: argparse.Namespace) -> Iterator[tuple[str, list[Path]]]:
    yield "demo shop", [picture_file(product) for product in DEMO_PRODUCTS]
    chance = random.Random(options.seed)
    for folder in options.folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        yield folder.name, chance.sample(paths, min(len(paths), options.most))


def _measure(name: str, paths: Sequence[Path], encoder: Encoder, heads: ZeroShot) -> Measured:
    rows, seconds = [], 0.0
    for start in range(0, len(paths), BATCH):
        images = [decode(path.read_bytes()) for path in paths[start : start + BATCH]]
        scores, taken = _scores(images, encoder, heads)
        rows.append(scores)
        seconds += taken
    return Measured(name, np.concatenate(rows), detector_ms=seconds / len(paths) * 1000)


def _scores(images: Sequence[Image.Image], encoder: Encoder, heads: ZeroShot) -> tuple[NDArray[np.float64], float]:
    """Return the scores of pictures, and the seconds of processor time that the detector took."""
    by_words = heads.moderation(encoder.encode_images(images))
    started = time.process_time()
    nudity = nudity_detector(threads=2).look(images)
    taken = time.process_time() - started
    return np.array([[one, *scores.values()] for one, scores in zip(nudity, by_words, strict=True)]), taken


def _extremes(measured: Measured) -> Cells:
    rare, most = np.quantile(measured.scores, 0.999, axis=0), measured.scores.max(axis=0)
    return [measured.name, str(len(measured.scores)), *(f"{a:.2f}, {b:.2f}" for a, b in zip(rare, most, strict=True))]


def _alarms(scores: NDArray[np.float64], threshold: float) -> Cells:
    return [f"{threshold:g}", *(f"{1000 * share:.1f}" for share in (scores >= threshold).mean(axis=0))]


def _drawn_rows(encoder: Encoder, heads: ZeroShot, seed: int) -> Iterator[Cells]:
    chance = random.Random(seed)
    for title, category, draw in (
        ("hooked crosses", "hate_symbols", _draw_cross),
        ("flags with them", "hate_symbols", _draw_flag),
        ("pistols", "weapons", _draw_pistol),
        ("syringes", "drugs", _draw_syringe),
    ):
        scores, _ = _scores([draw(chance) for _ in range(DRAWN_OF_EACH)], encoder, heads)
        shown = np.quantile(scores[:, COLUMNS.index(category)], (0, 0.5, 1))
        yield [f"{title} ({category})", str(len(scores)), ", ".join(f"{score:.2f}" for score in shown)]


def _draw_cross(chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), chance.choice(GROUNDS[:3]))
    _draw_arms(image, chance.choice(INKS), size=chance.uniform(0.8, 1.4), turned=chance.choice((0, 45)))
    return image


def _draw_flag(chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), chance.choice(("#c00d0d", "#d61f1f", "#9e1b1b")))
    radius = SIDE * chance.uniform(0.26, 0.38)
    middle = SIDE / 2
    ImageDraw.Draw(image).ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill="white")
    _draw_arms(image, "black", size=radius / SIDE * 2.6, turned=45)
    return image


def _draw_arms(image: Image.Image, ink: str, *, size: float, turned: float) -> None:
    for quarter in range(4):
        _fill(image, ARM, ink, size=size, turned=turned + 90 * quarter)


def _draw_pistol(chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), chance.choice(GROUNDS[:3]))
    _fill(image, PISTOL, chance.choice(INKS), size=chance.uniform(0.9, 1.3), turned=chance.uniform(-25, 25))
    return image


def _draw_syringe(chance: random.Random) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), chance.choice(GROUNDS[:3]))
    both_halves = (*SYRINGE, *((x, -y) for x, y in reversed(SYRINGE)))
    _fill(image, both_halves, chance.choice(INKS), size=chance.uniform(0.9, 1.2), turned=chance.uniform(0, 360))
    return image


def _fill(image: Image.Image, shape: Shape, ink: str, *, size: float, turned: float) -> None:
    angle, unit = np.radians(turned), SIDE / 10 * size
    cosine, sine = float(np.cos(angle)) * unit, float(np.sin(angle)) * unit
    points = [(SIDE / 2 + x * cosine - y * sine, SIDE / 2 + x * sine + y * cosine) for x, y in shape]
    ImageDraw.Draw(image).polygon(points, fill=ink)


if __name__ == "__main__":
    main()
