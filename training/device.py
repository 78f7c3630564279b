"""Where training computes: on the GPU if torch sees one."""

from typing import Any

import torch
from numpy.typing import NDArray

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def on_device(array: NDArray[Any]) -> torch.Tensor:
    """Return an array as a tensor where training computes."""
    return torch.from_numpy(array).to(DEVICE)
