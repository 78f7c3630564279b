"""Remembering what a tenant has configured, until it changes: configuration costs a search no query.

A tenant's row is read with the credentials of every request, and with it the number of its present revision. Whoever
changes configuration bumps that number in the same transaction, and first of all: as that locks the tenant, everybody
takes locks in one order, the tenant before its rows. So every process reads anew at its next request.
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import F, QuerySet

from accounts.models import Tenant

T = TypeVar("T")

# Tenants whose configuration a process remembers, of each kind; the least recently used are read anew.
REMEMBERED = 1_000


def bump_revision(tenant: Tenant) -> None:
    """Have all processes read anew what the tenant has configured; call it first in the transaction that changes it.

    Others who change configuration of the tenant wait until that transaction ends. As its number may be rolled back,
    nothing that is read by this very instance is remembered from now on.
    """
    Tenant.objects.filter(pk=tenant.pk).update(revision=F("revision") + 1)
    tenant.refresh_from_db(fields=["revision"])
    tenant.is_changing = True


def bump_revisions(rows: QuerySet[Any]) -> None:
    """Bump the revision of every tenant that has some of these rows, always in the same order."""
    for tenant in Tenant.objects.filter(pk__in=rows.order_by().values("tenant")).order_by("pk"):
        bump_revision(tenant)


def lock_configuration(tenant: Tenant) -> None:
    """Let nobody else change what the tenant has configured until the transaction ends.

    It is for whoever locks a row of configuration before it is known that there is something to change.
    """
    # Rows that refer to the tenant, such as new products, can be added meanwhile.
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def until_changed(load: Callable[[Tenant], T]) -> Callable[[Tenant], T]:
    """Remember what `load` reads of a tenant for as long as the tenant's revision is the same."""
    remembered: OrderedDict[int, tuple[int, T]] = OrderedDict()
    lock = threading.Lock()

    @functools.wraps(load)
    def read(tenant: Tenant) -> T:
        if tenant.is_changing:
            return load(tenant)
        with lock:
            known = remembered.get(tenant.pk)
        if known is not None and known[0] == tenant.revision:
            return known[1]
        value = load(tenant)
        with lock:
            remembered[tenant.pk] = (tenant.revision, value)
            remembered.move_to_end(tenant.pk)
            while len(remembered) > REMEMBERED:
                remembered.popitem(last=False)
        return value

    return read
