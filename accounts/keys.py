"""The secrets that we hand out: their prefixes, how they are made, and what we keep of them.

A body holds letters and digits only and has one length, so an API key (`sk_` and a body) can never look like a client
secret (`sk_live_` and a body).
"""

import enum
import hashlib
import secrets
import string

BODY_ALPHABET = string.ascii_letters + string.digits
# 40 characters of 62 are 238 bits: beyond guessing, so a plain fast digest protects them at rest.
BODY_LENGTH = 40
# What we keep readable of a key, to tell keys apart in a list.
SHOWN_LENGTH = 10


class KeyKind(enum.Enum):
    """What a secret's prefix says it is."""

    CLIENT_SECRET = "sk_live_"  # noqa: S105 - a prefix
    PUBLIC_KEY = "pk_live_"
    API_KEY = "sk_"


def new_key(kind: KeyKind) -> str:
    """Return a new random secret of this kind."""
    return kind.value + "".join(secrets.choice(BODY_ALPHABET) for _ in range(BODY_LENGTH))


def key_kind(key: str) -> KeyKind | None:
    """Return what kind of secret this looks like, or None."""
    for kind in KeyKind:  # longest prefix first
        if key.startswith(kind.value):
            return kind
    return None


def digest(key: str) -> str:
    """Return the SHA-256 of a secret in hex, the only form in which it is stored."""
    return hashlib.sha256(key.encode()).hexdigest()
