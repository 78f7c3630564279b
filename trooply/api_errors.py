"""One error shape for the whole API: RFC 9457 problem details with a machine code, readable by older clients too."""

import http
import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from psycopg.errors import QueryCanceled
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from trooply.request_log import request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
API_PATHS = ("/v1/", "/oauth/")
# The Catalog API is a dialect of its own, whose clients read errors of another shape.
CATALOG_PATH = "/v1/catalog/"
# However much was sent, what is wrong with it is told in brief: so many errors, and so many characters of each field's
# name and message.
MAX_ERRORS = 50
MAX_ERROR_LENGTH = 500
_CODES = {
    exceptions.ParseError: "invalid_request",
    exceptions.NotAuthenticated: "missing_credentials",
    exceptions.AuthenticationFailed: "invalid_credentials",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.ValidationError: "validation_failed",
}
_MESSAGES = {
    exceptions.NotAuthenticated: (
        "Send `Authorization: Bearer <access token or API key>`, or an API key as `X-API-Key`."
    ),
    exceptions.NotFound: "There is no such thing here.",
}
_NOT_A_REQUEST = "This request is not one that we take: it asks for another host, or has too many fields."


class TookTooLong(exceptions.APIException):
    """The database has cancelled a statement, see STATEMENT_TIMEOUT_SECONDS."""

    status_code = http.HTTPStatus.SERVICE_UNAVAILABLE
    default_code = "took_too_long"
    default_detail = "This took the database too long, so it was given up. Try again a little later, or ask for less."
    wait = 10


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into the API's answer; what is unforeseen becomes a 500 that tells no detail."""
    set_rollback()
    match error:
        case Http404():
            error = exceptions.NotFound()
        case PermissionDenied():
            error = exceptions.PermissionDenied(*error.args)
        case SuspiciousOperation():
            error = exceptions.ParseError(_NOT_A_REQUEST)
        case exceptions.APIException():
            pass
        case OperationalError() if isinstance(error.__cause__, QueryCanceled):
            logger.warning("a statement took too long", exc_info=error)
            error = TookTooLong()
        case _:
            logger.error("unhandled error", exc_info=error)
            error = exceptions.APIException("Something went wrong on our side. We were told; please try again.")
    return _problem_response(error, context["request"].path)


def error_body(*, status: int, code: str, message: str, path: str, **extra: Any) -> tuple[dict[str, Any], str]:
    """Return the body of an error answer and its content type, in the dialect of the address."""
    if path.startswith(CATALOG_PATH):
        told = {"code": code, "message": message, "details": extra.get("errors", [])}
        return {"error": told, "request_id": request_id()}, "application/json"
    body = {
        "type": f"{settings.BASE_URL}/docs#{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "instance": path,
        "error": code,
        "message": message,
        "request_id": request_id(),
        "retryable": status in (429, 503),
        **extra,
    }
    return body, CONTENT_TYPE


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refuses, such as one for a host that is not ours; our pages would lead nowhere."""
    if _wants_page(request):
        return HttpResponse(_NOT_A_REQUEST, status=400, content_type="text/plain")
    return _problem(request, 400, "invalid_request", _NOT_A_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address at which there is nothing: people get a page, programs get JSON."""
    if _wants_page(request):
        return HttpResponse(render_to_string("404.html"), status=404)
    message = f"There is nothing at {request.path}. The endpoints are listed at {settings.BASE_URL}/docs."
    return _problem(request, 404, "not_found", message)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that broke, without the database, which may be what broke."""
    if _wants_page(request):
        return HttpResponse(render_to_string("500.html"), status=500)
    return _problem(request, 500, "internal_error", "Something went wrong on our side. Please try again.")


def _wants_page(request: HttpRequest) -> bool:
    # A program that takes anything (`*/*`) is no browser.
    return not request.path.startswith(API_PATHS) and "text/html" in request.headers.get("Accept", "")


def _problem(request: HttpRequest, status: int, code: str, message: str) -> JsonResponse:
    body, content_type = error_body(status=status, code=code, message=message, path=request.path)
    return JsonResponse(body, status=status, content_type=content_type)


def _problem_response(error: exceptions.APIException, path: str) -> Response:
    status = 422 if isinstance(error, exceptions.ValidationError) else error.status_code
    extra: dict[str, Any] = dict(getattr(error, "extra", {}))
    if isinstance(error, exceptions.ValidationError):
        extra["errors"] = list(islice(_field_errors(error.detail), MAX_ERRORS))
    if (retryable := getattr(error, "retryable", None)) is not None:
        extra["retryable"] = retryable
    code, message = _code(error), _message(error, extra)
    body, content_type = error_body(status=status, code=code, message=message, path=path, **extra)
    return Response(body, status=status, headers=_headers(error), content_type=content_type)


def _code(error: exceptions.APIException) -> str:
    code = _CODES.get(type(error)) or getattr(error, "code", None) or error.default_code
    return "internal_error" if code == "error" else str(code)


def _message(error: exceptions.APIException, extra: Mapping[str, Any]) -> str:
    if type(error) in _MESSAGES:
        return _MESSAGES[type(error)]
    if fields := extra.get("errors"):
        return " ".join(
            f"{field['field']}: {field['message']}" if field["field"] else field["message"] for field in fields
        )
    return str(error.detail)


def _field_errors(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details: `{"metadata": {"price": [...]}}` becomes field `metadata.price`."""
    if isinstance(detail, Mapping):
        for name, value in detail.items():
            inner = field if name == "non_field_errors" else f"{field}.{name}" if field else str(name)
            yield from _field_errors(value, inner)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list)
            yield from _field_errors(value, f"{field}.{index}" if nested and field else field)
    else:
        code = str(getattr(detail, "code", "invalid"))
        yield {"field": _shortened(field), "code": code, "message": _shortened(str(detail))}


def _shortened(text: str) -> str:
    """Return a text of an error, cut off where it repeats what was sent at length."""
    return text if len(text) <= MAX_ERROR_LENGTH else f"{text[: MAX_ERROR_LENGTH - 1]}…"


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers
