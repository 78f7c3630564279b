"""`manage.py export_encoder MODEL PRETRAINED`: an encoder bundle from any open_clip model."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.vision.encoder import EncoderError

# A folder's name, and a value of `catalog.models.Encoder.name`.
NAME = re.compile(r"\w[\w.-]{0,99}")


class Command(BaseCommand):
    help = (
        "Write an open_clip model as an encoder bundle, which is served without torch: "
        "export_encoder ViT-B-32 laion2b_s34b_b79k, or, once downloaded, export_encoder local-dir:PATH."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", help="a name known to open_clip, hf-hub:REPOSITORY or local-dir:PATH")
        parser.add_argument("pretrained", nargs="?", help="open_clip's tag, or a file of weights")
        parser.add_argument(
            "--output",
            type=Path,
            default=settings.ENCODER_DIR,
            metavar="DIR",
            help="where the bundle's folder goes (default: %(default)s)",
        )
        parser.add_argument("--name", help="the encoder's name (default: from the model's)")
        parser.add_argument("--force", action="store_true", help="replace a bundle of that name")
        parser.add_argument(
            "--int8",
            action="store_true",
            help="put each tower in 8-bit integers that then still finds what it finds in float32",
        )
        parser.add_argument(
            "--pictures", type=Path, metavar="DIR", help="real pictures to try int8 with (default: the demo shop's)"
        )
        parser.add_argument("--force-int8", action="store_true", help="put both towers in int8 whatever they find then")

    def handle(
        self,
        *,
        model: str,
        pretrained: str | None,
        output: Path,
        name: str | None,
        force: bool,
        int8: bool,
        pictures: Path | None,
        force_int8: bool,
        **options: Any,
    ) -> None:
        # Imported here: it needs torch, which a serving installation does without.
        try:
            from catalog.int8_examples import load_examples
            from catalog.vision.export import Int8, export_encoder
            from catalog.vision.open_clip_source import Source
        except ImportError as error:
            raise CommandError(f"Export needs {error.name}: pip install -r requirements.txt") from error

        source = Source(model, pretrained)
        name = name or source.default_name
        if not NAME.fullmatch(name):
            raise CommandError(f"{name!r} cannot name an encoder: give letters, digits and . _ - with --name.")
        try:
            with _quiet_libraries():
                parity = export_encoder(
                    source,
                    output / name,
                    replace=force,
                    int8=Int8(load_examples(pictures), force=force_int8) if int8 or force_int8 else None,
                    report=self.stdout.write,
                )
        except (EncoderError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Wrote {output / name}. Least cosine of its float32 to the model: "
            f"{parity.images:.6f} for pictures, {parity.texts:.6f} for texts."
        )


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep off the terminal the hundred lines that open_clip and torch.onnx log about their steps."""
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
