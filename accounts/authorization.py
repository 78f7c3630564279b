"""The one class that enforces permissions on the API.

A view names what it needs: `required_permissions = {"GET": "products:read", "POST": "products:write"}`; a method that
it does not name is closed to everybody. HEAD and OPTIONS need what GET needs or, without a GET, what is named first.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.authentication import Caller


class MissingPermission(PermissionDenied):
    default_code = "missing_permission"

    def __init__(self, permission: str) -> None:
        super().__init__(f"Missing required permission: {permission}")


class HasPermission(BasePermission):
    """Lets a caller through who has the permission that the view requires for this method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return False
        method = request.method or "GET"
        if method not in view.allowed_methods:
            return True  # the answer will be 405
        required = required_permission(view, method)
        if required is None:
            return False
        if required not in caller.permissions:
            raise MissingPermission(required)
        return True


def required_permission(view: object, method: str) -> str | None:
    """Return the permission that a view asks for when called by this HTTP method."""
    required: Mapping[str, str] = getattr(view, "required_permissions", {})
    if method in ("HEAD", "OPTIONS"):
        return required.get("GET") or next(iter(required.values()), None)
    return required.get(method)
