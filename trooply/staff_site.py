"""The admin site for our staff: a second factor at the door, and figures of all tenants on its front page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Tenant
from analytics.models import SearchEvent
from catalog.models import Job, Product

# Staff needs these less often than our own, and their modules' names are no titles.
LAST_APPS = {"admin": "Staff log", "otp_totp": "Authenticators", "otp_static": "Backup codes"}
# Unfold's Alpine evaluates expressions out of its HTML, and sets styles; the rest of the site may do neither.
_admin_csp = csp_update({"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]})


class StaffLoginForm(OTPAuthenticationFormMixin, AuthenticationForm):  # type: ignore[misc]
    """Email, password and, from whoever needs a second factor, a code of six digits or a backup code."""

    otp_device = forms.CharField(required=False, widget=forms.HiddenInput)
    otp_token = forms.CharField(
        required=False,
        label="Authenticator or backup code",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )
    otp_challenge = forms.CharField(required=False, widget=forms.HiddenInput)
    otp_error_messages = OTPAuthenticationFormMixin.otp_error_messages | {
        "token_required": "Enter the code of your authenticator, or a backup code.",
        "invalid_token": "This code is wrong, or was used before.",
        "device_required": "Your account has nothing that makes such codes. Ask a colleague to set it up.",
    }

    def clean_otp_token(self) -> str:
        """Return the code without the gaps that apps show it with."""
        return "".join(self.cleaned_data["otp_token"].split())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if needs_second_factor(self.get_user()):
            self.clean_otp(self.get_user())
        return cleaned

    def _chosen_device(self, user: Any) -> Any:
        token = self.cleaned_data["otp_token"]
        model = TOTPDevice if len(token) == 6 and token.isdigit() else StaticDevice
        return _devices(user, model).select_for_update().first()


def needs_second_factor(user: Any) -> bool:
    """Return whether a password alone does not let this staff member in."""
    return bool(settings.STAFF_REQUIRE_2FA or _devices(user, TOTPDevice).exists())


def _devices(user: Any, model: Any) -> Any:
    return model.objects.devices_for_user(user, confirmed=True)


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Staff only, and verified by a second factor where they have one or STAFF_REQUIRE_2FA asks for it."""

    login_form = StaffLoginForm
    login_template = "admin/staff_login.html"
    index_template = "admin/staff_index.html"
    index_title = "Overview"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in, but not on a session that began at the portal, where nobody asks for a code."""
        user: Any = request.user
        return super().has_permission(request) and (user.is_verified() or not needs_second_factor(user))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return _admin_csp(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        login: Any = _admin_csp(super().login)
        return login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().index(request, {"figures": count_figures(at=timezone.now())})
        return response

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = LAST_APPS.get(app["app_label"], app["name"])
        return sorted(apps, key=lambda app: app["app_label"] in LAST_APPS)


@dataclass(frozen=True)
class Figure:
    """A number of the whole installation, and the list that it counts."""

    label: str
    value: int
    url: str


def count_figures(*, at: datetime) -> list[Figure]:
    """Return what staff looks at first: tenants, products, work and searches."""
    active, failed, yesterday = Tenant.Status.ACTIVE, Product.Status.FAILED, at - timedelta(days=1)
    return [
        _count("Active tenants", Tenant.objects.filter(status=active), f"?status__exact={active}"),
        _count("Products", Product.objects.all()),
        _count("Failed products", Product.objects.filter(status=failed), f"?status__exact={failed}"),
        _count("Jobs at work", Job.objects.filter(finished_at=None), "?finished_at__isnull=True"),
        _count("Searches in 24 hours", SearchEvent.objects.filter(created_at__gt=yesterday)),
    ]


def _count(label: str, rows: QuerySet[Any], filters: str = "") -> Figure:
    model = rows.model._meta
    url = reverse(f"admin:{model.app_label}_{model.model_name}_changelist")
    return Figure(label=label, value=rows.count(), url=f"{url}{filters}")
