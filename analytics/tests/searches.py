"""Searches that were made, for tests."""

from itertools import count

from django.utils import timezone

from analytics.models import SearchEvent

_numbers = count()


def search(tenant, text="", *, mode="text", results=1, milliseconds=5, created_at=None, **fields):
    """Create a search event and return it; without a time it is of now."""
    return SearchEvent.objects.create(
        tenant=tenant,
        search_id=f"srch_{next(_numbers)}",
        mode=mode,
        text=text,
        results=results,
        milliseconds=milliseconds,
        created_at=created_at or timezone.now(),
        **fields,
    )
