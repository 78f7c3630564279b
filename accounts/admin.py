"""Tenants, their people and their credentials, for staff. No secret and no digest is ever shown here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django_otp import devices_for_user
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.contrib.filters.admin import AutocompleteSelectFilter, FieldTextFilter, SingleNumericFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.model_admin import (
    BY_TENANT,
    NOTHING,
    ReadOnlyAdmin,
    StaffAdmin,
    actor_of,
    asks_first,
    show_json,
    status_column,
)
from accounts.models import (
    ApiKey,
    AuditEntry,
    IdempotentRequest,
    Tenant,
    User,
    UserGroup,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.permissions import ALL_PERMISSIONS
from accounts.webhooks.endpoints import SECRETS_OF_ENDPOINT, change_endpoint, redeliver, redeliver_range
from accounts.webhooks.events import JOB_CALLBACK, TEST, EventType


@admin.register(Tenant)
class TenantAdmin(StaffAdmin):
    list_display = ["name", "shown_status", "client_id", "created_at"]
    list_filter = ["status", "created_at"]
    search_fields = ["name", "client_id"]
    date_hierarchy = "created_at"
    ordering = ["name"]
    readonly_fields = ["client_id", "status", "created_at", "records"]
    actions = ["suspend", "reactivate", "replace_client_secret"]
    shown_status = status_column(active="success", suspended="danger")

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Suspend a shop that leaves: its rows and pictures are too many to go in one request."""
        return False

    def get_fields(self, request: HttpRequest, obj: Tenant | None = None) -> list[str]:
        return ["name", "status", "client_id", "created_at", "records"] if obj else ["name"]

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        created, _ = Tenant.objects.create_tenant(name=obj.name)
        obj.pk = created.pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Tenant, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show_new_secret(request, obj)

    @admin.action(description="Suspend selected tenants", permissions=["act"])
    @asks_first("Their users and keys are refused at once, and their searches stop. Nothing is deleted.")
    def suspend(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        suspended = list(tenants.filter(status=Tenant.Status.ACTIVE))
        tenants.update(status=Tenant.Status.SUSPENDED)
        self.report(request, suspended, "Suspended")

    @admin.action(description="Reactivate selected tenants", permissions=["act"])
    def reactivate(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        reactivated = list(tenants.filter(status=Tenant.Status.SUSPENDED))
        tenants.update(status=Tenant.Status.ACTIVE)
        self.report(request, reactivated, "Reactivated")

    @admin.action(description="Replace client secret of the selected tenant", permissions=["act"])
    @asks_first("The client secret that the shop uses now stops working at once, and so do its tokens.")
    def replace_client_secret(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> HttpResponse | None:
        if len(tenants) != 1:
            messages.error(request, "Select one tenant: each new secret is shown once, on a page of its own.")
            return None
        self.log_change(request, tenants[0], "Replaced the client secret")
        return self._show_new_secret(request, tenants[0])

    def _show_new_secret(self, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        return self.show_once(
            request,
            title=f"Client secret of {tenant}",
            explanation="Give both to the shop over a channel that you trust. The secret is shown this once.",
            secrets=[("Client id", tenant.client_id), ("Client secret", tenant.replace_client_secret())],
        )

    @admin.display(description="records")
    def records(self, tenant: Tenant) -> str:
        """Return links to the lists of all that belongs to a tenant."""
        fields: list[Any] = Tenant._meta.get_fields(include_hidden=True)
        related = [field.related_model for field in fields if field.one_to_many or field.one_to_one]
        links = [
            (f"{_list_url(model)}?tenant__id__exact={tenant.pk}", model._meta.verbose_name_plural)
            for model in related
            if self.admin_site.is_registered(model)
        ]
        links.append((f"{_list_url(AuditEntry)}?tenant_id={tenant.pk}", "audit entries"))
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', links)


def _list_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


class UserGroupForm(forms.ModelForm):  # type: ignore[type-arg]
    permissions = forms.MultipleChoiceField(
        choices=[(permission, permission) for permission in sorted(ALL_PERMISSIONS)],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
    )


@admin.register(UserGroup)
class UserGroupAdmin(StaffAdmin):
    form = UserGroupForm
    list_display = ["name", "tenant", "members", "permission_count"]
    list_filter = [BY_TENANT]
    list_select_related = ["tenant"]
    search_fields = ["name", "tenant__name"]
    ordering = ["tenant__name", "name"]
    autocomplete_fields = ["tenant"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserGroup]:
        groups: QuerySet[UserGroup] = super().get_queryset(request)
        return groups.annotate(members=Count("users"))

    def get_readonly_fields(self, request: HttpRequest, obj: UserGroup | None = None) -> list[str]:
        return ["tenant"] if obj else []

    @admin.display(ordering="members")
    def members(self, group: Any) -> int:
        return int(group.members)

    @admin.display(description="permissions")
    def permission_count(self, group: UserGroup) -> str:
        return f"{len(group.permissions)} of {len(ALL_PERMISSIONS)}"


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    class Meta:
        model = User
        fields = ["email"]


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A user, whose groups can only be those of their own tenant."""

    user_groups = forms.ModelMultipleChoiceField(
        queryset=UserGroup.objects.none(), widget=UnfoldAdminCheckboxSelectMultipleWidget, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: Any = self.fields["user_groups"]
        groups.queryset = UserGroup.objects.filter(tenant=self.instance.tenant)

    def clean_is_staff(self) -> bool:
        is_staff = bool(self.cleaned_data["is_staff"])
        if is_staff and self.instance.tenant is not None:
            raise ValidationError("Staff belong to no tenant. Create another user for this person.")
        return is_staff


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg, misc]
    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "full_name", "tenant", "is_active", "is_staff", "has_authenticator", "last_login"]
    list_filter = [BY_TENANT, "is_active", "is_staff"]
    list_select_related = ["tenant"]
    search_fields = ["email", "full_name", "tenant__name"]
    date_hierarchy = "date_joined"
    ordering = ["email"]
    autocomplete_fields = ["tenant"]
    filter_horizontal = ["user_permissions"]
    actions = ["reset_second_factor"]
    add_fieldsets = [(None, {"fields": ["email", "tenant", "full_name", "password1", "password2"]})]
    fieldsets = [
        (None, {"fields": ["email", "full_name", "tenant", "is_active", "password_link"]}),
        ("Team", {"fields": ["user_groups"]}),
        ("Staff", {"fields": ["is_staff", "is_superuser", "user_permissions"]}),
        ("Seen", {"fields": ["last_login", "date_joined"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the users that this staff member may touch: a colleague's account only as a superuser."""
        devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        users: QuerySet[User] = super().get_queryset(request).annotate(has_authenticator=Exists(devices))
        return users if request.user.is_superuser else users.filter(is_staff=False)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        if obj is None:
            return []
        shown = ["tenant", "password_link", "last_login", "date_joined"]
        return shown if request.user.is_superuser else [*shown, "is_staff", "is_superuser", "user_permissions"]

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Set a password and log it, or do neither."""
        return super().user_change_password(request, *args, **kwargs)

    @admin.display(boolean=True, description="authenticator", ordering="has_authenticator")
    def has_authenticator(self, user: Any) -> bool:
        return bool(user.has_authenticator)

    @admin.display(description="password")
    def password_link(self, user: User) -> str:
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="text-link" href="{}">Set a new password</a>', url)

    @admin.action(description="Reset second factor of selected users", permissions=["act"])
    @asks_first("Their authenticators and backup codes stop working, and have to be set up anew.")
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        reset = []
        for user in users:
            devices = list(devices_for_user(user, confirmed=None))
            for device in devices:
                device.delete()
            if devices:
                reset.append(user)
        self.report(request, reset, "Removed all devices of the second factor")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ["name", "prefix", "tenant", "scope_count", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = [BY_TENANT, ("revoked_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["name", "prefix__startswith", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = ["tenant", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    actions = ["revoke"]

    @admin.display(description="scopes")
    def scope_count(self, key: ApiKey) -> str:
        return f"{len(key.scopes)} of {len(ALL_PERMISSIONS)}"

    @admin.action(description="Revoke selected API keys", permissions=["act"])
    @asks_first("Requests with these keys are refused at once. This cannot be undone: the shop needs new keys.")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        revoked = list(keys.filter(revoked_at=None))
        ApiKey.objects.filter(pk__in=[key.pk for key in revoked]).update(revoked_at=timezone.now())
        self.report(request, revoked, "Revoked")


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    list_display = ["key", "tenant", "status", "created_at"]
    list_filter = [BY_TENANT, "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["key__startswith"]
    ordering = ["-created_at"]
    # The body is the answer as the shop got it, and may hold a new key.
    fields = ["tenant", "key", "status", "created_at"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    is_audited_below = True
    list_display = ["webhook_id", "tenant", "url", "shown_state", "failing_since", "paused_until", "created_at"]
    list_filter = [BY_TENANT, "state", ("failing_since", admin.EmptyFieldListFilter)]
    list_select_related = ["tenant"]
    search_fields = ["webhook_id", "url", "tenant__name"]
    ordering = ["-created_at"]
    # Without the secrets, which sign in the shop's name.
    fields = [
        "tenant",
        "webhook_id",
        "url",
        "description",
        "events",
        "shown_state",
        "failing_since",
        "paused_until",
        "previous_secret_expires_at",
        "created_at",
        "deliveries",
    ]
    actions = ["enable", "disable", "redeliver_failed"]

    @display(
        description="state",
        ordering="state",
        label={
            WebhookEndpoint.State.ACTIVE.label: "success",
            WebhookEndpoint.State.FAILING.label: "danger",
            WebhookEndpoint.State.GONE.label: "danger",
        },
    )  # type: ignore[untyped-decorator]
    def shown_state(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.get_state_display()

    @admin.display(description="deliveries")
    def deliveries(self, endpoint: WebhookEndpoint) -> str:
        every = f"{_list_url(WebhookDelivery)}?endpoint__id__exact={endpoint.pk}"
        links = [(every, "all"), *((f"{every}&status__exact={status}", status) for status in WebhookDelivery.Status)]
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', links)

    @admin.action(description="Enable selected endpoints", permissions=["act"])
    def enable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        self.act_on_each(request, endpoints, "Enabled", lambda endpoint: _switch(request, endpoint, active=True))

    @admin.action(description="Disable selected endpoints", permissions=["act"])
    @asks_first("Nothing is sent to them any more until the shop or you enable them. What waits stays for 30 days.")
    def disable(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        self.act_on_each(request, endpoints, "Disabled", lambda endpoint: _switch(request, endpoint, active=False))

    @admin.action(description="Deliver once more what has failed", permissions=["act"])
    @asks_first("All deliveries to them that have failed in the last 30 days go out again, with the ids they had.")
    def redeliver_failed(self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]) -> None:
        since = timezone.now() - WebhookEvent.KEPT_FOR
        self.act_on_each(
            request,
            endpoints,
            "Delivered once more what had failed",
            lambda endpoint: bool(redeliver_range(endpoint, actor_of(request), since=since)),
        )


def _switch(request: HttpRequest, endpoint: WebhookEndpoint, *, active: bool) -> bool:
    """Enable or disable an endpoint; return whether that was another state."""
    if active == (endpoint.state == WebhookEndpoint.State.ACTIVE):
        return False
    change_endpoint(endpoint.tenant, actor_of(request), endpoint.webhook_id, {"active": active})
    return True


class EventTypeFilter(admin.SimpleListFilter):
    """Types that there are; to ask the rows which ones they have would read all of them."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in (*EventType, JOB_CALLBACK, TEST)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(type=chosen) if chosen else queryset


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "type", "tenant", "created_at"]
    list_filter = [BY_TENANT, EventTypeFilter, "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["event_id__exact"]
    search_help_text = "The whole id of an event"
    fields = ["tenant", "event_id", "type", "created_at", "payload", "deliveries"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        events: QuerySet[WebhookEvent] = super().get_queryset(request).defer("data")
        return events

    @admin.display(description="data, as it is sent")
    def payload(self, event: WebhookEvent) -> str:
        return show_json(event.data)

    @admin.display
    def deliveries(self, event: WebhookEvent) -> str:
        rows = [
            (reverse("admin:accounts_webhookdelivery_change", args=[delivery.pk]), delivery, delivery.status)
            for delivery in event.deliveries.order_by("pk")
        ]
        return format_html_join(", ", '<a class="text-link" href="{}">{}</a> {}', rows) or NOTHING


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    is_audited_below = True
    list_display = ["delivery_id", "event_type", "tenant", "receiver", "shown_status", "attempts", "due_at"]
    list_filter = [BY_TENANT, "status", "endpoint__state", ("endpoint", AutocompleteSelectFilter)]
    search_fields = ["delivery_id__exact", "event__event_id__exact", "endpoint__webhook_id__exact"]
    search_help_text = "The whole id of a delivery, an event or an endpoint"
    fields = [
        "tenant",
        "delivery_id",
        "event",
        "receiver",
        "shown_status",
        "attempts",
        "due_at",
        "created_at",
        "finished_at",
        "payload",
        "shown_log",
    ]
    actions = ["redeliver"]
    shown_status = status_column(pending="info", delivered="success", failed="danger")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        return rows.select_related("tenant", "event", "endpoint").defer(*SECRETS_OF_ENDPOINT)

    @admin.display(description="event")
    def event_type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    @admin.display(description="receiver")
    def receiver(self, delivery: WebhookDelivery) -> str:
        return delivery.endpoint.url if delivery.endpoint else delivery.callback_url

    @admin.display(description="data, as it is sent")
    def payload(self, delivery: WebhookDelivery) -> str:
        return show_json(delivery.event.data)

    @admin.display(description="attempts so far")
    def shown_log(self, delivery: WebhookDelivery) -> str:
        return show_json(delivery.log) if delivery.log else NOTHING

    @admin.action(description="Deliver selected once more", permissions=["act"])
    def redeliver(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        self.act_on_each(request, deliveries, "Delivered once more", lambda delivery: _redeliver(request, delivery))


def _redeliver(request: HttpRequest, delivery: WebhookDelivery) -> bool:
    """Deliver once more, unless it is on its way already."""
    if delivery.status == WebhookDelivery.Status.PENDING:
        return False
    redeliver(delivery, actor_of(request))
    return True


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "tenant_name", "actor", "action", "target", "address", "request_id"]
    list_filter = [
        ("tenant_id", SingleNumericFilter),
        ("actor", FieldTextFilter),
        ("action", FieldTextFilter),
        "created_at",
    ]
    search_fields = ["target", "request_id__exact"]
    search_help_text = "What was acted on, or the id of a request"
    date_hierarchy = "created_at"
    fields = [
        "created_at",
        "tenant_name",
        "tenant_id",
        "actor",
        "action",
        "target",
        "shown_before",
        "shown_after",
        "address",
        "request_id",
    ]

    @admin.display(description="before")
    def shown_before(self, entry: AuditEntry) -> str:
        return show_json(entry.before)

    @admin.display(description="after")
    def shown_after(self, entry: AuditEntry) -> str:
        return show_json(entry.after)
