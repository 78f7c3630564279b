"""Pictures from the addresses that merchants give: limited in size and time, and told in merchants' words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urljoin

import requests
import urllib3
from urllib3.util import parse_url

from accounts.outbound import DEADLINE, RefusedURLError, end_of, guarded_session, parse_retry_after, seconds_until
from catalog.errors import PictureError
from catalog.pictures.politeness import HostBusyError, HostPausedError, connection_to, leave_alone

MAX_BYTES = 15_000_000
MAX_REDIRECTS = 3
READ_SIZE = 64 * 1024

# A request that fails with one of these may succeed later: timeout, too early, too many requests.
RETRYABLE_STATUSES = frozenset({408, 425, 429})

# A server that answers so has too much to do, and is left alone for as long as it says, or for the usual time.
BUSY_STATUSES = frozenset({429, 503})
USUAL_PAUSE = timedelta(seconds=30)


class FetchError(PictureError):
    """A picture that was not fetched: `invalid_image_url`, `image_fetch_failed` or `image_too_large`."""


class FetchTimeoutError(FetchError):
    """The picture was not there in time; a request that cannot wait may leave it to a job."""


@dataclass(frozen=True)
class Version:
    """By what a server tells one version of a file from another; an absent header is an empty string."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


UNVERSIONED = Version()


@dataclass(frozen=True)
class Fetched:
    """What stood at an address; `url` is where the redirects ended, an absent header is an empty string."""

    data: bytes
    content_type: str
    url: str
    etag: str
    last_modified: str

    @property
    def version(self) -> Version:
        return Version(self.etag, self.last_modified)


class NotModified:
    """The answer that the version asked about is still the one that stands there."""


def fetch(url: str, *, deadline: float = DEADLINE) -> Fetched:
    """Fetch what stands at a merchant's address: at most 15 MB, within `deadline` seconds in all.

    Raises FetchError with a message for the merchant. Whether the bytes are a picture is for the decoder.
    """
    response = _fetch(url, {}, deadline)
    assert isinstance(response, Fetched)
    return response


def fetch_if_changed(url: str, version: Version, *, deadline: float = DEADLINE) -> Fetched | NotModified:
    """Fetch what stands at a merchant's address unless it is still this version (RFC 9110, section 13).

    Raises what `fetch` raises.
    """
    headers = {"If-None-Match": version.etag, "If-Modified-Since": version.last_modified}
    return _fetch(url, {name: value for name, value in headers.items() if value}, deadline)


def _fetch(url: str, conditions: Mapping[str, str], deadline: float) -> Fetched | NotModified:
    ends_at = end_of(deadline)
    with guarded_session() as session:
        for _ in range(1 + MAX_REDIRECTS):
            with _errors_for_merchant(url, deadline), _get(session, url, conditions, ends_at) as response:
                target = session.get_redirect_target(response)
                if target is None:
                    return NotModified() if conditions and response.status_code == 304 else _read(response)
                url = urljoin(response.url, target)
    raise FetchError(
        "image_fetch_failed",
        f"The address redirects more than {MAX_REDIRECTS} times. Send the address where the redirects end.",
    )


@contextmanager
def _get(
    session: requests.Session, url: str, conditions: Mapping[str, str], ends_at: float
) -> Iterator[requests.Response]:
    headers = {"Accept": "image/*, */*;q=0.5", **conditions}
    with (
        connection_to(_authority(url), seconds=seconds_until(ends_at)),
        session.get(url, headers=headers, timeout=seconds_until(ends_at)) as response,
    ):
        yield response


def _read(response: requests.Response) -> Fetched:
    _require_success(response)
    data = _read_body(response)
    content_type = response.headers.get("Content-Type", "")
    if content_type.lower().startswith("text/html") and data.lstrip().startswith(b"<"):
        raise FetchError(
            "image_fetch_failed",
            "The address leads to a web page, not to a picture. Open the page, right-click the picture, "
            "choose “Copy image address” and send that.",
        )
    return Fetched(
        data=data,
        content_type=content_type,
        url=response.url,
        etag=response.headers.get("ETag", ""),
        last_modified=response.headers.get("Last-Modified", ""),
    )


def _require_success(response: requests.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    retryable = status >= 500 or status in RETRYABLE_STATUSES
    retry_after = _retry_after(response) if status in BUSY_STATUSES else None
    if retry_after is not None:
        leave_alone(_authority(response.url), retry_after)
    advice = "Try again later" if retryable else "Check that a browser opens the picture without signing in"
    raise FetchError(
        "image_fetch_failed",
        f"{_host(response.url)} answered with HTTP status {status} instead of a picture. {advice}.",
        retryable=retryable,
        retry_after=retry_after,
    )


def _retry_after(response: requests.Response) -> timedelta:
    told = parse_retry_after(response.headers.get("Retry-After", ""))
    return USUAL_PAUSE if told is None else told


def _read_body(response: requests.Response) -> bytes:
    if (response.raw.length_remaining or 0) > MAX_BYTES:
        raise _too_large()
    data = bytearray()
    # `read1` returns what has arrived, `read` waits for all that it was asked for. Some servers compress
    # although we ask them not to: the limit is on the unpacked size.
    while chunk := response.raw.read1(READ_SIZE, decode_content=True):
        data += chunk
        if len(data) > MAX_BYTES:
            raise _too_large()
    return bytes(data)


def _too_large() -> FetchError:
    return FetchError(
        "image_too_large",
        f"The picture is larger than {MAX_BYTES // 1_000_000} MB. 2,000 pixels wide or high are plenty.",
    )


@contextmanager
def _errors_for_merchant(url: str, deadline: float) -> Iterator[None]:
    """Turn what goes wrong between us and the merchant's server into a FetchError that says what to do."""
    try:
        host = _host(url)
        yield
    except HostPausedError as error:
        message = f"{host} has asked us to wait before we fetch more pictures. Try again later."
        raise FetchError("image_fetch_failed", message, retryable=True, retry_after=error.retry_after) from error
    except HostBusyError as error:
        message = f"We are fetching many pictures from {host} just now, and did not come to this one. Try again later."
        raise FetchTimeoutError("image_fetch_failed", message, retryable=True) from error
    except RefusedURLError as error:
        raise FetchError("invalid_image_url", str(error)) from error
    except ValueError as error:
        # So say requests, urllib and the IDNA codec alike of an address or a name that cannot be parsed.
        raise FetchError(
            "invalid_image_url",
            "This is not a usable web address. Send a complete one, such as https://shop.example/shoe.jpg.",
        ) from error
    except (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        message = (
            f"{host} did not deliver the picture within {deadline:g} seconds. "
            "Check that it opens quickly in a browser, or send a smaller file."
        )
        raise FetchTimeoutError("image_fetch_failed", message, retryable=True) from error
    except requests.exceptions.SSLError as error:
        message = f"{host} has no valid certificate for its name. Renew it, or send another address."
        raise FetchError("image_fetch_failed", message, retryable=True) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        message = (
            f"{host} could not be reached, or broke off the answer. "
            "Check the spelling of the address and that a browser opens the picture."
        )
        raise FetchError("image_fetch_failed", message, retryable=True) from error


def _authority(url: str) -> str:
    """Return the server of an address: its name and, if it is not the usual one, its port."""
    parts = parse_url(url)
    return f"{parts.host}:{parts.port}" if parts.port else str(parts.host)


def _host(url: str) -> str:
    return parse_url(url).host or "The server"
