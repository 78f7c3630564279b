"""The colours of a product, and their names as shoppers say them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from PIL.Image import Image, Resampling

from catalog.vision.clusters import gather, nearest_centre, settle
from catalog.vision.oklab import distances, to_oklab

MAX_COLORS = 6

# Colours nearer than this in Oklab are one colour in two lights (an eye just tells 0.02 apart). Light and
# shade change lightness most, which therefore counts less.
SAME_COLOR = 0.09
LIGHTNESS_WEIGHT = 0.55

# What starts no cluster of its own: a smaller part of the product is a seam or a reflection.
MIN_SHARE = 0.03

# Pixels are counted in boxes of 16 x 16 x 16 sRGB values and their mean colours clustered: a few hundred in
# place of thousands.
BOX = 16

# The centres hardly move after that.
SETTLING_STEPS = 3

# Examples of each basic colour, light and dark, strong and dull: the eleven basic terms of Berlin and Kay
# ("Basic Color Terms", 1969) and five more that shops need. A colour bears the name of the nearest example.
EXAMPLES = {
    "black": "000000 161618 232326 2d2c2c",
    "white": "ffffff f5f5f3 e8e9ea dfe3db",
    "grey": "808080 a9abad c6c8ca 63666a 494b4e 8a8684 74797d",
    "red": "ff0000 d9212e b8141f e8453c c0272d",
    "maroon": "800000 5c1220 701f2e 4a1119",
    "orange": "ff8000 f26a1b e0591a ff9f45 ffb070 c9641f",
    "yellow": "ffff00 ffd700 f6e04a e3b91f fff3a0 d9c531 b8952f",
    "green": "00ff00 008000 2e9b4f 1d5c33 7ac74f a8dfa0 12402a 8fbf8a 6b9a7d b2cc58 5f8a22",
    "olive": "808000 6b6b35 55572e 8f8f55 45482f",
    "teal": "008080 00ffff 1fa3a0 0e5c63 5fcfc6 a5e8e0",
    "blue": "0000ff 1f5fd0 4a90e0 87b9ea b9d7f2 3a6ea5 5d82ad 1b4fa0 7f8fae 98abc0 66788f",
    "navy": "000080 14213d 1c2a52 26324f 0f1830 232a3a",
    "purple": "800080 6a2fa0 9b59d0 4b1d66 b497d6 d8c5ee 6d4a7e 948aa6",
    "pink": "ff00ff ff69b4 f8a5c2 fbd3df d9437f e88f9c c97b8f",
    "beige": "f5f0dc e8d9bb d6c3a0 cdb896 f3e4d0 d9ccbb b9aa96",
    "brown": "8b4513 6b4226 4a2e1c 9c6b43 b98a5c 3d2517 7a5c48 9e7c6c",
}

# Other words for them in shops.
SYNONYMS = {
    "gray": "grey",
    "silver": "grey",
    "charcoal": "grey",
    "ivory": "white",
    "scarlet": "red",
    "crimson": "red",
    "burgundy": "maroon",
    "dark red": "maroon",
    "coral": "orange",
    "gold": "yellow",
    "mustard": "yellow",
    "mint": "green",
    "khaki": "olive",
    "turquoise": "teal",
    "cyan": "teal",
    "aqua": "teal",
    "light blue": "blue",
    "sky blue": "blue",
    "dark blue": "navy",
    "navy blue": "navy",
    "violet": "purple",
    "lilac": "purple",
    "lavender": "purple",
    "magenta": "pink",
    "fuchsia": "pink",
    "rose": "pink",
    "cream": "beige",
    "sand": "beige",
    "tan": "brown",
    "camel": "brown",
    "chocolate": "brown",
    "bronze": "brown",
}

# Colours so far apart are alike by 1/e. With it the examples below are on average 0.6 alike to those of their own name
# and 0.2 to others; with less and with more these come closer.
SPREAD = 0.15

# What two palettes are worth to each other when one is unknown: neither like nor unlike.
UNKNOWN_SIMILARITY = 0.5

# The longest first, so that navy blue is no blue.
WORDS = sorted([*EXAMPLES, *SYNONYMS], key=len, reverse=True)
COLOR_WORDS = re.compile(rf"\b({'|'.join(WORDS)})\b".replace(" ", r"\s+"))

HEX = re.compile(r"#?(?:[0-9a-f]{3}){1,2}", re.IGNORECASE)


# Colours in hex, as "#rrggbb", with their shares.
Paints = Sequence[tuple[str, float]]

# Of n palettes the colours, as they are perceived (n, k, 3), and their shares (n, k).
Stack = tuple[NDArray[np.float32], NDArray[np.float64]]


@dataclass(frozen=True)
class Swatch:
    """One colour of a product: `hex` as "#rrggbb", its `share` of the product 0..1, and its basic `name`."""

    hex: str
    share: float
    name: str


def find_palette(image: Image, mask: NDArray[np.bool_]) -> tuple[Swatch, ...]:
    """Return the colours of the masked part of an RGB picture, the most frequent first.

    The mask is bool (height, width) with at least one pixel, at any scale of the picture. There are at most
    `MAX_COLORS`, their shares sum to 1, and the same picture always has the same.
    """
    pixels = np.asarray(image.resize(mask.shape[::-1], Resampling.BILINEAR, reducing_gap=2))[mask]
    boxes, counts = _count(pixels)
    colors = _perceived(boxes)
    means, sizes = gather(boxes, counts, nearest_centre(colors, _find_centres(colors, counts)))
    means = means.round().astype(np.uint8)
    swatches = [
        Swatch(hex="#" + bytes(mean).hex(), share=float(size / len(pixels)), name=name)
        for mean, size, name in zip(means, sizes, _name(means), strict=True)
    ]
    return tuple(sorted(swatches, key=lambda swatch: (-swatch.share, swatch.hex)))


def name_color(code: str) -> str:
    """Return the basic name of a colour in hex, such as "#1e90ff"; raise ValueError for anything else."""
    if HEX.fullmatch(code) is None:
        raise ValueError(f"{code!r} is no colour in hex, such as #1e90ff.")
    return _name(np.array([ImageColor.getrgb("#" + code.removeprefix("#"))]))[0]


def parse_color(text: str) -> str:
    """Return the basic name of a colour in hex or in words; raise ValueError saying what is understood."""
    word = " ".join(text.lower().split())
    if HEX.fullmatch(word):
        return name_color(word)
    name = SYNONYMS.get(word, word)
    if name not in EXAMPLES:
        raise ValueError(f"{text!r} is no colour we know. Use hex such as #1e90ff, or {', '.join(EXAMPLES)}.")
    return name


def find_colors(text: str) -> list[str]:
    """Return the basic names of the colours that a text names in words, in their order, each once."""
    words = [" ".join(match.split()) for match in COLOR_WORDS.findall(text.lower())]
    return list(dict.fromkeys(SYNONYMS.get(word, word) for word in words))


def palette_of(names: Sequence[str]) -> tuple[Swatch, ...]:
    """Return a palette of basic colours in equal shares, each by its first example."""
    return tuple(Swatch(f"#{EXAMPLES[name].split()[0]}", 1 / len(names), name) for name in names)


def palette_similarity(a: Sequence[Swatch], b: Sequence[Swatch]) -> float:
    """Return how alike two palettes are, 0..1: 1 for the same colours in the same shares, 0 for quite other ones."""
    one, other = ([(swatch.hex, swatch.share) for swatch in palette] for palette in (a, b))
    return float(palette_similarities(one, [other])[0])


def palette_similarities(palette: Paints, others: Sequence[Paints]) -> NDArray[np.float64]:
    """Return how alike a palette is to each of n others, 0..1, as (n,).

    It is the cosine of two palettes when any two colours are as alike as they are near in Oklab (the signature
    quadratic form of Beecks, Uysal and Seidl, "Signature quadratic form distances for content-based similarity",
    2009): symmetric, with no pairing of colours to be found, and a little of a colour changes it but little.
    """
    similarities = np.full(len(others), UNKNOWN_SIMILARITY)
    known = [i for i, other in enumerate(others) if other]
    if palette and known:
        one, many = _stack([palette]), _stack([others[i] for i in known])
        similarities[known] = _inner(many, one) / np.sqrt(_inner(many, many) * _inner(one, one))
    return similarities.clip(max=1)


def _stack(palettes: Sequence[Paints]) -> Stack:
    """Return palettes side by side; where one has fewer colours than another their share is 0."""
    lengths = np.array([len(palette) for palette in palettes])
    filled = np.arange(lengths.max()) < lengths[:, None]
    codes = "".join(code[1:] for palette in palettes for code, _ in palette)
    colors, shares = np.zeros((*filled.shape, 3), dtype=np.float32), np.zeros(filled.shape)
    colors[filled] = _perceived(np.frombuffer(bytes.fromhex(codes), dtype=np.uint8).reshape(-1, 3))
    shares[filled] = [share for palette in palettes for _, share in palette]
    return colors, shares


def _inner(palettes: Stack, others: Stack) -> NDArray[np.float64]:
    """Return what palettes have in common with as many others, or with one, as (n,)."""
    (colors, shares), (other_colors, other_shares) = palettes, others
    squares = sum((colors[:, :, None, i] - other_colors[:, None, :, i]) ** 2 for i in range(3))
    common = shares[:, :, None] * other_shares[:, None] * np.exp(-squares / SPREAD**2)
    return np.asarray(common.sum(axis=(1, 2)))


def _count(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean colours (n, 3) of the boxes that hold pixels, and how many each holds."""
    places = (pixels // BOX).astype(np.int64) @ np.array([BOX**4, BOX**2, 1])
    _, box, counts = np.unique(places, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(box, weights=pixels[:, channel]) for channel in range(3)], axis=1)
    return sums / counts[:, None], counts


def _find_centres(colors: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[Any]:
    """Return the centres of clusters: where most pixels are, then most of the rest, settled by k-means."""
    # Not as bool, which numpy multiplies slowly; float32 counts exactly up to 16 million pixels.
    near = (distances(colors, colors) < SAME_COLOR).astype(np.float32)
    left = counts.astype(np.float32)
    seeds: list[int] = []
    while len(seeds) < MAX_COLORS and left.sum() > 0:
        around = near @ left
        if seeds and around.max() < MIN_SHARE * counts.sum():
            break
        seeds.append(int(around.argmax()))
        left[near[seeds[-1]] > 0] = 0
    return settle(colors[seeds], colors, counts, steps=SETTLING_STEPS)


def _name(rgb: NDArray[Any]) -> list[str]:
    """Return the basic names of colours, sRGB 0..255 (n, 3): those of the nearest examples."""
    return [EXAMPLE_NAMES[i] for i in nearest_centre(_perceived(rgb), EXAMPLE_COLORS)]


def _perceived(rgb: NDArray[Any]) -> NDArray[np.float32]:
    return to_oklab(rgb.round().astype(np.uint8)) * np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)


EXAMPLE_NAMES = [name for name, codes in EXAMPLES.items() for _ in codes.split()]
EXAMPLE_COLORS = _perceived(
    np.array([list(bytes.fromhex(code)) for codes in EXAMPLES.values() for code in codes.split()])
)
