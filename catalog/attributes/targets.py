"""Where in a product's metadata an attribute is written, and what of a shop's own keeps us from writing there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# By attribute: the key that an accepted value is written to, then the others under which shops say the same.
TARGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "color": ("color_name", "color", "colour"),
        "material": ("material",),
        "pattern": ("pattern",),
        "style": ("style",),
        "product_type": ("product_type", "type"),
    }
)
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "color": "Colour",
        "material": "Material",
        "pattern": "Pattern",
        "style": "Style",
        "product_type": "Product type",
    }
)
UNSAID: tuple[Any, ...] = (None, "", [])


def is_said(metadata: Mapping[str, Any], attribute: str) -> bool:
    """Return whether the shop says itself what the attribute of a product is."""
    return any(metadata.get(key) not in UNSAID for key in TARGETS[attribute])
