"""What a caller needs to start jobs of a kind, and so to repeat them, to cancel them and to have what they made."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from accounts.authorization import MissingPermission
from catalog.models import Job

RIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        Job.Kind.INDEX: ("products:bulk",),
        Job.Kind.DEMO: ("products:bulk",),
        Job.Kind.REINDEX: ("products:write",),
        Job.Kind.SYNC: ("products:bulk", "products:delete"),
        Job.Kind.DELETE: ("products:delete",),
        Job.Kind.DUPLICATES: ("products:write",),
        Job.Kind.EXPORT: ("settings:read", "products:read"),
        Job.Kind.ATTRIBUTES: ("products:write",),
        Job.Kind.TRANSLATE: ("settings:write",),
    }
)


def missing_right(kind: str, permissions: Collection[str]) -> str | None:
    """Return the first permission that jobs of a kind need and that is missing, if one is."""
    return next((right for right in RIGHTS[kind] if right not in permissions), None)


def require_rights(kind: str, permissions: Collection[str]) -> None:
    """Raise MissingPermission unless these permissions are enough to start jobs of a kind."""
    missing = missing_right(kind, permissions)
    if missing is not None:
        raise MissingPermission(missing)
