"""Rules, banners and synonyms, for staff: to look at and to repair. What is saved here counts at the next search."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.model_admin import BY_TENANT, ConfigurationAdmin
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet


class ConfiguredAdmin(ConfigurationAdmin):
    """What a shop lays down for its searches."""

    list_select_related = ["tenant"]
    readonly_fields = ["tenant", "id", "created_at", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A shop lays down its own; staff repairs."""
        return False


class LinesField(SimpleArrayField):
    """A list with one item a line, since an item may hold a comma."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(forms.CharField(), delimiter="\n", **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    product_ids = LinesField(help_text="one a line; a pin shows them in this order")


@admin.register(MerchandisingRule)
class MerchandisingRuleAdmin(ConfiguredAdmin):
    form = RuleForm
    list_display = ["__str__", "tenant", "rule_type", "scope_type", "scope_value", "priority", "active", "created_at"]
    list_filter = [BY_TENANT, "rule_type", "scope_type", "active"]
    search_fields = ["description", "scope_value", "product_ids", "tenant__name"]


class SynonymForm(forms.ModelForm):  # type: ignore[type-arg]
    words = LinesField(help_text="one word or phrase a line")


@admin.register(SynonymSet)
class SynonymSetAdmin(ConfiguredAdmin):
    form = SynonymForm
    list_display = ["__str__", "tenant", "synonym_type", "active", "created_at"]
    list_filter = [BY_TENANT, "synonym_type", "active"]
    search_fields = ["root", "words", "tenant__name"]


@admin.register(PromoBanner)
class PromoBannerAdmin(ConfiguredAdmin):
    list_display = ["title", "tenant", "position", "scope_type", "scope_value", "priority", "active", "created_at"]
    list_filter = [BY_TENANT, "position", "scope_type", "active"]
    search_fields = ["title", "body", "scope_value", "tenant__name"]
