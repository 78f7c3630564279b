"""Data sets as they lie in files: a folder of folders, a CSV, a JSON list, or a description in TOML."""

import csv
import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.vision.evaluation.figures import Phrase, Word
from catalog.vision.evaluation.pictures import DatasetError, Picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".heic"}

# In the order of their use: a split may learn from those before it.
SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation"}

# What each column may be called when nobody says it, in any case.
USUAL_NAMES = {
    "image": ("image", "picture", "file", "filename", "path"),
    "label": ("label", "category", "type", "class"),
    "name": ("name", "title"),
    "split": ("split",),
    "color": ("color", "colour"),
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """Pictures of all splits, and a gallery with one or more pictures of each product."""

    name: str
    pictures: Sequence[Picture]
    gallery: Sequence[Picture] = ()

    @property
    def classes(self) -> list[str]:
        """The labels to tell apart: those of the test, so that validation asks the same question."""
        return sorted({picture.label for picture in self.pictures if picture.split == "test"} - {""})

    def of_split(self, split: str) -> list[Picture]:
        """Return a split's pictures; raise DatasetError when there are none."""
        chosen = [picture for picture in self.pictures if picture.split == split]
        if not chosen:
            counts = Counter(picture.split for picture in self.pictures)
            there = ", ".join(f"{count} {name}" for name, count in counts.items()) or "none at all"
            raise DatasetError(f"{self.name} has no {split} pictures, but {there}. Choose with --split.")
        return chosen

    def before(self, split: str) -> list[Picture]:
        """Return the pictures of the splits that this one may learn from, if they show one of the classes."""
        earlier, classes = SPLITS[: SPLITS.index(split)], set(self.classes)
        return [picture for picture in self.pictures if picture.split in earlier and picture.label in classes]


@dataclass(frozen=True)
class Columns:
    """Which column of a CSV, or key of a JSON list, says what `Picture` has; "" is none."""

    image: str = ""
    label: str = ""
    name: str = ""
    split: str = ""
    color: str = ""
    product: str = ""


def read_dataset(path: Path, *, data: Path | None = None, columns: Mapping[str, str] | None = None) -> Dataset:
    """Return the data set at a path; raise DatasetError when something is missing or unclear.

    - A folder: each folder in it is named after the label of its pictures; or after a split, with such folders in it.
    - A .csv with a header or a .json list of objects: pictures lie beside it, or in `images` beside it. `columns`
      overrides the usual names of the columns.
    - A .toml: `file`, a .csv or .json, relative to `data` or else to the .toml; its columns as in `Columns`, none
      guessed; `hyphens_are_spaces = true` where labels have hyphens for spaces; a table `gallery` of the same kind.
    """
    _require(path)
    overrides = columns or {}
    if path.suffix == ".toml":
        return _read_described(path, data or path.parent, overrides)
    if path.is_dir():
        return Dataset(path.name, _require_files(_read_folder(path), path))
    rows = _read_rows(path)
    return Dataset(path.stem, _parse_rows(path, rows, Columns(**{**_guess(rows), **overrides})))


def read_words(path: Path) -> list[Word]:
    """Return other words for labels from a CSV of word, label, listed ("yes" or "no")."""
    return [
        Word(word, label, listed == "yes") for word, label, listed in _read_columns(path, "word", "label", "listed")
    ]


def read_phrases(path: Path) -> list[Phrase]:
    """Return labels in several languages from a CSV of lang, text, label, colour ("" for a label alone)."""
    return [Phrase(*row) for row in _read_columns(path, "lang", "text", "label", "colour")]


def _read_folder(folder: Path) -> list[Picture]:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    ways = [file.relative_to(folder).parts[:-1] for file in files]
    has_splits = all(way and _parse_split(way[0]) in SPLITS for way in ways)
    depth = 1 if has_splits else 0
    return [
        Picture(file, label=_parse_label(way[depth]), split=_parse_split(way[0]) if has_splits else "test")
        for file, way in zip(files, ways, strict=True)
        if len(way) > depth
    ]


def _read_described(path: Path, data: Path, overrides: Mapping[str, str]) -> Dataset:
    try:
        description = tomllib.loads(path.read_text())
        gallery = description.pop("gallery", None)
        pictures = _read_part(data, {**description, **overrides})
        return Dataset(path.stem, pictures, _read_part(data, gallery) if gallery else ())
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise DatasetError(f"{path} does not describe a data set: {error}.") from error


def _read_part(data: Path, description: Row) -> list[Picture]:
    file, hyphens, columns = _split_description(**description)
    if not (data / file).exists():
        raise DatasetError(f"There is no {data / file}. Name the folder that has {file} with --data.")
    return _parse_rows(data / file, _read_rows(data / file), columns, hyphens_are_spaces=hyphens)


def _split_description(*, file: str, hyphens_are_spaces: bool = False, **columns: str) -> tuple[str, bool, Columns]:
    return file, hyphens_are_spaces, Columns(**columns)


def _read_rows(path: Path) -> list[Row]:
    try:
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows: Any = list(csv.DictReader(file, restval=""))
        else:
            rows = json.loads(path.read_bytes())
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"Cannot read {path}: {error}.") from error
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
        raise DatasetError(f"{path} has no rows: a CSV with a header or a JSON list of objects is needed.")
    return rows


def _read_columns(path: Path, *names: str) -> list[tuple[str, ...]]:
    _require(path)
    rows = _read_rows(path)
    _require_columns(path, rows, names)
    return [tuple(row[name] for name in names) for row in rows]


def _guess(rows: Sequence[Row]) -> dict[str, str]:
    """Return the column for each of USUAL_NAMES that is there."""
    own = {name.lower(): name for name in rows[0]}
    found = {key: next((own[name] for name in names if name in own), "") for key, names in USUAL_NAMES.items()}
    return {key: column for key, column in found.items() if column}


def _parse_rows(
    path: Path, rows: Sequence[Row], columns: Columns, *, hyphens_are_spaces: bool = False
) -> list[Picture]:
    if not columns.image:
        raise DatasetError(f"Which column of {path} has the picture? Say it with --image-column: {', '.join(rows[0])}.")
    _require_columns(path, rows, [column for column in vars(columns).values() if column])
    beside = path.parent / _text(rows[0], columns.image)
    folder = path.parent if beside.exists() else path.parent / "images"
    pictures = [
        Picture(
            folder / _text(row, columns.image),
            label=_parse_label(_text(row, columns.label), hyphens_are_spaces=hyphens_are_spaces),
            name=_text(row, columns.name),
            product=_text(row, columns.product),
            split=_parse_split(_text(row, columns.split)) if columns.split else "test",
            color=_text(row, columns.color).lower(),
        )
        for row in rows
    ]
    return _require_files(pictures, path)


def _text(row: Row, column: str) -> str:
    value = row.get(column) if column else None
    return "" if value is None else str(value).strip()


def _parse_label(text: str, *, hyphens_are_spaces: bool = False) -> str:
    """Return a label as a shopper says it."""
    return text.lower().replace("_", " ").replace("-", " " if hyphens_are_spaces else "-")


def _parse_split(text: str) -> str:
    return SPLIT_NAMES.get(text.lower(), text.lower())


def _require(path: Path) -> None:
    if not path.exists():
        raise DatasetError(f"There is no {path}.")


def _require_columns(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    for column in columns:
        if all(column not in row for row in rows):
            raise DatasetError(f"{path} has no column {column}; it has {', '.join(rows[0])}.")


def _require_files(pictures: list[Picture], source: Path) -> list[Picture]:
    """Return the pictures, of which there is one at least and none without a file; else raise DatasetError."""
    if not pictures:
        raise DatasetError(f"There are no pictures in {source}: one folder for each label is needed.")
    missing = [picture.path for picture in pictures if not picture.path.is_file()]
    if missing:
        raise DatasetError(
            f"{source} names {len(missing)} of {len(pictures)} pictures that are not there: {missing[0]}."
        )
    return pictures
