"""The audit log: who did what to a tenant's account and catalogue, from where, and what it changed.

Entries are written in the transaction of the change they tell of, and the database lets nobody change or delete them.
"""

from collections.abc import Mapping
from typing import Any

from accounts.models import AuditEntry, Tenant
from accounts.request_context import remote_address, request_id


def record(
    tenant: Tenant,
    actor: str,
    action: str,
    *,
    target: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down an act such as `webhook.created` by an actor such as `Caller.actor`; never with a secret in it."""
    AuditEntry.objects.create(
        tenant_id=tenant.pk,
        tenant_name=tenant.name,
        actor=actor,
        action=action,
        target=target,
        before=before,
        after=after,
        address=remote_address.get() or None,
        request_id=request_id.get(),
    )
