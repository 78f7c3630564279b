"""`manage.py evaluate_encoder DATASET...`: how good an encoder is on pictures that somebody labelled."""

from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.encoders import load_named_encoder
from catalog.vision.encoder import EncoderError
from catalog.vision.evaluation.colors import measure_color, measure_palette_color
from catalog.vision.evaluation.datasets import read_dataset, read_phrases, read_words
from catalog.vision.evaluation.evaluate import count_pictures, evaluate
from catalog.vision.evaluation.figures import Figure
from catalog.vision.evaluation.pictures import DatasetError, MeasureColor

COLOR_MEASURES: dict[str, MeasureColor] = {"examples": measure_color, "palette": measure_palette_color}
COLUMNS = ("image", "label", "name", "split", "color")


class Command(BaseCommand):
    help = (
        "Print how often an encoder is right on labelled pictures: told by words and by its neighbours, found by name, "
        "by colour and kind, and from another picture. A data set is a folder of folders, a .csv, a .json or a .toml "
        "that describes one of them (training/evaluation has examples)."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("datasets", nargs="+", type=Path, metavar="DATASET")
        parser.add_argument(
            "--encoder", metavar="NAME", help="a bundle in ENCODER_DIR, or its path; ENCODER if left out"
        )
        parser.add_argument("--data", type=Path, metavar="DIR", help="the folder that a .toml's files lie in (its own)")
        parser.add_argument(
            "--split", choices=["validation", "test"], default="test", help="which pictures to measure (default: test)"
        )
        for column in COLUMNS:
            parser.add_argument(f"--{column}-column", metavar="COLUMN", help=f"the column that has the {column}")
        parser.add_argument(
            "--color-by",
            choices=list(COLOR_MEASURES),
            default="examples",
            help="how colours are measured where no column has them (default: %(default)s)",
        )
        parser.add_argument("--words", type=Path, metavar="CSV", help="other words for labels: word, label, listed")
        parser.add_argument("--languages", type=Path, metavar="CSV", help="labels abroad: lang, text, label, colour")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file, too")

    def handle(
        self,
        *,
        datasets: list[Path],
        encoder: str | None,
        data: Path | None,
        split: str,
        color_by: str,
        words: Path | None,
        languages: Path | None,
        json: Path | None,
        verbosity: int,
        **options: Any,
    ) -> None:
        columns = {name: options[f"{name}_column"] for name in COLUMNS if options[f"{name}_column"]}
        if json and not json.parent.is_dir():
            raise CommandError(f"There is no folder {json.parent} for the figures.")
        try:
            chosen = [read_dataset(path, data=data, columns=columns) for path in datasets]
            total = sum(count_pictures(dataset, split) for dataset in chosen)
            other_words, phrases = words and read_words(words), languages and read_phrases(languages)
            evaluated = load_named_encoder(encoder)
            figures = []
            with tqdm(total=total, unit=" pictures", disable=verbosity == 0) as progress:
                for dataset in chosen:
                    own = evaluate(
                        evaluated,
                        dataset,
                        split=split,
                        measure_color=COLOR_MEASURES[color_by],
                        words=other_words or [],
                        phrases=phrases or [],
                        on_progress=progress.update,
                    )
                    figures.append((dataset.name, own))
        except (DatasetError, EncoderError) as error:
            raise CommandError(str(error)) from error
        for name, own in figures:
            self.stdout.write(_as_table(f"{evaluated.name} on {name}, {split}", own))
        if json:
            json.write_text(dumps(_as_json(evaluated.name, split, figures), indent=2) + "\n")


def _as_table(title: str, figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown."""
    rows = [("figure", "value", "95 %", "n", "of English"), *map(_as_row, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([f"\n### {title}\n", *(f"| {line} |" for line in lines)])


def _as_row(figure: Figure) -> tuple[str, ...]:
    low, high = figure.rate.interval
    of_english = "" if figure.of_english is None else f"{figure.of_english:.0%}"
    return (
        figure.name,
        f"{figure.rate.value:.1%}",
        f"{low:.0%}-{high:.0%}",
        f"{figure.rate.n} {figure.unit}",
        of_english,
    )


def _as_json(encoder: str, split: str, figures: Sequence[tuple[str, Sequence[Figure]]]) -> dict[str, Any]:
    return {
        "encoder": encoder,
        "split": split,
        "datasets": [{"name": name, "figures": [_as_object(figure) for figure in own]} for name, own in figures],
    }


def _as_object(figure: Figure) -> dict[str, Any]:
    low, high = figure.rate.interval
    return {
        "figure": figure.name,
        "value": figure.rate.value,
        "low": low,
        "high": high,
        "n": figure.rate.n,
        "unit": figure.unit,
        "of_english": figure.of_english,
    }
