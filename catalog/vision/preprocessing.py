"""Pictures as the pixels that an encoder's image tower was trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, Resampling
from PIL.Image import new as new_image

from catalog.vision.bundle import OnnxBundle

INTERPOLATIONS = {"bicubic": Resampling.BICUBIC, "bilinear": Resampling.BILINEAR}

# A strip is cut to this ratio before it is scaled: one of 20,000 x 1 would become 4,480,000 x 224 on its way
# to 224 x 224. The centre cut throws the same parts away.
MAX_RATIO = 8


def to_pixels(images: Sequence[Image], bundle: OnnxBundle) -> NDArray[np.float32]:
    """Return RGB pictures as float32 (n, 3, side, side), normalised with the bundle's mean and std.

    Sizes are rounded as torchvision's Resize and CenterCrop and open_clip's CenterCropOrPad round them.
    """
    squares = np.stack([np.asarray(_to_square(image, bundle), dtype=np.float32) for image in images])
    mean, std = np.asarray(bundle.mean, np.float32), np.asarray(bundle.std, np.float32)
    return np.ascontiguousarray(((squares / 255 - mean) / std).transpose(0, 3, 1, 2))


def _to_square(image: Image, bundle: OnnxBundle) -> Image:
    if bundle.resize_mode == "squash":
        return _scale(image, (bundle.image_size, bundle.image_size), bundle)
    if bundle.resize_mode == "longest":
        return _pad(image, bundle)
    return _crop(image, bundle)


def _crop(image: Image, bundle: OnnxBundle) -> Image:
    side, short = bundle.image_size, min(image.size)
    if max(image.size) > MAX_RATIO * short:
        image = _cut_centre(image, (min(image.width, MAX_RATIO * short), min(image.height, MAX_RATIO * short)))
    size = int(side * image.width / short), int(side * image.height / short)
    return _cut_centre(_scale(image, size, bundle), (side, side))


def _cut_centre(image: Image, size: tuple[int, int]) -> Image:
    left, top = round((image.width - size[0]) / 2), round((image.height - size[1]) / 2)
    return image.crop((left, top, left + size[0], top + size[1]))


def _pad(image: Image, bundle: OnnxBundle) -> Image:
    side, fill = bundle.image_size, bundle.fill_color
    ratio = max(image.size) / side
    width, height = (max(1, round(length / ratio)) for length in image.size)
    square = new_image("RGB", (side, side), (fill, fill, fill))
    square.paste(_scale(image, (width, height), bundle), ((side - width) // 2, (side - height) // 2))
    return square


def _scale(image: Image, size: tuple[int, int], bundle: OnnxBundle) -> Image:
    return image.resize(size, INTERPOLATIONS[bundle.interpolation], reducing_gap=bundle.reducing_gap)
