"""Plans, and which tenant is on which."""

from typing import ClassVar

from django.db import models

from accounts.models import Tenant


class Plan(models.Model):
    """What a price buys. A limit left empty is no limit."""

    FREE = "free"

    name = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=50)
    monthly_price = models.DecimalField(max_digits=8, decimal_places=2, help_text="in USD")
    max_products = models.PositiveIntegerField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    monthly_calls = models.PositiveIntegerField(null=True, blank=True)
    max_batch_size = models.PositiveIntegerField(default=1000, help_text="products in one bulk request")
    catalog_batch_size = models.PositiveIntegerField(
        default=100, help_text="products in one request of the Catalog API"
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return self.title


class Subscription(models.Model):
    """The plan that a tenant is on; a tenant without one is on the free plan."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="subscription")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions")
    started_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.tenant}: {self.plan}"


class QuotaWarning(models.Model):
    """A tenant that has been told, once, how much of a limit is used."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="quota_warnings")
    resource = models.CharField(max_length=30, help_text="such as products")
    limit = models.PositiveIntegerField(help_text="another limit is told of anew")
    percent = models.PositiveSmallIntegerField(help_text="of the limit that was reached: 80 or 100")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "resource", "limit", "percent", name="quota_warning_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.limit} {self.resource}"
