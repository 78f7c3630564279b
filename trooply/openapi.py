"""The OpenAPI document: what drf-spectacular reads off the views, and what is true of every operation."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from accounts.authorization import required_permission
from trooply.api_errors import CATALOG_PATH, CONTENT_TYPE

_FIELD_ERRORS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field", "code", "message"],
        "properties": {
            "field": {"type": "string"},
            "code": {"type": "string"},
            "message": {"type": "string"},
        },
    },
}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "Problem details (RFC 9457) with a machine code in `error`.",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "error",
        "message",
        "request_id",
        "retryable",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "error": {"type": "string"},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean"},
        "errors": _FIELD_ERRORS,
    },
}
CATALOG_ERROR_SCHEMA = {
    "type": "object",
    "description": "An error as clients of the Catalog API read it; `details` name the fields.",
    "required": ["error", "request_id"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": _FIELD_ERRORS},
        },
        "request_id": {"type": "string"},
    },
}
_DESCRIPTIONS = {
    "400": "The request cannot be read.",
    "401": "The credentials are missing or wrong.",
    "403": "The caller may not do this, or the plan does not allow it.",
    "404": "There is no such thing in this account.",
    "405": "This address does not take this method.",
    "406": "This address answers with JSON only.",
    "409": "It conflicts with what is there or under way.",
    "412": "Somebody else has changed it since you read it.",
    "413": "The request or its picture is too large.",
    "415": "The body is of another content type.",
    "422": "The request can be read but not carried out; `errors` names the fields.",
    "503": "A part of the service cannot be reached; try again after `Retry-After` seconds.",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same key within a day gives the first answer again instead of a second write.",
)


class CredentialScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "accounts.authentication.CredentialAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "An access token of `/oauth/token`, or an API key.",
            },
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]


class OperationSchema(AutoSchema):
    """Adds to each operation the permission it needs, the errors it may answer and its idempotency key."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if permission := required_permission(self.view, self.method):
            operation["x-permission"] = permission
        for status, description in _DESCRIPTIONS.items():
            if status not in operation["responses"]:
                operation["responses"][status] = _error(description, self.path)
        return operation

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        handler = getattr(self.view, self.method.lower())
        return [*parameters, IDEMPOTENCY_KEY] if getattr(handler, "is_idempotent", False) else parameters


def add_problem(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the schemas of errors to the document's components."""
    result["components"]["schemas"] |= {"Problem": PROBLEM_SCHEMA, "CatalogError": CATALOG_ERROR_SCHEMA}
    return result


def _error(description: str, path: str) -> dict[str, Any]:
    content_type, name = (
        ("application/json", "CatalogError") if path.startswith(CATALOG_PATH) else (CONTENT_TYPE, "Problem")
    )
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": description, "content": {content_type: {"schema": schema}}}
