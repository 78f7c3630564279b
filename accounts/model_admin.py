"""What the admin of every app shares: lists that stay quick, pages that only show, actions that ask first.

Whatever staff changes is told twice in the transaction that changes it: in the log of the admin, by row, and in the
audit log of the tenant that the row belongs to.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from rest_framework.exceptions import APIException
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts import audit
from accounts.models import Tenant
from accounts.revisions import bump_revision, bump_revisions

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]

# A list of all tenants to choose from would be a page of its own.
BY_TENANT = ("tenant", AutocompleteSelectFilter)
NAMED_ROWS = 10
NOTHING = "-"
# Characters of JSON: a picture can be sent inside a document, as megabytes of base64.
SHOWN_JSON = 4_000
# They open a tenant's whole catalogue to whoever has them.
SECRET_LINKS = frozenset({"download_url"})


class LongListPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of the first rows of a list: to count millions takes seconds, and nobody turns so many pages."""

    REACHED = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.REACHED].count())


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """The base of every admin here."""

    # Whether what its pages call writes the audit log, more exactly than could be done here.
    is_audited_below = False
    paginator = LongListPaginator
    list_per_page = 50
    # Beside each filtered count Django would show that of the whole table, and count it for this.
    show_full_result_count = False
    list_filter_submit = True
    warn_unsaved_form = True

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Let those act who may change rows, also where nobody edits them by hand."""
        return bool(super().has_change_permission(request))

    @transaction.atomic
    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let an action change rows and log it, or do neither."""
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def act_on_each(self, request: HttpRequest, rows: QuerySet[Any], did: str, act: Callable[[Any], object]) -> None:
        """Do something to each row, and report those that it was done to.

        For a row that there is nothing to do for, `act` returns False; for one that it refuses, it raises an
        APIException, whose words are told.
        """
        changed: list[Any] = []
        left: list[Any] = []
        # Tenants are locked one after the other, always in the same order.
        for row in sorted(rows, key=_lock_order):
            try:
                with transaction.atomic():
                    (left if act(row) is False else changed).append(row)
            except APIException as refusal:
                messages.error(request, f"{row}: {_words(refusal.detail)}")
        if changed:
            self.report(request, changed, did)
        if left:
            messages.warning(request, f"Nothing to do for {name_rows(left)}.")

    def report(self, request: HttpRequest, rows: Sequence[Model], did: str) -> None:
        """Log on each row what an action did to it, and tell the staff member."""
        if not rows:
            messages.warning(request, "Nothing to do for what you selected.")
            return
        for row in rows:
            self.log_change(request, row, did)
        messages.success(request, f"{did}: {name_rows(rows)}.")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Remember on the row what its form changes, for the audit log; of a new row the form may hold a password."""
        row = super().save_form(request, form, change)
        if change:
            row.changed_by_form = {
                name: (form.initial.get(name), form.cleaned_data.get(name)) for name in form.changed_data
            }
        return row

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_addition(request, obj, message)
        self._audit(request, obj, "added", entry.get_change_message())
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_change(request, obj, message)
        self._audit(request, obj, "changed", entry.get_change_message())
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        for row in rows:
            self._audit(request, row, "deleted", "Deleted.")
        return super().log_deletions(request, rows)

    def _audit(self, request: HttpRequest, row: Any, verb: str, did: str) -> None:
        """Tell the audit log of the tenant that a row belongs to; what belongs to none is in the admin's log alone."""
        tenant = _tenant_of(row)
        if tenant is None or self.is_audited_below:
            return
        changes: Mapping[str, tuple[Any, Any]] = getattr(row, "changed_by_form", {})
        before = {name: _plain(value) for name, (value, _) in changes.items()}
        after = {name: _plain(value) for name, (_, value) in changes.items()}
        audit.record(
            tenant,
            actor_of(request),
            f"{row._meta.model_name}.{verb}",
            target=str(row)[:300],
            before=before or None,
            after=after or {"did": did},
        )

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


def actor_of(request: HttpRequest) -> str:
    """Return who acts, for the audit log."""
    return f"staff {request.user}"


def _tenant_of(row: Any) -> Tenant | None:
    if isinstance(row, Tenant):
        return row
    # A device of the second factor belongs to a user.
    owner = row if hasattr(row, "tenant") else getattr(row, "user", None)
    tenant: Tenant | None = getattr(owner, "tenant", None)
    return tenant


def _lock_order(row: Any) -> tuple[int, Any]:
    tenant = getattr(row, "tenant_id", None)
    return (tenant or 0, row.pk)


def _plain(value: Any) -> Any:
    """Return what a field of a form held as the audit log can store it: of rows their keys."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, QuerySet | list | tuple):
        return [_plain(item) for item in value]
    return value


def _words(detail: Any) -> str:
    """Return what an error tells, without its fields."""
    if isinstance(detail, Mapping):
        return " ".join(map(_words, detail.values()))
    return " ".join(map(_words, detail)) if isinstance(detail, list) else str(detail)


def show_json(value: Any) -> str:
    """Return JSON to be read, cut where it is long, and without links that let in whoever has them."""
    if value is None:
        return NOTHING
    text = json.dumps(_without_links(value), indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
    shown = text if len(text) <= SHOWN_JSON else f"{text[:SHOWN_JSON]}…"
    return format_html('<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{}</pre>', shown)


def _without_links(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: "…" if name in SECRET_LINKS else _without_links(inner) for name, inner in value.items()}
    return [_without_links(inner) for inner in value] if isinstance(value, list) else value


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


def status_column(field: str = "status", **colors: str) -> Callable[..., str]:
    """Return a column of how a row stands, as a label of unfold's: success, info, warning or danger."""

    def status(model_admin: Any, row: Any) -> str:
        return str(getattr(row, field))

    column: Callable[..., str] = display(status, description=field, ordering=field, label=colors)
    return column


def name_rows(rows: Sequence[object]) -> str:
    """Return the names of the first rows, and how many more there are."""
    names = ", ".join(str(row) for row in rows[:NAMED_ROWS])
    more = len(rows) - NAMED_ROWS
    return f"{names} and {more:,} more" if more > 0 else names
