"""The searches that were answered and what came of them, for staff."""

from django.contrib import admin

from accounts.model_admin import BY_TENANT, ReadOnlyAdmin
from analytics.models import FeedbackEvent, SearchEvent


@admin.register(SearchEvent)
class SearchEventAdmin(ReadOnlyAdmin):
    list_display = ["search_id", "tenant", "mode", "text", "results", "took", "created_at"]
    list_filter = [BY_TENANT, "surface", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["search_id__exact", "mode__exact", "text"]

    @admin.display(ordering="milliseconds")
    def took(self, event: SearchEvent) -> str:
        return f"{event.milliseconds:,.1f} ms"


@admin.register(FeedbackEvent)
class FeedbackEventAdmin(ReadOnlyAdmin):
    list_display = ["product_id", "tenant", "action", "search_id", "order_id", "order_value", "currency", "created_at"]
    list_filter = [BY_TENANT, "action", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["product_id__exact", "search_id__exact", "order_id__exact", "session_id__exact"]
