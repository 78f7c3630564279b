"""Plans and who is on them, for staff."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import StackedInline

from accounts.admin import TenantAdmin
from accounts.model_admin import BY_TENANT, ReadOnlyAdmin, StaffAdmin
from billing.models import Plan, QuotaWarning, Subscription


@admin.register(Plan)
class PlanAdmin(StaffAdmin):
    list_display = [
        "title",
        "name",
        "position",
        "monthly_price",
        "max_products",
        "requests_per_minute",
        "monthly_calls",
        "max_batch_size",
        "catalog_batch_size",
        "tenants",
    ]
    list_editable = [
        "position",
        "monthly_price",
        "max_products",
        "requests_per_minute",
        "monthly_calls",
        "max_batch_size",
        "catalog_batch_size",
    ]
    search_fields = ["name", "title"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        plans: QuerySet[Plan] = super().get_queryset(request)
        return plans.annotate(tenants=Count("subscriptions"))

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        return ["name"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Keep the free plan: every tenant without a subscription is on it."""
        if obj is not None and obj.name == Plan.FREE:
            return False
        return bool(super().has_delete_permission(request, obj))

    @admin.display(ordering="tenants")
    def tenants(self, plan: Any) -> int:
        return int(plan.tenants)


@admin.register(Subscription)
class SubscriptionAdmin(StaffAdmin):
    list_display = ["tenant", "plan", "started_at"]
    list_filter = ["plan"]
    list_select_related = ["tenant", "plan"]
    search_fields = ["tenant__name"]
    date_hierarchy = "started_at"
    ordering = ["-started_at"]
    autocomplete_fields = ["tenant"]

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> list[str]:
        return ["tenant", "started_at"] if obj else []


@admin.register(QuotaWarning)
class QuotaWarningAdmin(ReadOnlyAdmin):
    """Each is told once; one that is deleted is told anew when the limit is near."""

    list_display = ["tenant", "resource", "percent", "limit", "created_at"]
    list_filter = [BY_TENANT, "percent", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["resource__exact", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = list_display

    has_delete_permission = StaffAdmin.has_delete_permission


class SubscriptionInline(StackedInline):  # type: ignore[misc]
    model = Subscription
    fields = ["plan"]


# A tenant's plan is chosen on the tenant's page, which stands a floor below and cannot name it.
TenantAdmin.inlines = [SubscriptionInline]
