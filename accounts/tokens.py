"""Access tokens: JWTs of one hour, for a tenant's owner or a user.

Each carries a fingerprint of the secret or password it was given for, so changing that ends its tokens at once.
"""

import hashlib

from rest_framework import exceptions
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Tenant, User

LIFETIME_SECONDS = int(AccessToken.lifetime.total_seconds())


class InvalidToken(exceptions.AuthenticationFailed):
    default_code = "invalid_credentials"
    default_detail = "This access token is not valid. Get a new one at POST /oauth/token."


class TokenExpired(exceptions.AuthenticationFailed):
    default_code = "token_expired"
    default_detail = "This access token has expired. Get a new one at POST /oauth/token."


def issue_token(owner: Tenant | User) -> str:
    """Return a signed access token for a tenant's owner or a user."""
    token = AccessToken()
    token["kind"] = "user" if isinstance(owner, User) else "owner"
    token["sub"] = str(owner.pk)
    token["fingerprint"] = _fingerprint(owner)
    return str(token)


def read_token(encoded: str) -> Tenant | User:
    """Return whose access token this is.

    Raises TokenExpired, or InvalidToken when it is forged, of a removed user or older than their present secret.
    """
    try:
        token = AccessToken(encoded)  # type: ignore[arg-type]  # the library takes the encoded string, too
    except ExpiredTokenError as error:
        raise TokenExpired from error
    except TokenError as error:
        raise InvalidToken from error
    owner = _find_owner(kind=token["kind"], pk=token["sub"])
    if owner is None or token.get("fingerprint") != _fingerprint(owner):
        raise InvalidToken
    return owner


def _find_owner(*, kind: str, pk: str) -> Tenant | User | None:
    if kind == "owner":
        return Tenant.objects.filter(pk=pk).first()
    return User.objects.select_related("tenant").filter(pk=pk, is_active=True).first()


def _fingerprint(owner: Tenant | User) -> str:
    secret = owner.password if isinstance(owner, User) else owner.client_secret_digest
    return hashlib.sha256(secret.encode()).hexdigest()[:16]
