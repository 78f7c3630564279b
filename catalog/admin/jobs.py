"""Jobs and their items, for staff: to watch, to cancel and to queue again."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.text import Truncator

from accounts.model_admin import BY_TENANT, NOTHING, ReadOnlyAdmin, asks_first, name_rows, show_json, status_column
from catalog.jobs.failures import CAUSES
from catalog.jobs.items import NOT_WELL_FORMED
from catalog.jobs.lifecycle import JobConflict, cancel_job, retry_failed, retry_items
from catalog.jobs.report import failed_items, with_progress
from catalog.models import Job, JobItem

# Characters of it in a list.
SHOWN_MESSAGE = 60


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["job_id", "tenant", "kind", "shown_status", "progress", "failed", "created_at", "finished_at"]
    list_filter = [BY_TENANT, "status", "kind", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["job_id__startswith", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    actions = ["retry_failed", "cancel"]
    shown_status = status_column(processing="info", completed="success", failed="danger", canceled="warning")
    fieldsets = [
        (None, {"fields": ["job_id", "tenant", "kind", "shown_status", "progress", "failed", "waits", "item_links"]}),
        ("Asked for", {"fields": ["source", "shown_options", "callback_url"]}),
        ("Found or made", {"fields": ["shown_result"]}),
        ("When", {"fields": ["created_at", "started_at", "active_at", "finished_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return with_progress(super().get_queryset(request))

    @admin.action(description="Retry failed items of selected jobs", permissions=["act"])
    def retry_failed(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self.act_on_each(request, jobs, "Queued the failed items again", lambda job: bool(retry_failed(job)))

    @admin.action(description="Cancel selected jobs", permissions=["act"])
    @asks_first("Items that wait are never indexed; those at work still finish.")
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self.act_on_each(request, jobs, "Cancelled", cancel_job)

    @admin.display
    def progress(self, job: Any) -> str:
        return f"{job.processed:,} of {job.total:,}"

    @admin.display
    def failed(self, job: Any) -> int:
        return int(job.failed)

    @admin.display(description="waiting to be tried again")
    def waits(self, job: Any) -> str:
        return f"{job.waiting:,}, the first at {_time(job.next_attempt_at)}" if job.waiting else NOTHING

    @admin.display(description="options")
    def shown_options(self, job: Job) -> str:
        return show_json(job.options or None)

    @admin.display(description="result")
    def shown_result(self, job: Job) -> str:
        return show_json(job.result)

    @admin.display(description="items")
    def item_links(self, job: Job) -> str:
        every = f"{reverse('admin:catalog_jobitem_changelist')}?job__id__exact={job.pk}"
        links = [(every, "all"), *((f"{every}&status__exact={status}", status) for status in JobItem.Status)]
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', links)


class CodeFilter(admin.SimpleListFilter):
    """Codes that there are; to ask the items which ones they have would read all of them."""

    title = "code"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, f"{code}: {cause.title}") for code, cause in CAUSES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[JobItem]) -> QuerySet[JobItem]:
        chosen = self.value()
        return queryset.filter(code=chosen) if chosen else queryset


@admin.register(JobItem)
class JobItemAdmin(ReadOnlyAdmin):
    list_display = [
        "shown_id",
        "job",
        "tenant",
        "shown_status",
        "retries",
        "next_turn",
        "code",
        "short_message",
    ]
    list_filter = [BY_TENANT, "status", CodeFilter, "action", "retryable"]
    list_select_related = ["tenant", "job"]
    search_fields = ["product_id__exact", "job__job_id__exact", "code__exact"]
    shown_status = status_column(processing="info", succeeded="success", failed="danger", canceled="warning")
    actions = ["queue_again"]
    fields = [
        "tenant",
        "job",
        "index",
        "action",
        "product_id",
        "shown_status",
        "attempts",
        "retries",
        "next_turn",
        "code",
        "message",
        "retryable",
        "shown_document",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobItem]:
        items: QuerySet[JobItem] = super().get_queryset(request).defer("document")
        return items

    @admin.action(description="Queue selected failed items again", permissions=["act"])
    def queue_again(self, request: HttpRequest, items: QuerySet[JobItem]) -> None:
        again = 0
        selected = items.order_by().values("pk")
        for job in Job.objects.filter(items__in=selected).distinct().select_related("tenant").order_by("tenant", "pk"):
            failed = failed_items(job).filter(pk__in=selected)
            numbers = [f"#{index}" for index in failed.exclude(code=NOT_WELL_FORMED).values_list("index", flat=True)]
            try:
                if retried := retry_items(job, failed):
                    # On the job, as they may be many.
                    self.log_change(request, job, f"Queued failed items again: {name_rows(numbers)}")
                    again += retried
            except JobConflict as refusal:
                messages.error(request, f"{job}: {refusal.detail}")
        if again:
            messages.success(request, f"Queued {again:,} item{pluralize(again)} again.")
        if left := items.count() - again:
            messages.warning(
                request,
                f"{left:,} of the selected items stayed as they are: only those that have failed and that were "
                "well-formed can be queued again.",
            )

    @admin.display(description="product", ordering="product_id")
    def shown_id(self, item: JobItem) -> str:
        return item.product_id or NOTHING

    @admin.display(description="message")
    def short_message(self, item: JobItem) -> str:
        return Truncator(item.message).chars(SHOWN_MESSAGE) or NOTHING

    @admin.display(description="next attempt or lease", ordering="due_at")
    def next_turn(self, item: JobItem) -> str:
        if item.due_at is None:
            return NOTHING
        at_work = item.status == JobItem.Status.PROCESSING
        return f"{'at work, leased until' if at_work else 'not before'} {_time(item.due_at)}"

    @admin.display(description="document, as it was sent")
    def shown_document(self, item: JobItem) -> str:
        return show_json(item.document)


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
