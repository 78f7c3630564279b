"""The searches that were answered, for staff."""

from django.contrib import admin

from accounts.model_admin import BY_TENANT, ReadOnlyAdmin
from analytics.models import SearchEvent


@admin.register(SearchEvent)
class SearchEventAdmin(ReadOnlyAdmin):
    list_display = ["search_id", "tenant", "mode", "text", "results", "took", "created_at"]
    list_filter = [BY_TENANT, "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["search_id__exact", "mode__exact", "text"]

    @admin.display(ordering="milliseconds")
    def took(self, event: SearchEvent) -> str:
        return f"{event.milliseconds:,.1f} ms"
