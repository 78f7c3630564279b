"""The pictures that the encoder learns from and is chosen by, with what they show."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Example:
    """A picture file and what it shows.

    `kind` is the lexicon's name of the kind of thing, `product` that of the very product where several pictures
    show the same one, `split`: train, validation or test.
    """

    path: Path
    kind: str
    split: str
    product: str = ""
    drawn: bool = False


def read_clothing(data: Path) -> list[Example]:
    """Return the clothing pictures (CC0) in the splits that their list gives."""
    with (data / "clothing/images.csv").open(newline="") as file:
        return [
            Example(data / "clothing/images" / row["image"], _kind_name(row["label"]), row["split"])
            for row in csv.DictReader(file)
            if row["label"]
        ]


def read_grocery(data: Path) -> list[Example]:
    """Return the photographs of groceries in a shop (MIT) in the splits that their list gives."""
    with (data / "grocery/images.csv").open(newline="") as file:
        return [
            Example(
                data / "grocery" / row["image"],
                _kind_name(row["coarse_label"]),
                "validation" if row["split"] == "val" else row["split"],
                product=_kind_name(row["fine_label"]),
            )
            for row in csv.DictReader(file)
        ]


def read_iconic(data: Path) -> list[Example]:
    """Return one clean picture of each grocery product (MIT), all for training."""
    with (data / "grocery/products.csv").open(newline="") as file:
        return [
            Example(
                data / "grocery" / row["iconic_image"],
                _kind_name(row["coarse_label"]),
                "train",
                product=_kind_name(row["product"]),
            )
            for row in csv.DictReader(file)
        ]


def read_drawn(folder: Path) -> list[Example]:
    """Return the pictures that `training.rendering` has drawn, with what it noted about them."""
    with (folder / "pictures.jsonl").open() as file:
        return [
            Example(folder / row["file"], row["kind"], row["split"], product=row["template"], drawn=True)
            for row in map(json.loads, file)
        ]


def _kind_name(label: str) -> str:
    """Return what the lexicon calls a label."""
    return "t-shirt" if label == "T-Shirt" else label.replace("-", " ").lower()
