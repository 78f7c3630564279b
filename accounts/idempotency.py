"""Writes that may be sent twice: the answer to an `Idempotency-Key` is kept for a day and given again.

The same key with another body is refused, and so is a second request while the first is still at work. Only answers
of success are kept: after an error the same key tries again. The contract is that of the IETF draft
draft-ietf-httpapi-idempotency-key-header.
"""

import functools
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec

from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.response import Response

from accounts.authentication import ApiRequest
from accounts.models import IdempotentRequest, Tenant
from accounts.parsers import DigestingParser

P = ParamSpec("P")

MAX_KEY_LENGTH = 255
# A request that has not answered by then was killed; its key may be used again. The largest feeds take minutes.
ABANDONED_AFTER = timedelta(minutes=5)


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used for another request. Use a new key for each request."


class RequestInProgress(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "request_in_progress"
    default_detail = "A request with this Idempotency-Key is still at work. Try again in a moment."


class InvalidKey(exceptions.ParseError):
    default_code = "invalid_parameter"
    default_detail = f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters; a UUID is a good one."


class ShownOnce(Response):
    """An answer with a secret; a repeated `Idempotency-Key` gets what is kept of it instead."""

    def __init__(self, data: dict[str, Any], *, withheld: tuple[str, ...], **options: Any) -> None:
        super().__init__(data, **options)
        self.headers["Cache-Control"] = "no-store"
        self.kept = {name: value for name, value in data.items() if name not in withheld}


def idempotent(
    handler: Callable[Concatenate[Any, ApiRequest, P], Response],
) -> Callable[Concatenate[Any, ApiRequest, P], Response]:
    """Make a view's method answer a repeated `Idempotency-Key` with its first answer."""

    @functools.wraps(handler)
    def wrapper(view: Any, request: ApiRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 0 < len(key) <= MAX_KEY_LENGTH:
            raise InvalidKey
        return _answer_once(
            request.auth.tenant, key, _fingerprint(request), lambda: handler(view, request, *args, **kwargs)
        )

    wrapper.is_idempotent = True  # type: ignore[attr-defined]  # read by the OpenAPI document
    return wrapper


def _answer_once(tenant: Tenant, key: str, fingerprint: str, answer: Callable[[], Response]) -> Response:
    record, is_first = IdempotentRequest.objects.get_or_create(
        tenant=tenant, key=key, defaults={"fingerprint": fingerprint}
    )
    if not is_first and record.fingerprint != fingerprint:
        raise KeyReused
    if record.status is not None:
        return _replay(record)
    if not is_first and not _take_over(record):
        raise RequestInProgress
    return _keep_answer(record, answer)


def _replay(record: IdempotentRequest) -> Response:
    headers = {"Idempotent-Replayed": "true"}
    if record.location:
        headers["Location"] = record.location
    return Response(record.body, status=record.status, headers=headers)


def _take_over(record: IdempotentRequest) -> bool:
    now = timezone.now()
    if now - record.created_at < ABANDONED_AFTER:
        return False
    same = IdempotentRequest.objects.filter(pk=record.pk, status=None, created_at=record.created_at)
    return same.update(created_at=now) == 1


def _keep_answer(record: IdempotentRequest, answer: Callable[[], Response]) -> Response:
    try:
        response = answer()
    except BaseException:
        record.delete()
        raise
    record.status = response.status_code
    record.body = response.kept if isinstance(response, ShownOnce) else response.data
    record.location = response.headers.get("Location", "")
    record.save(update_fields=["status", "body", "location"])
    return response


def _fingerprint(request: ApiRequest) -> str:
    line = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(line + _identity_of_body(request)).hexdigest()


def _identity_of_body(request: ApiRequest) -> bytes:
    """Return the body, or the digest of one that is too large for memory."""
    assert request.negotiator is not None
    parser = request.negotiator.select_parser(request, request.parsers or [])
    return request.data.digest if isinstance(parser, DigestingParser) else request._request.body
