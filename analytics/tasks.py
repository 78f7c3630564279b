"""Background work of analytics."""

from celery import shared_task

from analytics import search_events


@shared_task
def flush_search_events() -> None:
    """Move the search events of the last seconds from Redis to PostgreSQL."""
    search_events.flush_search_events()
