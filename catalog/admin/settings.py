"""What tenants lay down about their catalogue, for staff to mend."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.model_admin import BY_TENANT, NOTHING, ConfigurationAdmin, StaffAdmin, actor_of
from catalog.catalog_settings import change_multilingual
from catalog.models import CatalogSettings, CustomField
from catalog.translation.translators import glossary_languages


@admin.register(CustomField)
class CustomFieldAdmin(ConfigurationAdmin):
    """What a shop's products must be like; their type is left to the API, which checks the products first."""

    list_display = ["key", "tenant", "display_name", "type", "filterable", "facet", "required", "checked"]
    list_filter = [BY_TENANT, "type", "filterable", "facet", "required"]
    list_select_related = ["tenant"]
    search_fields = ["key__exact", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = [
        "tenant",
        "key",
        "display_name",
        "type",
        "enum_values",
        "filterable",
        "facet",
        "required",
        "revalidation",
        "created_at",
    ]
    readonly_fields = ["tenant", "key", "type", "enum_values", "revalidation", "created_at"]
    saved_fields = ["display_name", "filterable", "facet", "required"]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    @admin.display
    def checked(self, field: CustomField) -> str:
        report = field.revalidation
        return f"{report['status']}, {report['misfits']:,} of {report['checked']:,} misfit" if report else NOTHING


class CatalogSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    languages = forms.MultipleChoiceField(
        choices=[(code, code) for code in glossary_languages()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
        help_text="ISO 639-1",
    )


@admin.register(CatalogSettings)
class CatalogSettingsAdmin(StaffAdmin):
    """How tenants want their catalogues kept; a change starts the job that brings their products up to date."""

    is_audited_below = True
    form = CatalogSettingsForm
    list_display = ["tenant", "is_multilingual", "languages"]
    list_filter = [BY_TENANT, "is_multilingual"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name"]
    fields = ["tenant", "is_multilingual", "languages"]
    readonly_fields = ["tenant"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the shop: one without a row has the defaults."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CatalogSettings | None = None) -> bool:
        """Have it switched off instead, which drops the translations too."""
        return False

    def save_model(self, request: HttpRequest, obj: CatalogSettings, form: Any, change: bool) -> None:
        change_multilingual(obj.tenant, actor_of(request), enabled=obj.is_multilingual, languages=obj.languages)
