"""What happened: one row a search, and one for everything that a shopper did with a result."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Tenant

MAX_TEXT_LENGTH = 500
# Of the shop's own ids of a visit and of a shopper, in a search as in feedback to it.
MAX_SHOPPER_ID_LENGTH = 100


class SearchEvent(models.Model):
    """A search that was answered."""

    KEPT_FOR = timedelta(days=400)

    class Surface(models.TextChoices):
        API = "api", "API"
        PORTAL = "portal"
        WIDGET = "widget"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    search_id = models.CharField(max_length=40)
    mode = models.CharField(max_length=20)
    text = models.CharField(max_length=MAX_TEXT_LENGTH, blank=True)
    results = models.PositiveSmallIntegerField()
    milliseconds = models.FloatField()
    surface = models.CharField(max_length=10, choices=Surface, default=Surface.API)
    params = models.JSONField(default=dict, blank=True, help_text="what was asked, without the bytes of pictures")
    filters = models.JSONField(default=list, blank=True, help_text="fields and values filtered by")
    session_id = models.CharField(max_length=255, blank=True)
    user_id = models.CharField(max_length=255, blank=True, help_text="the shop's own id of the shopper")
    experiment = models.CharField(max_length=40, blank=True)
    variant = models.CharField(max_length=40, blank=True)
    top_product_ids = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    is_forgotten = models.BooleanField(default=False, help_text="it counts, but what was asked and by whom is deleted")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints = [models.UniqueConstraint("tenant", "search_id", name="search_event_id_unique")]
        indexes = [
            models.Index("tenant", F("created_at").desc(), name="search_event_newest"),
            models.Index("created_at", name="search_event_age"),
        ]

    def __str__(self) -> str:
        return self.search_id

    @classmethod
    def expired(cls) -> models.QuerySet["SearchEvent"]:
        """Return the events that are older than the longest report."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR)


class FeedbackEvent(models.Model):
    """A click on a product, its way into a cart, or its purchase, as the shop reported it.

    `search_id` is what the shop sent: only one of this tenant's own searches attributes the event to it.
    """

    KEPT_FOR = SearchEvent.KEPT_FOR

    class Action(models.TextChoices):
        CLICK = "click"
        ADD_TO_CART = "add_to_cart"
        PURCHASE = "purchase"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    product_id = models.CharField(max_length=255)
    action = models.CharField(max_length=20, choices=Action)
    search_id = models.CharField(max_length=255, blank=True)
    position = models.PositiveIntegerField(null=True, blank=True, help_text="of the product in the results, from 1")
    quantity = models.PositiveIntegerField(default=1)
    order_id = models.CharField(max_length=255, blank=True)
    order_value = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="of the whole order"
    )
    currency = models.CharField(max_length=3, blank=True)
    session_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "tenant",
                "order_id",
                "product_id",
                name="feedback_purchase_unique",
                condition=Q(action="purchase") & ~Q(order_id=""),
            )
        ]
        indexes = [
            models.Index("tenant", F("created_at").desc(), name="feedback_newest"),
            models.Index("created_at", name="feedback_age"),
            models.Index("tenant", "search_id", name="feedback_search", condition=~Q(search_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.product_id}"

    @classmethod
    def expired(cls) -> models.QuerySet["FeedbackEvent"]:
        """Return the events that are older than the longest report."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR)
