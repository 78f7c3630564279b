"""`manage.py drop_encoder`: delete an encoder's vectors once nobody will switch back to it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from catalog import locks
from catalog.encoders import GRACE
from catalog.models import Encoder, VectorIndex
from catalog.reindexing import drop_encoder


class Command(BaseCommand):
    help = "Delete an encoder that stands by: its vectors and their indexes. Its bundle stays where it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the encoder, as the admin lists it")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be deleted")

    def handle(self, *, name: str, dry_run: bool, verbosity: int, **options: Any) -> None:
        row = _require_idle(name)
        vectors, indexes = row.embeddings.count(), VectorIndex.objects.filter(encoder=row).count()
        found = f"{vectors} vectors and {indexes} vector indexes of {name}"
        if dry_run:
            self.stdout.write(f"{found} would be deleted.")
            return
        with locks.tried(locks.REINDEX) as is_ours:
            if not is_ours:
                raise CommandError("Another run fills in or drops an encoder at the moment. Wait for its end.")
            _require_idle(name)
            with tqdm(total=vectors, unit=" vectors", disable=verbosity == 0) as progress:
                drop_encoder(row, on_progress=progress.update)
        self.stdout.write(f"{found} deleted.")


def _require_idle(name: str) -> Encoder:
    """Return an encoder that no process uses any more. Raises CommandError."""
    row = Encoder.objects.filter(name=name).first()
    if row is None:
        raise CommandError(f"There is no encoder with the name {name}.")
    if row.state == Encoder.State.SERVING:
        raise CommandError(f"{name} serves. Switch to another encoder first: manage.py reindex --encoder NAME")
    if row.state == Encoder.State.FILLING:
        raise CommandError(
            f"{name} is being filled in. `manage.py reindex --encoder` with the one that serves ends that."
        )
    if timezone.now() < row.state_since + GRACE:
        raise CommandError(f"{name} was in use until a moment ago, and may still be. Wait a minute.")
    return row
