"""Views of a picture: the encoder's own cut, or a random part of it in other colours and light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from catalog.vision.foreground import find_foreground
from catalog.vision.palette import EXAMPLES

# Shares of the picture that a random part shows, and how far its sides may differ (natural logarithm).
AREA, STRETCH = (0.5, 1.0), 0.25
# So many views are recoloured, so many of these on the product only.
RECOLORED, PRODUCT_ONLY = 0.6, 0.7
BRIGHTNESS, CONTRAST = (0.7, 1.35), (0.75, 1.25)

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def random_view(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """Return a random part of an RGB picture as a square of `side` pixels, often mirrored and recoloured."""
    view = _random_part(image, rng).resize((side, side), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < RECOLORED:
        view = _recolored(view, rng)
    view = ImageEnhance.Brightness(view).enhance(rng.uniform(*BRIGHTNESS))
    return ImageEnhance.Contrast(view).enhance(rng.uniform(*CONTRAST))


def _random_part(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    area, ratio = image.width * image.height * rng.uniform(*AREA), np.exp(rng.uniform(-STRETCH, STRETCH))
    width, height = min(image.width, int((area * ratio) ** 0.5)), min(image.height, int((area / ratio) ** 0.5))
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


def _recolored(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    other = _tinted(image, rng) if rng.random() < 0.5 else _hue_turned(image, rng)
    if rng.random() >= PRODUCT_ONLY:
        return other
    mask = Image.fromarray(find_foreground(image).mask).convert("L")
    return Image.composite(other, image, mask.resize(image.size, Image.Resampling.BILINEAR))


def _hue_turned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turn the hue and change the saturation in YIQ, where luminance stays what it is."""
    turn, saturation = rng.uniform(-np.pi, np.pi), rng.uniform(0.6, 1.5)
    cos, sin = saturation * np.cos(turn), saturation * np.sin(turn)
    matrix = np.linalg.inv(TO_YIQ) @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ TO_YIQ
    return image.convert("RGB", tuple(np.column_stack([matrix, np.zeros(3)]).ravel()))


def _tinted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Paint the picture's light and shade in a random colour, which also turns black and white things."""
    luminance: NDArray[np.float64] = np.asarray(image, np.float64) @ LUMA / 255
    name = rng.choice(list(EXAMPLES))
    color = np.array(list(bytes.fromhex(rng.choice(EXAMPLES[name].split()))), np.float64)
    middle = max(0.15, float(np.median(luminance)))
    return Image.fromarray(np.clip((luminance / middle)[..., None] ** 0.8 * color, 0, 255).astype(np.uint8))
