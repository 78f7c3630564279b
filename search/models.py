"""What a tenant has decided about its searches: weights and threshold, experiments, searches worth keeping."""

import secrets
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from accounts.models import Tenant, User
from search.ranking import FULL_WEIGHT, Weights

WEIGHTS = tuple(field.name for field in fields(Weights))


def _weight(help_text: str) -> "models.DecimalField[Any, Any]":
    within = [MinValueValidator(0), MaxValueValidator(FULL_WEIGHT)]
    return models.DecimalField(max_digits=5, decimal_places=2, validators=within, help_text=f"per cent: {help_text}")


class SearchConfig(models.Model):
    """How a tenant's results are found and ordered; `configuration.config` has the defaults of tenants without one."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="search_config")
    visual_similarity = _weight("how alike the pictures are, or the words and the picture")
    product_type = _weight("the same kind of thing")
    popularity = _weight("more clicks and purchases")
    category_match = _weight("the same category")
    shape = _weight("a similar outline")
    color = _weight("a similar palette")
    default_threshold = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="the least similarity of a result when a search names none; it goes before the smart threshold",
    )
    smart_threshold_enabled = models.BooleanField(
        default=True, help_text="leave out junk by what the catalogue's own scores recommend"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="search_config_weights_total_100",
                condition=Q(
                    visual_similarity=Value(Decimal(FULL_WEIGHT))
                    - F("product_type")
                    - F("popularity")
                    - F("category_match")
                    - F("shape")
                    - F("color")
                ),
                violation_error_message="The weights must total 100.",
            ),
            models.CheckConstraint(
                name="search_config_weights_positive", condition=Q(**{f"{name}__gte": 0 for name in WEIGHTS})
            ),
            models.CheckConstraint(
                name="search_config_threshold_range",
                condition=Q(default_threshold=None) | Q(default_threshold__range=(0, 1)),
            ),
        ]

    def __str__(self) -> str:
        return f"Search config of {self.tenant}"


def new_experiment_id() -> str:
    return f"exp_{secrets.token_hex(8)}"


def new_seed() -> str:
    return secrets.token_hex(8)


class Experiment(models.Model):
    """Two sets of weights that are compared on half of the shoppers each; a tenant runs one at a time."""

    class Status(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"

    class Variant(models.TextChoices):
        A = "a"
        B = "b"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="experiments")
    experiment_id = models.CharField(max_length=40, unique=True, default=new_experiment_id, editable=False)
    name = models.CharField(max_length=100)
    variant_a = models.JSONField(help_text="weights in per cent")
    variant_b = models.JSONField(help_text="weights in per cent")
    seed = models.CharField(
        max_length=16, default=new_seed, editable=False, help_text="so that each experiment splits shoppers anew"
    )
    planned_sample = models.PositiveIntegerField(help_text="sessions of each variant before which there is no verdict")
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    winner = models.CharField(max_length=1, choices=Variant, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", name="experiment_running_unique", condition=Q(status="running"))
        ]
        indexes = [models.Index("tenant", F("started_at").desc(), F("id").desc(), name="experiment_newest")]

    def __str__(self) -> str:
        return self.name


def new_saved_id() -> str:
    return f"saved_{secrets.token_hex(8)}"


class SavedSearch(models.Model):
    """A search under a name, as it was sent, to be run again."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="saved_searches")
    saved_id = models.CharField(max_length=40, unique=True, default=new_saved_id, editable=False)
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=20)
    params = models.JSONField(help_text="the body of the search, as its mode takes it")
    created_by = models.ForeignKey(User, models.SET_NULL, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "saved searches"
        ordering: ClassVar[list[str]] = ["-created_at"]
        indexes = [models.Index("tenant", F("created_at").desc(), F("id").desc(), name="saved_search_newest")]

    def __str__(self) -> str:
        return self.name


def new_thread_id() -> str:
    return f"chat_{secrets.token_hex(12)}"


class ChatThread(models.Model):
    """A shopper's conversation: what was said, what is asked for by now, and what was shown last."""

    KEPT_FOR = timedelta(days=7)
    MAX_TURNS = 20
    # Of a tenant: beyond them those go that nobody has gone on with for longest.
    LIMIT = 100_000

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="chat_threads")
    thread_id = models.CharField(max_length=40, unique=True, default=new_thread_id, editable=False)
    wish = models.JSONField(default=dict, blank=True, help_text="what is asked for by now")
    shown = models.JSONField(default=dict, blank=True, help_text="the search whose products the shopper sees")
    turns = models.JSONField(default=list, blank=True, help_text="the last messages and answers")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index("tenant", F("updated_at").desc(), name="chat_thread_newest"),
            models.Index("updated_at", name="chat_thread_age"),
        ]

    def __str__(self) -> str:
        return self.thread_id

    def drop_oldest(self) -> None:
        """Delete its tenant's conversations beyond the LIMIT newest."""
        kept = ChatThread.objects.filter(tenant=self.tenant).order_by("-updated_at")
        ChatThread.objects.filter(pk__in=kept.values("pk")[self.LIMIT :]).delete()

    @classmethod
    def expired(cls) -> models.QuerySet["ChatThread"]:
        """Return the conversations that nobody has gone on with."""
        return cls.objects.filter(updated_at__lt=timezone.now() - cls.KEPT_FOR)
