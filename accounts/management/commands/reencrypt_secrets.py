"""Finishing the rotation of SECRET_KEY."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models, transaction

from accounts.encryption import EncryptedTextField


class Command(BaseCommand):
    help = (
        "Encrypts all secrets anew by the present SECRET_KEY. While the former one stands in SECRET_KEY_FALLBACKS; "
        "afterwards nothing needs it any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only read all secrets")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        """Go through all rows that have secrets; raises CommandError if some cannot be read."""
        unreadable = 0
        for model in apps.get_models():
            if names := [
                field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)
            ]:
                unreadable += self._reencrypt(model, names, dry_run=dry_run)
        if unreadable:
            raise CommandError(
                f"{unreadable} rows have secrets that neither SECRET_KEY nor SECRET_KEY_FALLBACKS can read. "
                "Add the key that they were saved under, or rotate those secrets."
            )

    def _reencrypt(self, model: type[models.Model], names: list[str], *, dry_run: bool) -> int:
        """Save a model's secrets anew, and return how many rows cannot be read."""
        read = unreadable = 0
        for pk in model._base_manager.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                read += _reencrypt_row(model, pk, names, dry_run=dry_run)
            except InvalidToken:
                unreadable += 1
                self.stderr.write(f"{model._meta.label} {pk}: cannot be read")
        done = "can be read" if dry_run else "encrypted anew"
        self.stdout.write(f"{model._meta.label}: {read} {done}, {unreadable} cannot be read")
        return unreadable


@transaction.atomic
def _reencrypt_row(model: type[models.Model], pk: Any, names: list[str], *, dry_run: bool) -> int:
    """Return 1, or 0 for a row that was deleted meanwhile; raises InvalidToken for one that cannot be read."""
    row = model._base_manager.filter(pk=pk)
    secrets = row.select_for_update(no_key=True).values(*names).first()
    if secrets is None:
        return 0
    return 1 if dry_run else row.update(**secrets)
