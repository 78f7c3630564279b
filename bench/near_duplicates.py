"""`python -m bench.near_duplicates`: how well what is called 0.95 parts copies from other products.

Each picture of the demo shop, and of every folder that is named, is copied in all the ways of
`catalog.vision.near_duplicates`. What is found of the copies is recall; precision is told as if there were as many
pictures of other products as copies, by how often the nearest other picture is taken for one. Beside it stands a raw
cosine of 0.95, for which no encoder is asked what it means by it. A folder should show each product once: two
photographs of one product count as others.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.markdown import Cells, table
from bench.moderation import BATCH, BUNDLED, SUFFIXES
from catalog.demo.labels import picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.near_duplicates import NEAR, WAYS, Scale, fit_scale, judge, make_copies, nearest_others

HEADER = ("", "pictures", "precision, called 0.95", "recall", "precision, cosine 0.95", "recall")


def main() -> None:
    """Measure, and print a table."""
    options = _parse_arguments()
    encoder = load_encoder(options.encoder)
    scale = _fitted(encoder)
    print(f"Copies told from other products: {encoder.name}, whose cosine of {scale.cosine(NEAR):.3f} is called 0.95\n")
    print(table(HEADER, [_row(name, paths, encoder, scale) for name, paths in _sets(options)]))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.near_duplicates", description=__doc__)
    parser.add_argument("--pictures", type=Path, nargs="+", default=[], metavar="FOLDER", help="pictures of products")
    parser.add_argument("--encoder", type=Path, default=max(BUNDLED.iterdir()), help="a bundle (default: the newest)")
    parser.add_argument("--most", type=int, default=100, help="pictures of a folder (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of which pictures these are (default: %(default)s)")
    return parser.parse_args()


def _fitted(encoder: Encoder) -> Scale:
    """Return the scale of an encoder as the application fits it."""
    pictures = _pictures(_demo())
    vectors = _encoded(encoder, pictures)
    copies, of_picture = make_copies(pictures)
    return fit_scale((_encoded(encoder, copies) * vectors[of_picture]).sum(axis=1), nearest_others(vectors))


def _sets(options: argparse.Namespace) -> Iterator[tuple[str, list[Path]]]:
    yield "demo shop", _demo()
    chance = random.Random(options.seed)
    for folder in options.pictures:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        yield folder.name, chance.sample(paths, min(len(paths), options.most))


def _row(name: str, paths: Sequence[Path], encoder: Encoder, scale: Scale) -> Cells:
    pictures = _pictures(paths)
    vectors = _encoded(encoder, pictures)
    of_others = nearest_others(vectors)
    of_copies = np.concatenate(
        [(_encoded(encoder, [copied(one) for one in pictures]) * vectors).sum(axis=1) for copied in WAYS.values()]
    )
    judged = [judge(of_copies, of_others, threshold) for threshold in (scale.cosine(NEAR), NEAR)]
    return [name, str(len(paths)), *(f"{share:.3f}" for one in judged for share in (one.precision, one.recall))]


def _demo() -> list[Path]:
    return [picture_file(product) for product in DEMO_PRODUCTS]


def _pictures(paths: Sequence[Path]) -> list[Image.Image]:
    return [decode(path.read_bytes()) for path in paths]


def _encoded(encoder: Encoder, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return unit vectors of pictures, float32 (n, dimensions)."""
    starts = range(0, len(pictures), BATCH)
    return np.concatenate([encoder.encode_images(pictures[start : start + BATCH]) for start in starts])


if __name__ == "__main__":
    main()
