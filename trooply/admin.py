"""The admin of models that are not ours: the second factor of sign-in, and the log of what staff did here."""

from base64 import b32encode
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.model_admin import ReadOnlyAdmin, StaffAdmin
from accounts.models import User

BACKUP_CODES = 10

# A tenant's users have groups of their own, see accounts; staff have permissions.
admin.site.unregister([Group, TOTPDevice, StaticDevice])


class DeviceAdmin(StaffAdmin):
    """A user's device; its secret is shown on the page that follows its adding, and never again."""

    list_display = ["user", "name", "confirmed", "created_at", "last_used_at"]
    list_filter = ["confirmed"]
    list_select_related = ["user"]
    search_fields = ["user__email", "name"]
    autocomplete_fields = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the devices that this staff member may touch: a colleague's only as a superuser."""
        devices: QuerySet[Any] = super().get_queryset(request)
        staff: Any = request.user
        return devices if staff.is_superuser else devices.filter(user__is_staff=False)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Let only a superuser add a device to a colleague's account: it would open that account."""
        staff: Any = request.user
        if db_field.name == "user" and not staff.is_superuser:
            kwargs["queryset"] = User.objects.filter(is_staff=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["user", "name"]
        return ["user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user", "created_at", "last_used_at", "throttling_failure_count"] if obj else []


class AuthenticatorForm(ModelForm):  # type: ignore[type-arg]
    def clean_user(self) -> Any:
        user = self.cleaned_data["user"]
        if TOTPDevice.objects.filter(user=user).exists():
            raise ValidationError(
                "This user has an authenticator. Delete that one first: codes are checked against one."
            )
        return user


@admin.register(TOTPDevice)
class TOTPDeviceAdmin(DeviceAdmin):
    form = AuthenticatorForm

    def response_add(self, request: HttpRequest, obj: TOTPDevice, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show_once(
            request,
            title=f"Authenticator of {obj.user}",
            explanation="Type the key into the authenticator app, or open the link where that app is.",
            secrets=[("Key", b32encode(obj.bin_key).decode()), ("Link", obj.config_url)],
        )


@admin.register(StaticDevice)
class StaticDeviceAdmin(DeviceAdmin):
    list_display = [*DeviceAdmin.list_display, "codes_left"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaticDevice]:
        devices: QuerySet[StaticDevice] = super().get_queryset(request).annotate(codes_left=Count("token_set"))
        return devices

    def response_add(self, request: HttpRequest, obj: StaticDevice, *args: Any, **kwargs: Any) -> HttpResponse:
        codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=obj, token=code) for code in codes)
        return self.show_once(
            request,
            title=f"Backup codes of {obj.user}",
            explanation="Keep these apart from the authenticator. Each signs in once, in place of its code.",
            secrets=[(f"Code {number}", code) for number, code in enumerate(codes, start=1)],
        )

    @admin.display(description="codes left", ordering="codes_left")
    def codes_left(self, device: Any) -> int:
        return int(device.codes_left)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ["action_time", "user", "did", "content_type", "object_link"]
    list_display_links = ["action_time"]
    list_filter = ["action_flag", ("user", AutocompleteSelectFilter), "content_type"]
    list_select_related = ["user", "content_type"]
    search_fields = ["object_repr", "object_id__exact", "change_message"]
    date_hierarchy = "action_time"
    fields = ["action_time", "user", "did", "content_type", "object_id", "object_link"]

    @admin.display(description="did", ordering="action_flag")
    def did(self, entry: LogEntry) -> str:
        return entry.get_change_message() or entry.get_action_flag_display()

    @admin.display(description="object")
    def object_link(self, entry: LogEntry) -> str:
        url = entry.get_admin_url()
        if url is None or entry.is_deletion():
            return entry.object_repr
        return format_html('<a class="text-link" href="{}">{}</a>', url, entry.object_repr)
