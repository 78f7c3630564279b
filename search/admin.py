"""What tenants have decided about their searches, for staff: weights to mend, experiments to stop, saved searches."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.model_admin import BY_TENANT, ConfigurationAdmin, ReadOnlyAdmin, StaffAdmin, asks_first, status_column
from search.experiments.lifecycle import stop_experiment
from search.models import WEIGHTS, ChatThread, Experiment, SavedSearch, SearchConfig


@admin.register(SearchConfig)
class SearchConfigAdmin(ConfigurationAdmin):
    list_display = ["tenant", "weights", "default_threshold", "smart_threshold_enabled", "updated_at"]
    list_filter = [BY_TENANT, "smart_threshold_enabled"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name"]
    ordering = ["-updated_at"]
    readonly_fields = ["tenant", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the shop: one without a row has the defaults."""
        return False

    @admin.display
    def weights(self, config: SearchConfig) -> str:
        return " / ".join(f"{float(getattr(config, name)):g}" for name in WEIGHTS)


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ["name", "tenant", "shown_status", "winner", "planned_sample", "started_at", "stopped_at"]
    list_filter = [BY_TENANT, "status", "started_at"]
    list_select_related = ["tenant"]
    search_fields = ["name", "experiment_id__exact", "tenant__name"]
    ordering = ["-started_at"]
    fields = [
        "tenant",
        "experiment_id",
        "name",
        "variant_a",
        "variant_b",
        "planned_sample",
        "shown_status",
        "winner",
        "started_at",
        "stopped_at",
    ]
    actions = ["stop"]
    shown_status = status_column(running="info", stopped="success")

    @admin.action(description="Stop selected experiments", permissions=["act"])
    @asks_first("All searches are ranked by the tenant's own weights again. An experiment cannot be resumed.")
    def stop(self, request: HttpRequest, experiments: QuerySet[Experiment]) -> None:
        running = list(experiments.filter(status=Experiment.Status.RUNNING))
        for experiment in running:
            stop_experiment(experiment, winner="", apply=False)
        self.report(request, running, "Stopped")


@admin.register(SavedSearch)
class SavedSearchAdmin(StaffAdmin):
    list_display = ["name", "tenant", "mode", "created_by", "created_at"]
    list_filter = [BY_TENANT, "mode", "created_at"]
    list_select_related = ["tenant", "created_by"]
    search_fields = ["name", "saved_id__exact", "tenant__name"]
    ordering = ["-created_at"]
    readonly_fields = ["tenant", "saved_id", "mode", "params", "created_by", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A search is saved by who has tried it."""
        return False


@admin.register(ChatThread)
class ChatThreadAdmin(StaffAdmin):
    list_display = ["thread_id", "tenant", "said", "created_at", "updated_at"]
    list_filter = [BY_TENANT, "updated_at"]
    list_select_related = ["tenant"]
    search_fields = ["thread_id__exact", "tenant__name"]
    ordering = ["-updated_at"]
    readonly_fields = ["tenant", "thread_id", "turns", "wish", "shown", "created_at", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A conversation is begun by a shopper."""
        return False

    @admin.display
    def said(self, thread: ChatThread) -> int:
        return len(thread.turns)
