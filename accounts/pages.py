"""The doors of the portal: sign in, sign out, and the decorator that lets a page through to its tenant's people."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.middleware import HtmxDetails

from accounts.authentication import Caller, caller_of
from accounts.models import Tenant, User


class PortalRequest(HttpRequest):
    """A request of a signed-in member of a tenant's team."""

    caller: Caller
    htmx: HtmxDetails


class SignIn(LoginView):
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True


class SignOut(LogoutView):
    pass


def portal_page(permission: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Let a page through to users of an active tenant who have this permission, as `request.caller`."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @functools.wraps(view)
        def wrapper(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            user: User = request.user
            if user.tenant is None:
                return redirect("admin:index")
            request.caller = caller_of(user)
            if user.tenant.status != Tenant.Status.ACTIVE:
                raise PermissionDenied("This account is suspended. Please write to support.")
            if permission not in request.caller.permissions:
                raise PermissionDenied(f"Missing required permission: {permission}")
            return view(request, *args, **kwargs)

        return wrapper

    return decorate
