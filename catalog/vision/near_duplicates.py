"""What a cosine says of two pictures that may be one: copies of a picture against the nearest of another product.

0.95 of one encoder is not 0.95 of another. So pictures whose truth is known tell: copies as feeds make them, by the
cosine of each with its original, and the nearest pictures of other products. They yield the cosine that is called 0.95,
and with it all others, on the straight line through it and through 1:

    similarity = 1 - 0.05 * (1 - cosine) / distance        where 1 - `distance` is the cosine that is called 0.95

It rises with the cosine, equal pictures have 1, and it is one number that is learnt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

# From here on two products are called near-duplicates.
NEAR = 0.95
# A pair that is none costs a merchant more than one that is missed: beta of the F measure (van Rijsbergen, Information
# Retrieval, 1979, chapter 7), where less than 1 favours precision.
BETA = 0.5
# Cosines so near to 1 are those of equal pictures but for the rounding of stored vectors: nothing is told apart there.
LEAST_DISTANCE = 0.005
# Of one picture, the ways of copying taken in turns: enough for one number, and few enough for a slow encoder.
COPIES_EACH = 1


@dataclass(frozen=True)
class Judgement:
    """How well a threshold parts copies from other products: `precision` were there as many of each, and `recall`."""

    precision: float
    recall: float


@dataclass(frozen=True)
class Scale:
    """What an encoder's cosines are called: `distance` is 1 less the cosine that is called NEAR."""

    distance: float

    def similarity(self, cosine: float) -> float:
        """Return what a cosine is called, 0 to 1."""
        return min(1.0, max(0.0, 1 - (1 - NEAR) * (1 - cosine) / self.distance))

    def cosine(self, similarity: float) -> float:
        """Return the cosine that is called this; `similarity` is above 0."""
        return 1 - self.distance * (1 - similarity) / (1 - NEAR)


def make_copies(pictures: Sequence[Image.Image]) -> tuple[list[Image.Image], NDArray[np.intp]]:
    """Return COPIES_EACH copies of each picture, the ways of copying taken in turns, and which picture each is of."""
    ways = list(WAYS.values())
    of_picture = np.arange(len(pictures)).repeat(COPIES_EACH)
    return [ways[turn % len(ways)](pictures[number]) for turn, number in enumerate(of_picture.tolist())], of_picture


def fit_scale(of_copies: NDArray[np.float32], of_others: NDArray[np.float32]) -> Scale:
    """Return the scale by which NEAR parts best the cosines of copies (n,) from those of other products (m,)."""
    cosines = np.unique(np.concatenate([of_copies, of_others]))
    between = (cosines[1:] + cosines[:-1]) / 2
    scores = [_f_measure(judge(of_copies, of_others, float(threshold))) for threshold in between]
    best = float(between[int(np.argmax(scores))]) if scores else -np.inf
    return Scale(distance=float(np.clip(1 - best, LEAST_DISTANCE, 1)))


def judge(of_copies: NDArray[np.float32], of_others: NDArray[np.float32], threshold: float) -> Judgement:
    """Judge the cosine from which on two pictures are taken for copies by cosines of copies and of other products."""
    recall, false_alarms = float((of_copies >= threshold).mean()), float((of_others >= threshold).mean())
    return Judgement(precision=recall / (recall + false_alarms) if recall else 0.0, recall=recall)


def nearest_others(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine of each product with the nearest other one, from one unit vector of each (n, dimensions)."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return np.asarray(cosines.max(axis=1), dtype=np.float32)


def _f_measure(judgement: Judgement) -> float:
    below = BETA**2 * judgement.precision + judgement.recall
    return (1 + BETA**2) * judgement.precision * judgement.recall / below if below else 0.0


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    with Image.open(file) as copy:
        return copy.convert("RGB")


def _resized(picture: Image.Image, longer_side: int) -> Image.Image:
    return ImageOps.contain(picture, (longer_side, longer_side))


def _cropped(picture: Image.Image, share: float) -> Image.Image:
    """Cut a share off each side."""
    width, height = picture.size
    return picture.crop((int(width * share), int(height * share), int(width * (1 - share)), int(height * (1 - share))))


def _framed(picture: Image.Image, share: float) -> Image.Image:
    return ImageOps.expand(picture.convert("RGB"), int(max(picture.size) * share), "white")


def _tinted(picture: Image.Image, red: float, blue: float) -> Image.Image:
    """Shift the white balance."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32) * np.array([red, 1, blue], dtype=np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _lettered(
    picture: Image.Image, text: str, *, opacity: float, size: float, place: tuple[float, float]
) -> Image.Image:
    """Write over a picture in grey; `size` and `place` are shares of its height and sides."""
    letters = Image.new("L", picture.size)
    font = ImageFont.load_default(max(8, picture.height * size))
    at = (picture.width * place[0], picture.height * place[1])
    ImageDraw.Draw(letters).text(at, text, fill=round(255 * opacity), font=font)
    copy = picture.convert("RGB")
    copy.paste((90, 90, 90), mask=letters)
    return copy


# How shops and their suppliers copy a picture. A mirrored one is a copy too: it is the same photograph.
WAYS: Mapping[str, Callable[[Image.Image], Image.Image]] = MappingProxyType(
    {
        "JPEG of quality 75": lambda picture: _recompressed(picture, 75),
        "JPEG of quality 40": lambda picture: _recompressed(picture, 40),
        "400 pixels": lambda picture: _resized(picture, 400),
        "200 pixels": lambda picture: _resized(picture, 200),
        "cropped by 3 %": lambda picture: _cropped(picture, 0.03),
        "cropped by 6 %": lambda picture: _cropped(picture, 0.06),
        "white frame of 5 %": lambda picture: _framed(picture, 0.05),
        "15 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
        "15 % darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.85),
        "20 % more contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(1.2),
        "20 % paler": lambda picture: ImageEnhance.Color(picture).enhance(0.8),
        "warmer light": lambda picture: _tinted(picture, 1.06, 0.94),
        "mirrored": ImageOps.mirror,
        "lettered": lambda picture: _lettered(picture, "NEW SEASON", opacity=0.9, size=0.07, place=(0.05, 0.88)),
        "watermarked": lambda picture: _lettered(picture, "PREVIEW", opacity=0.4, size=0.12, place=(0.15, 0.42)),
    }
)
