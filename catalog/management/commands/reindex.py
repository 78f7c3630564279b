"""`manage.py reindex`: vectors of an encoder for every picture that has none yet."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Tenant
from catalog.encoders import load_named_encoder
from catalog.reindexing import embed_pictures, pictures_without_vector
from catalog.vision.encoder import EncoderError


class Command(BaseCommand):
    help = (
        "Embed every stored picture that has no vector of an encoder yet, beside the vectors it has. Interrupt it and "
        "start it again as you like: it goes on where it stopped. Set ENCODER to the new encoder when it has finished."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="CLIENT_ID", help="only this tenant's pictures")
        parser.add_argument(
            "--encoder", metavar="NAME", help="a bundle in ENCODER_DIR, or its path; ENCODER if left out"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count the pictures")

    def handle(self, *, tenant: str | None, encoder: str | None, dry_run: bool, verbosity: int, **options: Any) -> None:
        try:
            chosen = load_named_encoder(encoder)
        except EncoderError as error:
            raise CommandError(str(error)) from error
        if tenant and not Tenant.objects.filter(client_id=tenant).exists():
            raise CommandError(f"There is no tenant with the client id {tenant}.")
        missing = pictures_without_vector(chosen, client_id=tenant)
        total = missing.count()
        if dry_run:
            self.stdout.write(f"{total} pictures have no vector of {chosen.name}.")
            return
        with tqdm(total=total, unit=" pictures", disable=verbosity == 0) as progress:
            unreadable = embed_pictures(missing, chosen, on_progress=progress.update)
        for image in unreadable:
            self.stderr.write(
                f"{image.product.product_id}: its stored picture is gone; delete the product and send it again."
            )
        self.stdout.write(f"{total - len(unreadable)} pictures embedded with {chosen.name}.")
        if unreadable:
            raise CommandError(f"{len(unreadable)} pictures could not be read.")
