"""No request body is larger than we are ready to hold in memory."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from trooply.api_errors import error_body


class BodyLimitMiddleware:
    """Answers 413 to a request that announces more than MAX_BODY_BYTES; one that announces nothing has no body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced = request.headers.get("Content-Length", "")
        if not announced.isdecimal() or int(announced) <= settings.MAX_BODY_BYTES:
            return self.get_response(request)
        megabytes = settings.MAX_BODY_BYTES // 1024**2
        body, content_type = error_body(
            status=413,
            code="payload_too_large",
            message=f"A request has at most {megabytes} MB. Send fewer products, or pictures as web addresses.",
            path=request.path,
        )
        return JsonResponse(body, status=413, content_type=content_type)
