"""Signatures of what is sent: the sources' `X-Webhook-Signature`, and Standard Webhooks headers beside it.

Both are by the same secret (standardwebhooks.com allows it). While a secret that was rotated is still valid, Standard
Webhooks carries a signature by each; `X-Webhook-Signature` has room for one, which is by the present secret.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
MIN_SECRET_LENGTH = 16
# Bytes of a key after `whsec_`, by the specification of Standard Webhooks; of those that we make, the digest's own.
KEY_BYTES = range(24, 65)
NEW_KEY_BYTES = 32


def new_secret() -> str:
    """Return a secret that nobody else has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_KEY_BYTES)).decode()


def signed_headers(body: bytes, *, message_id: str, signed_by: Sequence[str], at: datetime) -> dict[str, str]:
    """Return the headers that prove a body to be ours, by these secrets, the present one first."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "X-Webhook-Signature": f"sha256={hmac.new(signed_by[0].encode(), body, 'sha256').hexdigest()}",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(content, secret)}" for secret in signed_by),
    }


def _signature(content: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(_key(secret), content, "sha256")).decode()


def _key(secret: str) -> bytes:
    """Return the key that a secret stands for: what `whsec_` encodes, or the bytes of any other text."""
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return secret.encode()
        if len(key) in KEY_BYTES:
            return key
    return secret.encode()
