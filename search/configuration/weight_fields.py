"""Six weights as the portal's forms show them, send them and say what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.models import WEIGHTS
from search.pages import SIGNALS

HINTS = {
    "visual_similarity": "How alike the pictures are, or the words and the picture",
    "product_type": "The same kind of thing: shoes, a bag",
    "popularity": "More clicks, carts and purchases in your shop",
    "category_match": "The same category of yours",
    "shape": "A similar outline, when a picture is searched with",
    "color": "A similar palette, when colours are known",
}


@dataclass(frozen=True)
class WeightField:
    """The field of a weight: its name in the form, the signal that it weighs, what is in it and what is wrong."""

    name: str
    signal: str
    label: str
    hint: str
    value: str
    error: str


def weight_fields(values: Mapping[str, str], errors: Mapping[str, str], *, prefix: str = "") -> list[WeightField]:
    """Return the fields of six weights; a form with several sets tells them apart by prefix."""
    return [
        WeightField(
            name=f"{prefix}{signal}",
            signal=signal,
            label=SIGNALS[signal],
            hint=HINTS[signal],
            value=values.get(f"{prefix}{signal}", ""),
            error=errors.get(f"{prefix}{signal}", ""),
        )
        for signal in WEIGHTS
    ]


def shown_weights(weights: Mapping[str, float], *, prefix: str = "") -> dict[str, str]:
    """Return what fields of these weights show."""
    return {f"{prefix}{signal}": f"{weights[signal]:g}" for signal in WEIGHTS}


def sent_weights(posted: Mapping[str, str], *, prefix: str = "") -> dict[str, str]:
    """Return what a form has sent as weights."""
    return {signal: posted.get(f"{prefix}{signal}", "") for signal in WEIGHTS}


def weight_errors(errors: Mapping[str, Any], *, prefix: str = "") -> dict[str, str]:
    """Return what is wrong with weights by the names of their fields."""
    return {f"{prefix}{signal}": " ".join(map(str, told)) for signal, told in errors.items()}
