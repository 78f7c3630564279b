"""Secrets that we must read again, such as those that webhooks are signed with, encrypted in the database."""

import base64
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # no generic when it runs
    """A text that is stored encrypted and authenticated (Fernet), by a key derived from SECRET_KEY (HKDF, RFC 5869).

    Texts that were encrypted under one of SECRET_KEY_FALLBACKS are still read.
    """

    def get_prep_value(self, value: Any) -> str | None:
        """Return what the database keeps; nothing stays nothing."""
        return _cipher().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        """Return the text. Raises `cryptography.fernet.InvalidToken` when its key is gone."""
        return _cipher().decrypt(value.encode()).decode() if value else value


def _cipher() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"trooply.accounts.encryption").derive(
        secret.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
