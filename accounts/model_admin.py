"""What the admin of every app shares: lists that stay quick, pages that only show, actions that ask first."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.revisions import bump_revision, bump_revisions

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]

# A list of all tenants to choose from would be a page of its own.
BY_TENANT = ("tenant", AutocompleteSelectFilter)
NAMED_ROWS = 10


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """The base of every admin here."""

    list_per_page = 50
    # Beside each filtered count Django would show that of the whole table, and count it for this.
    show_full_result_count = False
    list_filter_submit = True
    warn_unsaved_form = True

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Let those act who may change rows, also where nobody edits them by hand."""
        return bool(super().has_change_permission(request))

    def report(self, request: HttpRequest, rows: Sequence[Model], did: str) -> None:
        """Log on each row what an action did to it, and tell the staff member."""
        if not rows:
            messages.warning(request, "Nothing to do for what you selected.")
            return
        staff: Any = request.user
        LogEntry.objects.log_actions(staff.pk, rows, CHANGE, did)
        messages.success(request, f"{did}: {name_rows(rows)}.")

    def show_once(
        self, request: HttpRequest, *, title: str, explanation: str, secrets: Iterable[tuple[str, str]]
    ) -> HttpResponse:
        """Answer with secrets that cannot be seen again; not as a message, since messages are stored."""
        context = self.admin_site.each_context(request) | {
            "title": title,
            "explanation": explanation,
            "secrets": secrets,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/secrets_shown_once.html", context)


class ReadOnlyAdmin(StaffAdmin):
    """Rows that the product writes and staff only looks at."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ConfigurationAdmin(StaffAdmin):
    """What tenants configure: a change of staff's reaches all processes, as one by the API does."""

    # Where a worker changes the others meanwhile.
    saved_fields: Sequence[str] | None = None

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        bump_revision(obj.tenant)
        obj.save(update_fields=self.saved_fields)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        bump_revision(obj.tenant)
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        bump_revisions(queryset)
        super().delete_queryset(request, queryset)


def asks_first(consequence: str) -> Callable[[Action], Action]:
    """Put a page before an action that names the rows and the consequence."""

    def decorate(action: Action) -> Action:
        @functools.wraps(action)
        def wrapper(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            if "confirmed" in request.POST:
                return action(model_admin, request, rows)
            _, _, title = model_admin.get_actions(request)[action.__name__]
            context = model_admin.admin_site.each_context(request) | {
                "title": title,
                "consequence": consequence,
                "rows": rows[:NAMED_ROWS],
                "more": max(0, rows.count() - NAMED_ROWS),
                "posted": _selection(request),
                "opts": model_admin.opts,
            }
            return TemplateResponse(request, "admin/confirm_action.html", context)

        return wrapper

    return decorate


def _selection(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was posted to choose the action and its rows, to be posted once more."""
    names = ("action", "index", "select_across", ACTION_CHECKBOX_NAME)
    return [(name, value) for name in names for value in request.POST.getlist(name)]


def status_column(**colors: str) -> Callable[..., str]:
    """Return a column of a row's status, as a label of unfold's: success, info, warning or danger."""

    def status(model_admin: Any, row: Any) -> str:
        return str(row.status)

    column: Callable[..., str] = display(status, description="status", ordering="status", label=colors)
    return column


def name_rows(rows: Sequence[Model]) -> str:
    """Return the names of the first rows, and how many more there are."""
    names = ", ".join(str(row) for row in rows[:NAMED_ROWS])
    more = len(rows) - NAMED_ROWS
    return f"{names} and {more:,} more" if more > 0 else names
