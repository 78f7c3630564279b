"""open_clip imported beside a torch without CUDA, where torchvision's own import would stop it."""

import importlib
import sys
from types import ModuleType
from typing import Any

# While torchvision is imported it describes two operators of its compiled library, and gives up when that
# library does not fit the torch at hand (as a CPU build of torch beside PyPI's torchvision, built for CUDA).
# open_clip needs torchvision's transforms alone, which are Python: the two declared, without code, suffice.
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

# torch forgets declared operators when the library object that declared them is dropped.
_declared: list[object] = []


def import_open_clip() -> ModuleType:
    """Return the open_clip module; raise ImportError saying what to install when torch is missing."""
    try:
        _import_torchvision()
        return importlib.import_module("open_clip")
    except ImportError as error:
        raise ImportError(
            f"The open_clip runtime lacks {error.name}: install requirements.txt, which adds the torch stack "
            "to requirements-serve.txt."
        ) from error


def _import_torchvision() -> None:
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        _declare_operators()
        importlib.import_module("torchvision")


def _declare_operators() -> None:
    # Imported here, because processes that serve an exported encoder have no torch.
    from torch.library import Library

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library: Any = Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in OPERATORS:
        library.define(operator)
    _declared.append(library)
