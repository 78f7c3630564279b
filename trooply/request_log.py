"""One id for every request, in its answer, its errors and every log line, and one log line when it is done."""

import logging
import re
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts import request_context

logger = logging.getLogger("trooply.request")
# What a client may choose as id: it ends up in logs and headers.
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/static/", "/media/")


def request_id() -> str:
    """Return the id of the request at work, or an empty string outside of one."""
    return request_context.request_id.get()


class RequestIdFilter(logging.Filter):
    """Puts the request's id on every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id()
        return True


class RequestLogMiddleware:
    """Takes the client's `X-Request-ID` or makes one, returns it, and logs the request when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        named = sent if _ACCEPTED_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"
        id_before = request_context.request_id.set(named)
        address_before = request_context.remote_address.set(request.META.get("REMOTE_ADDR", ""))
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id()
            self._log(request, response, time.perf_counter() - started)
            return response
        finally:
            request_context.request_id.reset(id_before)
            request_context.remote_address.reset(address_before)

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        if request.path.startswith(_QUIET_PATHS):
            return
        logger.info(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
            },
        )
