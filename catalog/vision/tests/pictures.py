"""Pictures for the tests, drawn here."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

BUNDLE = Path(__file__).parents[2] / "encoders" / "scout-2"

# Real pictures lie beside a developer's checkout and never in it.
DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real pictures are not on this machine")


def saved(image, kind, **options):
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def disc(color="#c83228", *, background="white", size=(400, 400)):
    """Return a disc in the middle of a plain background, 0.6 of the shorter side wide."""
    image = Image.new("RGB", size, background)
    x, y, reach = size[0] / 2, size[1] / 2, 0.3 * min(size)
    ImageDraw.Draw(image).ellipse((x - reach, y - reach, x + reach, y + reach), fill=color)
    return image


def noise(size=(400, 400), *, seed=0):
    """Return pixels of random colours in blocks of 10, as restless as a picture can be."""
    colors = np.random.default_rng(seed).integers(0, 256, (size[1] // 10, size[0] // 10, 3), dtype=np.uint8)
    return Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)


def photograph(size=(1000, 1000)):
    """Return what a good product picture looks like: a textured thing in good light on a plain background."""
    image = Image.new("RGB", size, "#f0f0f0")
    threads = np.random.default_rng(1).normal(0, 40, (size[1] // 4, size[0] // 4, 1)).repeat(4, 0).repeat(4, 1)
    cloth = Image.fromarray((np.array([70, 110, 160]) + threads).clip(0, 255).astype(np.uint8))
    mask = disc("white", background="black", size=size).convert("L")
    image.paste(cloth, mask=mask)
    return image
