"""Who calls the API: a bearer token or key becomes a `Caller`, which views read as `request.auth`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.keys import KeyKind, digest, key_kind
from accounts.models import ApiKey, Tenant, User
from accounts.permissions import ALL_PERMISSIONS, expand
from accounts.tokens import read_token


@dataclass(frozen=True)
class Caller:
    """Who makes this request: a tenant, with permissions, through a user or a key of theirs or as the owner."""

    tenant: Tenant
    permissions: frozenset[str]
    user: User | None = None
    api_key: ApiKey | None = None

    @property
    def actor(self) -> str:
        """Who this is, for the audit log."""
        if self.user is not None:
            return f"staff {self.user.email}" if self.user.is_staff else self.user.email
        return f"API key {self.api_key}" if self.api_key is not None else "owner"


class ApiRequest(Request):
    """A request that has been authenticated."""

    auth: Caller
    data: Any


class InvalidCredentials(exceptions.AuthenticationFailed):
    default_code = "invalid_credentials"


class WrongCredentialType(exceptions.AuthenticationFailed):
    default_code = "wrong_credential_type"


class AccountSuspended(exceptions.PermissionDenied):
    default_code = "account_suspended"
    default_detail = "This account is suspended. Please write to support."


class ConflictingCredentials(exceptions.ParseError):
    default_code = "conflicting_credentials"
    default_detail = "Authorization and X-API-Key name different credentials; send one of them."


EXCHANGE_IT_FIRST = (
    "This is a client secret (sk_live_…), which is no bearer token. Exchange it at POST /oauth/token for an access "
    "token, or create an API key (sk_…) and send that."
)
FOR_THE_WIDGET_ONLY = (
    "This is a public widget key (pk_live_…); it works in the storefront widget only. Send an API key (sk_…)."
)


class CredentialAuthentication(BaseAuthentication):
    """Accepts `Authorization: Bearer` with an access token or an API key, and `X-API-Key`."""

    def authenticate(self, request: Request) -> tuple[User | None, Caller] | None:
        credential = read_credential(request)
        if credential is None:
            return None
        caller = identify(credential, at=timezone.now())
        require_active(caller.tenant)
        return caller.user, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="trooply"'


def read_credential(request: Request) -> str | None:
    """Return the one credential of the request, from whichever header carries it."""
    scheme, _, bearer = get_authorization_header(request).decode("latin-1").partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise InvalidCredentials("Send `Authorization: Bearer <access token or API key>`.")
    api_key = request.headers.get("X-API-Key", "").strip()
    bearer = bearer.strip()
    if bearer and api_key and bearer != api_key:
        raise ConflictingCredentials
    return bearer or api_key or None


def identify(credential: str, *, at: datetime) -> Caller:
    """Return whose credential this is, or raise an error that says how to mend it."""
    match key_kind(credential):
        case KeyKind.API_KEY:
            return _identify_api_key(credential, at=at)
        case KeyKind.CLIENT_SECRET:
            raise WrongCredentialType(EXCHANGE_IT_FIRST)
        case KeyKind.PUBLIC_KEY:
            raise WrongCredentialType(FOR_THE_WIDGET_ONLY)
        case None:
            return caller_of(read_token(credential))


def caller_of(owner: Tenant | User) -> Caller:
    """Return the caller that an owner's token (all permissions) or a user (those of the groups) stands for."""
    if isinstance(owner, Tenant):
        return Caller(tenant=owner, permissions=ALL_PERMISSIONS)
    if owner.tenant is None:
        raise InvalidCredentials("Staff accounts use the admin, not the API.")
    return Caller(tenant=owner.tenant, user=owner, permissions=group_permissions(owner))


def group_permissions(user: User) -> frozenset[str]:
    """Return what a user may do: the permissions of all groups of theirs."""
    groups = user.user_groups.values_list("permissions", flat=True)
    return expand(permission for permissions in groups for permission in permissions)


def require_active(tenant: Tenant) -> None:
    if tenant.status != Tenant.Status.ACTIVE:
        raise AccountSuspended


def _identify_api_key(credential: str, *, at: datetime) -> Caller:
    api_key = ApiKey.objects.active(at).select_related("tenant").filter(digest=digest(credential)).first()
    if api_key is None:
        raise InvalidCredentials("This API key does not exist, has expired or was revoked. Create a new one.")
    api_key.record_use(at)
    return Caller(tenant=api_key.tenant, permissions=expand(api_key.scopes), api_key=api_key)
