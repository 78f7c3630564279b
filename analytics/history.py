"""The searches that a tenant sees again, and can have forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from rest_framework import serializers

from accounts.models import Tenant
from analytics.models import MAX_SHOPPER_ID_LENGTH, MAX_TEXT_LENGTH, FeedbackEvent, SearchEvent
from analytics.search_events import flush_search_events
from analytics.vocabulary import forget_vocabulary


class HistoryInput(serializers.Serializer[dict[str, Any]]):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    cursor = serializers.CharField(required=False, help_text="next_cursor of the page before")
    mode = serializers.CharField(max_length=20, required=False, help_text="such as text, url or upload")
    q = serializers.CharField(max_length=MAX_TEXT_LENGTH, required=False, help_text="a part of the words")
    created_after = serializers.DateTimeField(required=False)


class ForgetInput(serializers.Serializer[dict[str, Any]]):
    session_id = serializers.CharField(
        max_length=MAX_SHOPPER_ID_LENGTH, required=False, help_text="only what this session searched"
    )
    user_id = serializers.CharField(
        max_length=MAX_SHOPPER_ID_LENGTH, required=False, help_text="only what this shopper searched"
    )


def remembered_searches(tenant: Tenant) -> QuerySet[SearchEvent]:
    """Return a tenant's searches, the newest first, but those that were forgotten."""
    return SearchEvent.objects.filter(tenant=tenant, is_forgotten=False)


def find_searches(tenant: Tenant, wanted: Mapping[str, Any]) -> QuerySet[SearchEvent]:
    """Return the searches that the fields of a HistoryInput ask for."""
    searches = remembered_searches(tenant)
    if mode := wanted.get("mode"):
        searches = searches.filter(mode=mode)
    if text := wanted.get("q"):
        searches = searches.filter(text__icontains=text)
    if after := wanted.get("created_after"):
        searches = searches.filter(created_at__gt=after)
    return searches


def summarise_history(tenant: Tenant, *, at: datetime) -> dict[str, int]:
    """Return how many searches are remembered, and how many of them are of this day of UTC."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return remembered_searches(tenant).aggregate(
        total=Count("pk"), today=Count("pk", filter=Q(created_at__gte=midnight))
    )


def forget_searches(tenant: Tenant, wanted: Mapping[str, Any]) -> int:
    """Delete what was asked and by whom: all, or of one session or shopper; return of how many searches.

    The searches go on counting in the figures of usage and latency, without words, parameters or ids.
    """
    flush_search_events(wait=True)
    whose = {name: wanted[name] for name in ("session_id", "user_id") if name in wanted}
    with transaction.atomic():
        searches = remembered_searches(tenant).filter(**whose)
        _forget_sessions(tenant, searches, whose)
        forgotten = searches.update(
            is_forgotten=True, text="", params={}, filters=[], session_id="", user_id="", top_product_ids=[]
        )
    forget_vocabulary(tenant.pk)
    return forgotten


def _forget_sessions(tenant: Tenant, searches: QuerySet[SearchEvent], whose: Mapping[str, str]) -> None:
    """Delete the sessions of feedback to these searches, and of the session that is to be forgotten."""
    feedback = FeedbackEvent.objects.filter(tenant=tenant).exclude(session_id="")
    if whose:
        of_searches = Q(search_id__in=searches.values("search_id"))
        feedback = feedback.filter(of_searches | Q(session_id=whose.get("session_id", "")))
    feedback.update(session_id="")
