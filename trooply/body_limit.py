"""No request body is larger than we are ready to hold: in memory, or on disk where a view takes feeds."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog.feeds.body import takes_feed
from trooply.api_errors import error_body


class BodyLimitMiddleware:
    """Answers 413 to a request that announces too much; one that announces nothing has no body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.headers.get("Content-Length", "")
        size = int(announced) if announced.isdecimal() else 0
        if size <= settings.MAX_BODY_BYTES:
            return self.get_response(request)
        if not takes_feed(request.path, request.headers.get("Content-Type", "")):
            advice = "Send fewer products, or pictures as web addresses."
            return _too_large(request, f"A request has at most {_megabytes(settings.MAX_BODY_BYTES)} MB. {advice}")
        if size > settings.MAX_FEED_BYTES:
            return _too_large(
                request, f"A feed has at most {_megabytes(settings.MAX_FEED_BYTES)} MB. Send it in parts."
            )
        return self.get_response(request)


def _too_large(request: HttpRequest, message: str) -> HttpResponse:
    body, content_type = error_body(status=413, code="payload_too_large", message=message, path=request.path)
    return JsonResponse(body, status=413, content_type=content_type)


def _megabytes(size: int) -> int:
    return size // 1024**2
