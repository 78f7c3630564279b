"""Forgetting past searches, and with them the conversations in which they were made."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Func, JSONField

from accounts.models import Tenant
from analytics.history import forget_searches, remembered_searches
from analytics.search_events import flush_search_events
from search.models import ChatThread


def forget_history(tenant: Tenant, wanted: Mapping[str, Any]) -> int:
    """Delete what was asked and by whom: all, or of one session or shopper; return of how many searches."""
    flush_search_events(wait=True)
    with transaction.atomic():
        _forget_conversations(tenant, wanted)
        return forget_searches(tenant, wanted)


def _forget_conversations(tenant: Tenant, wanted: Mapping[str, Any]) -> None:
    threads = ChatThread.objects.filter(tenant=tenant)
    if wanted:
        chats = remembered_searches(tenant).filter(mode="chat", **wanted)
        search_ids = list(chats.values_list("search_id", flat=True))
        threads = threads.alias(search_ids=_search_ids()).filter(search_ids__has_any_keys=search_ids)
    threads.delete()


def _search_ids() -> Func:
    template = "jsonb_path_query_array(%(expressions)s, '$[*].search_id')"
    return Func(F("turns"), template=template, output_field=JSONField())
