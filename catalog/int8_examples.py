"""What an encoder is tried with before it is served in int8: real pictures, and words that shoppers type."""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from pathlib import Path

from PIL import ImageOps
from PIL.Image import Image

from catalog.demo.colors import COLORS
from catalog.demo.drawing import KINDS
from catalog.errors import PictureError
from catalog.vision.bundle import EncoderError
from catalog.vision.decode import decode
from catalog.vision.quantization import Examples

DEMO = Path(__file__).parent / "static/demo"
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".heic")

# With fewer the ten nearest are a matter of course; more take memory and minutes.
MIN_PICTURES, MAX_PICTURES = 100, 1_000
TEXTS = 200

# Larger than any encoder looks at but a few, and 0.6 MB each.
SIDE = 448


def load_examples(folder: Path | None) -> Examples:
    """Return a folder's pictures, or the demo shop's in four views each, with texts. Raises EncoderError."""
    pictures = _views_of_demo() if folder is None else _read_folder(folder)
    texts = [f"{color} {kind.replace('-', ' ')}" for color, kind in product(COLORS, KINDS)]
    return Examples(pictures=pictures, texts=texts[:: -(-len(texts) // TEXTS)])


def _read_folder(folder: Path) -> Sequence[Image]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if len(files) < MIN_PICTURES:
        raise EncoderError(f"{folder} has {len(files)} pictures; to try int8, {MIN_PICTURES} are needed.")
    return [_read(file) for file in islice(files, 0, None, -(-len(files) // MAX_PICTURES))]


def _views_of_demo() -> Sequence[Image]:
    return [view for file in sorted(DEMO.glob("*.webp")) for view in _views(_read(file))]


def _views(image: Image) -> Iterator[Image]:
    """Yield a picture, its mirror image and two parts of it: alike enough to lie among its ten nearest."""
    side = round(0.8 * min(image.size))
    yield image
    yield ImageOps.mirror(image)
    yield image.crop((0, 0, side, side))
    yield image.crop((image.width - side, image.height - side, image.width, image.height))


def _read(file: Path) -> Image:
    try:
        image = decode(file.read_bytes())
    except PictureError as error:
        raise EncoderError(f"Cannot read {file}: {error}") from error
    image.thumbnail((SIDE, SIDE))
    return image
