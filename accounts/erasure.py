"""Erasing a tenant: what stands outside of its rows first, then the rows themselves; the audit log stays.

An app that keeps something of tenants elsewhere, such as files, registers a hook as it is loaded. A hook may be called
again after it was interrupted.
"""

from collections.abc import Callable

from accounts.models import Tenant

Hook = Callable[[Tenant], None]

_hooks: list[Hook] = []


def erases(hook: Hook) -> Hook:
    """Have a function called with every tenant that is erased."""
    _hooks.append(hook)
    return hook


def erase_tenant(tenant: Tenant) -> None:
    """Erase a tenant and all that is its own, for good. Nobody gets in meanwhile.

    It must not be called within a transaction, as indexes are dropped; when it is interrupted, call it again.
    """
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.SUSPENDED)
    for hook in _hooks:
        hook(tenant)
    tenant.delete()
