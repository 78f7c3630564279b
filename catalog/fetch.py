"""The one guarded way out: whatever is fetched from an address that a merchant gave goes through here.

Such an address may name our own database, a cloud's metadata service or a server that never stops talking.
So a name is looked up once, every answer is checked, the connection goes to a checked answer and nowhere
else, and size and time are limited in total (OWASP, "Server Side Request Forgery Prevention").
"""

import http.client
import io
import ipaddress
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import parse_url

from catalog.errors import PictureError

Address = tuple[socket.AddressFamily, Any]

MAX_BYTES = 15_000_000
MAX_REDIRECTS = 3
DEADLINE = 10.0
READ_SIZE = 64 * 1024

# One dead address of several (an IPv6 route that leads nowhere) must leave time for the next one.
CONNECT_SECONDS = 3.0

# Where web servers listen. With any port a merchant could make us knock at other people's mail and databases.
ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})

# A request that fails with one of these may succeed later: timeout, too early, too many requests.
RETRYABLE_STATUSES = frozenset({408, 425, 429})

# All that is not ordinary public unicast, after IANA's special-purpose address registries (RFC 6890). Written
# out because `ipaddress.is_global` changes with the Python version: in 3.11.7 it is true of fec0::/10.
REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; Alibaba's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent, a public address that answers inside only
        "169.254.0.0/16",  # link-local, RFC 3927; metadata services
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle's metadata service
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.31.196.0/24",  # AS112, RFC 7535
        "192.52.193.0/24",  # multicast tunnels, RFC 7450
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "192.175.48.0/24",  # AS112, RFC 7534
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        # IPv6 has public addresses in 2000::/3 only (RFC 4291). The three around it hold loopback, mapped
        # IPv4, NAT64, unique local (with Amazon's metadata service), link-local, site-local and multicast.
        "::/3",
        "4000::/2",
        "8000::/1",
        "2001::/23",  # protocol assignments, RFC 2928; Teredo
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 3056: carries any IPv4 address
        "2620:4f:8000::/48",  # AS112, RFC 7534
        "3fff::/20",  # documentation, RFC 9637
    )
)


class FetchError(PictureError):
    """A picture that was not fetched: `invalid_image_url`, `image_fetch_failed` or `image_too_large`."""


class FetchTimeoutError(FetchError):
    """The picture was not there in time; a request that cannot wait may leave it to a job."""


class RefusedURLError(Exception):
    """An address that we do not connect to; the message says why and betrays nothing of our network."""


@dataclass(frozen=True)
class Fetched:
    """What stood at an address; `url` is where the redirects ended, an absent header is an empty string."""

    data: bytes
    content_type: str
    url: str
    etag: str
    last_modified: str


def fetch(url: str, *, deadline: float = DEADLINE) -> Fetched:
    """Fetch what stands at a merchant's address: at most 15 MB, within `deadline` seconds in all.

    Raises FetchError with a message for the merchant. Whether the bytes are a picture is for the decoder.
    """
    ends_at = _end_of(deadline)
    with guarded_session() as session:
        for _ in range(1 + MAX_REDIRECTS):
            with _errors_for_merchant(url, deadline), _get(session, url, ends_at) as response:
                target = session.get_redirect_target(response)
                if target is None:
                    return _read(response)
                url = urljoin(response.url, target)
    raise FetchError(
        "image_fetch_failed",
        f"The address redirects more than {MAX_REDIRECTS} times. Send the address where the redirects end.",
    )


def guarded_session() -> requests.Session:
    """Return a session for addresses that outsiders gave: it raises RefusedURLError for those inside.

    Unlike other sessions it takes `timeout` as the seconds for the whole exchange (10 if none is given),
    follows no redirect, and streams, so that the caller can limit the size.
    """
    session = _SessionWithoutRedirects()
    session.trust_env = False
    session.stream = True
    session.headers.update({"User-Agent": f"Trooply (+{settings.BASE_URL})", "Accept-Encoding": "identity"})
    session.mount("http://", _GuardedAdapter())
    session.mount("https://", _GuardedAdapter())
    return session


def _get(session: requests.Session, url: str, ends_at: float) -> requests.Response:
    return session.get(url, headers={"Accept": "image/*, */*;q=0.5"}, timeout=_seconds_until(ends_at))


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
    advice = "Try again later" if retryable else "Check that a browser opens the picture without signing in"
    raise FetchError(
        "image_fetch_failed",
        f"{_host(response.url)} answered with HTTP status {status} instead of a picture. {advice}.",
        retryable=retryable,
    )


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


def _host(url: str) -> str:
    return parse_url(url).host or "The server"


def _end_of(timeout: float | None) -> float:
    return time.monotonic() + (timeout or DEADLINE)


def _seconds_until(ends_at: float) -> float:
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


def _connect(host: str, port: int, ends_at: float) -> socket.socket:
    failure = OSError(f"{host} has no address")
    for family, address in _checked_addresses(host, port, ends_at):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(CONNECT_SECONDS, _seconds_until(ends_at)))
            sock.connect(address)
            sock.settimeout(_seconds_until(ends_at))
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _checked_addresses(host: str, port: int, ends_at: float) -> list[Address]:
    """Return all addresses of a host, or raise RefusedURLError if a single one of them is not public."""
    if _is_exempt(host, port):
        return _look_up(host, port, ends_at)
    if port not in ALLOWED_PORTS:
        ports = ", ".join(map(str, sorted(ALLOWED_PORTS)))
        raise RefusedURLError(f"Port {port} is not allowed in an address. Use one of the ports {ports}.")
    addresses = _look_up(host, port, ends_at)
    if not all(_is_public(address[0]) for _, address in addresses):
        raise RefusedURLError(
            f"{host} is not on the public internet. Send an address that everybody's browser can open."
        )
    return addresses


def _is_exempt(host: str, port: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    allowed = {entry.lower() for entry in settings.FETCH_ALLOWED_HOSTS}
    return not allowed.isdisjoint({name, f"{name}:{port}"})


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not any(ip in network for network in REFUSED_NETWORKS)


def _look_up(host: str, port: int, ends_at: float) -> list[Address]:
    """Ask once for the addresses of a host, in a thread because getaddrinfo(3) knows no timeout."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look-up")
    try:
        answers = thread.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in answers.result(_seconds_until(ends_at))]
    finally:
        thread.shutdown(wait=False)


class _TotalTimeReader(io.RawIOBase):
    """Reads a socket; its timeout holds for all reads together, so that a slow drip comes to an end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._ends_at = _end_of(sock.gettimeout())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_seconds_until(self._ends_at))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _TotalTimeResponse(http.client.HTTPResponse):
    """An answer whose status line, headers and body share one timeout."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_TotalTimeReader(sock))


class _GuardedHTTPConnection(HTTPConnection):
    """Connects to a checked address only; TLS, where there is any, still checks the name."""

    response_class = _TotalTimeResponse

    def _new_conn(self) -> socket.socket:
        try:
            return _connect(self._dns_host, self.port, _end_of(self.timeout))
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} did not accept the connection") from error


class _GuardedHTTPSConnection(_GuardedHTTPConnection, HTTPSConnection):
    pass


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _GuardedAdapter(HTTPAdapter):
    """Sends over guarded connections; `timeout` runs from the look-up of the name to the last byte."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if "@" in urlsplit(request.url or "").netloc:
            raise RefusedURLError("Remove the user name and the password from the address.")
        options["timeout"] = urllib3.Timeout(total=options.get("timeout") or DEADLINE)
        return super().send(request, *args, **options)


class _SessionWithoutRedirects(requests.Session):
    """Leaves redirects to its caller; requests would first read the whole body of a redirect into memory."""

    def resolve_redirects(self, *args: Any, **options: Any) -> Iterator[requests.Response]:
        return iter(())
