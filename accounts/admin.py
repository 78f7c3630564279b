"""Tenants, their people and their credentials, for staff. No secret and no digest is ever shown here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django_otp import devices_for_user
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.model_admin import BY_TENANT, ReadOnlyAdmin, StaffAdmin, asks_first, status_column
from accounts.models import ApiKey, IdempotentRequest, Tenant, User, UserGroup
from accounts.permissions import ALL_PERMISSIONS


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
        related = [field.related_model for field in fields if field.one_to_many]
        links = [
            (f"{_list_url(model)}?tenant__id__exact={tenant.pk}", model._meta.verbose_name_plural)
            for model in related
            if self.admin_site.is_registered(model)
        ]
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
class UserAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg]
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
