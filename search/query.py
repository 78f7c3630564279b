"""What a shopper asks, as a value; every mode of search is only another way to build one (`search/modes.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from catalog.filters import EVERYTHING, Filter


@dataclass(frozen=True)
class Box:
    """A part of a picture: its upper left corner and its size, in shares of the picture's width and height, 0 to 1."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Example:
    """Something to find the like of: words, a picture or a part of it, or a product of the shop.

    `english` is what words in another language say in English, `image_url` holds a web address, a data URI or base64,
    `image_data` the bytes of an uploaded picture.
    """

    text: str = ""
    english: str = ""
    image_url: str = ""
    image_data: bytes = b""
    product_id: str = ""
    crop: Box | None = None
    weight: float = 1.0

    @property
    def is_picture(self) -> bool:
        return not self.text

    @property
    def brings_picture(self) -> bool:
        """Whether it has a picture of its own, to be loaded and looked at."""
        return bool(self.image_url or self.image_data)


class Combine(StrEnum):
    """How several examples make one search."""

    BLEND = "blend"  # a product counts by the weighted mean of how well it fits each
    MOVE = "move"  # words move the vector of the picture
    BEST = "best"  # a product counts by the example that it fits best
    UNION = "union"  # the examples' own results take turns


@dataclass(frozen=True)
class ColorRange:
    """Colours at most so far from this one, by the Euclidean distance in sRGB, 0 to 441.67."""

    rgb: tuple[int, int, int]
    max_distance: float


@dataclass(frozen=True)
class Query:
    """One search: for what is like the examples and not like those in `unlike`, or, in its place, for a colour.

    Results are at least as similar as `threshold`, 0 to 1; "auto" is the tenant's smart one, None what the tenant has
    configured. `group_by` shows one result for each value of a field, `diversity` (0 to 1) weighs how unlike each other
    results are. `session_id` and `user_id` tell who asks, `search_id` which search this is a further page of.
    `text` is what was said, as rules and reports read it, `interpreted` how a sentence was understood, `params` what
    was sent.
    """

    mode: str
    examples: tuple[Example, ...] = ()
    unlike: tuple[Example, ...] = ()
    combine: Combine = Combine.BLEND
    color: ColorRange | None = None
    filters: Filter = EVERYTHING
    limit: int = 10
    offset: int = 0
    threshold: float | str | None = None
    facets: tuple[str, ...] = ()
    group_by: str = ""
    diversity: float = 0.0
    explain: bool = False
    session_id: str = ""
    user_id: str = ""
    search_id: str = ""
    text: str = ""
    interpreted: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def translated(self) -> str:
        """The words that are searched for in place of those that were said, if they were in another language."""
        return next((example.english for example in self.examples if example.text and example.text == self.text), "")

    @property
    def shows_picture(self) -> bool:
        return any(example.is_picture for example in self.examples)
