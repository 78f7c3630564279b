"""The image tower: pixels to [kind | colour | look], each part of length 1 before it is weighed.

Texts know kinds and colours only, so the look counts between pictures alone.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import avg_pool2d, normalize

from catalog.vision.palette import EXAMPLES
from training.colors import NAMES
from training.features import SMALL
from training.trunk import FEATURES, MAP_CHANNELS, MAP_SIDE, MEAN, SIDE, STD, Trunk
from training.type_space import TYPE_DIMENSIONS

LOOK_DIMENSIONS = 144
DROPOUT = 0.2
# Brings the square roots of ImageNet's odds to the size of the features beside them.
ODDS_SCALE = 6.0

# sRGB to Oklab (Ottosson 2020, "A perceptual color space for image processing").
TO_CONES = ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005))  # fmt: skip
TO_OKLAB = ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660))  # fmt: skip
# Lightness varies with the light, so it counts less than hue and chroma; a colour is shared out among the examples of
# the basic colours by their squared distances in Oklab over this.
LIGHTNESS_WEIGHT, SOFTNESS = 0.55, 0.004


Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class TypeHead(nn.Module):
    """Features, and what ImageNet's classifier makes of them, to the place of their kind in the teacher's space.

    The classifier's odds help with kinds that no training picture shows (Norouzi et al. 2013, "Zero-shot learning by
    convex combination of semantic embeddings").
    """

    def __init__(self, features: NDArray[np.float32], trunk: Trunk) -> None:
        super().__init__()
        self.scale = Standardize(features)
        self.register_buffer("classifier", torch.from_numpy(trunk.classifier))
        self.register_buffer("bias", torch.from_numpy(trunk.bias))
        self.dropout, self.linear = nn.Dropout(DROPOUT), nn.Linear(FEATURES + len(trunk.bias), TYPE_DIMENSIONS)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        odds = (features @ self.classifier.T + self.bias).softmax(1)
        seen = torch.cat([self.scale(features), ODDS_SCALE * odds.clamp(min=1e-8).sqrt()], 1)
        return normalize(self.linear(self.dropout(seen)), dim=1)


class LookHead(nn.Module):
    """Features to what tells apart products of one kind."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        super().__init__()
        self.scale, self.linear = Standardize(features), nn.Linear(FEATURES, LOOK_DIMENSIONS)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return normalize(self.linear(self.scale(features)), dim=1)


class Standardize(nn.Module):
    """Features less their mean, over their standard deviation, both measured once."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
        self.register_buffer("std", torch.from_numpy(features.std(axis=0) + 0.02))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        standard: torch.Tensor = (features - self.mean) / self.std
        return standard


class ColorHead(nn.Module):
    """Which of the basic colours the product has: what the network looks at, in the colours that are there.

    The picture's pixels are shared out among examples of the basic colours; a map of attention, read from the
    network's own maps, says which places are the product. The rest of the picture is given beside it, because the
    light that a product stands in shows there.
    """

    def __init__(self) -> None:
        super().__init__()
        codes = [list(bytes.fromhex(code)) for codes in EXAMPLES.values() for code in codes.split()]
        examples = torch.tensor(codes, dtype=torch.float32) / 255
        self.register_buffer("to_cones", torch.tensor(TO_CONES).T)
        self.register_buffer("to_oklab", torch.tensor(TO_OKLAB).T)
        self.register_buffer("weights", torch.tensor([LIGHTNESS_WEIGHT, 1.0, 1.0]))
        self.register_buffer("examples", self._seen(examples))
        self.attention = nn.Conv2d(MAP_CHANNELS, 1, 1)
        self.place = nn.Parameter(_middle())
        self.to_colors = nn.Sequential(nn.Linear(2 * len(codes), 128), nn.ReLU(), nn.Linear(128, len(NAMES)))

    def forward(self, small: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """Return log shares (n, 16) of small pictures (n, 3, SMALL, SMALL), sRGB 0..1, with their maps."""
        pixels = self._seen(small.flatten(2).transpose(1, 2))
        apart = (pixels**2).sum(-1, keepdim=True) - 2 * pixels @ self.examples.T + (self.examples**2).sum(-1)
        shares = (-apart / SOFTNESS).softmax(-1)
        counts = avg_pool2d(shares.transpose(1, 2).unflatten(2, (SMALL, SMALL)), SMALL // MAP_SIDE).flatten(2)
        weights = (self.attention(maps).flatten(2) + self.place).softmax(-1)
        product, everything = (counts * weights).sum(-1), counts.mean(-1)
        logits: torch.Tensor = self.to_colors(torch.cat([product, everything], 1).clamp(min=1e-6).sqrt())
        return logits.log_softmax(-1)

    def _seen(self, srgb: torch.Tensor) -> torch.Tensor:
        """Return sRGB, 0..1 in the last axis, as Oklab with its lightness weighed."""
        linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return (linear @ self.to_cones).clamp(min=1e-6) ** (1 / 3) @ self.to_oklab * self.weights


class ColorCode(nn.Module):
    """Log shares of colours to a unit vector that words for them compare with: strong shares count more."""

    POWER = 1.5

    def forward(self, log_shares: torch.Tensor) -> torch.Tensor:
        return normalize((log_shares * self.POWER).exp(), dim=1)


class ImageTower(nn.Module):
    """The whole tower, as it is exported: normalised pixels (n, 3, SIDE, SIDE) to unit vectors."""

    def __init__(self, lower: nn.Module, upper: nn.Module, heads: "Heads", *, weights: "Weights") -> None:
        super().__init__()
        self.lower, self.upper, self.heads, self.weights = lower, upper, heads, weights
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        small = avg_pool2d((pixels * self.std + self.mean).clamp(0, 1), SIDE // SMALL)
        maps = self.lower(pixels)
        return weighed(*self.heads(small, maps, self.upper(maps)), self.weights)


@dataclass(frozen=True)
class Weights:
    """How much colour and look weigh in a picture's vector, where the kind weighs 1."""

    color: float
    look: float


def weighed(kind: torch.Tensor, color: torch.Tensor, look: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Return unit vectors of the three parts, each of length 1."""
    return normalize(torch.cat([kind, weights.color * color, weights.look * look], 1), dim=1)


class Heads(nn.Module):
    """The three heads together."""

    def __init__(self, features: NDArray[np.float32], trunk: Trunk) -> None:
        super().__init__()
        self.kind, self.color, self.look = TypeHead(features, trunk), ColorHead(), LookHead(features)
        self.code = ColorCode()

    def forward(self, small: torch.Tensor, maps: torch.Tensor, features: torch.Tensor) -> Parts:
        return self.kind(features), self.code(self.color(small, maps)), self.look(features)


def _middle() -> torch.Tensor:
    """Return logits (1, MAP_SIDE**2) of attention to the middle of a picture, where products are."""
    along = (torch.arange(MAP_SIDE) + 0.5) / MAP_SIDE - 0.5
    return -((along[:, None] ** 2 + along[None, :] ** 2) / (2 * 0.25**2)).reshape(1, -1)
