"""What happened, one row a search."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models import Tenant


class SearchEvent(models.Model):
    """A search that was answered."""

    KEPT_FOR = timedelta(days=400)

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    search_id = models.CharField(max_length=40, unique=True)
    mode = models.CharField(max_length=20)
    text = models.CharField(max_length=500, blank=True)
    results = models.PositiveSmallIntegerField()
    milliseconds = models.FloatField()
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        indexes = [
            models.Index("tenant", F("created_at").desc(), name="search_event_newest"),
            models.Index("created_at", name="search_event_age"),
        ]

    def __str__(self) -> str:
        return self.search_id

    @classmethod
    def prune(cls) -> int:
        """Delete events older than the longest report; return how many."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR).delete()[0]
