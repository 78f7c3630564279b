"""One request to a receiver, and what came of it."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3
from django.conf import settings
from django.utils import timezone

from accounts.outbound import RefusedURLError, guarded_session, parse_retry_after
from accounts.webhooks.signing import signed_headers

# Seconds from the look-up of the name to the last byte of the answer.
TIMEOUT = 15.0
# Characters of a refusal that its log shows.
EXCERPT = 500
# Of an answer so many bytes are read, which lets the connection be used again; a longer one costs us the connection.
MAX_ANSWER_BYTES = 16 * 1024


@dataclass(frozen=True)
class Message:
    """What is sent, where to, the number of the attempt from 1, and the secrets that sign it, the present one first.

    There is no secret where it cannot be read any more.
    """

    url: str
    message_id: str
    body: bytes
    attempt: int
    signed_by: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What a receiver answered, or why it did not: `error` is a class such as `timeout`, empty for a success."""

    status: int | None
    error: str
    milliseconds: int
    excerpt: str = ""
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return not self.error


# What is settled for a request that would not end, and for one that we failed to make.
TIMED_OUT = Answer(status=None, error="timeout", milliseconds=int(TIMEOUT * 1000))
INTERNAL_ERROR = Answer(status=None, error="internal_error", milliseconds=0)


def open_session() -> requests.Session:
    """Return a session that keeps its connections to a receiver, and none of its cookies."""
    session = guarded_session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def is_scheme_allowed(url: str) -> bool:
    """Return whether an address may be called: HTTPS only, but for development."""
    is_development = settings.DEBUG or settings.INSECURE_HTTP
    return url.lower().startswith(("https://", "http://") if is_development else "https://")


def send(session: requests.Session, message: Message) -> Answer:
    """Send a message once; one that cannot be signed is not sent."""
    if not message.signed_by:
        return Answer(status=None, error="secret_unreadable", milliseconds=0)
    started = time.perf_counter()
    status, error, excerpt, retry_after = None, "", "", None
    try:
        with _post(session, message) as response:
            status = response.status_code
            error = _class_of(status)
            body = _read(response)
            if error:
                excerpt, retry_after = body, parse_retry_after(response.headers.get("Retry-After", ""))
    except RefusedURLError:
        error = "refused_address"
    except (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError):
        error = "timeout"
    except requests.exceptions.SSLError:
        error = "certificate"
    except ValueError:  # so say requests and the IDNA codec of what is no address
        error = "invalid_address"
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        error = "connection"
    milliseconds = round((time.perf_counter() - started) * 1000)
    return Answer(status, error, milliseconds, excerpt, retry_after)


def _post(session: requests.Session, message: Message) -> requests.Response:
    if not is_scheme_allowed(message.url):
        raise RefusedURLError("Webhooks go to HTTPS addresses only.")
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Attempt": str(message.attempt),
        **signed_headers(message.body, message_id=message.message_id, signed_by=message.signed_by, at=timezone.now()),
    }
    return session.post(message.url, data=message.body, headers=headers, timeout=TIMEOUT, allow_redirects=False)


def _class_of(status: int) -> str:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    return "redirect" if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST else "http_error"


def _read(response: requests.Response) -> str:
    """Return the beginning of an answer as text; what breaks off after the status line changes nothing."""
    try:
        data = response.raw.read(MAX_ANSWER_BYTES)
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    # PostgreSQL keeps no null character.
    return str(data.decode("utf-8", "replace").replace("\0", "")[:EXCERPT])
