"""The one guarded way out: whatever goes to an address that an outsider gave goes through here.

Such an address may name our own database, a cloud's metadata service or a server that never stops talking.
So a name is looked up once, every answer is checked, the connection goes to a checked answer and nowhere
else, and the time is limited in total (OWASP, "Server Side Request Forgery Prevention").
"""

import http.client
import io
import ipaddress
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from django.utils.http import parse_http_date_safe
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

Address = tuple[socket.AddressFamily, Any]

DEADLINE = 10.0

# One dead address of several (an IPv6 route that leads nowhere) must leave time for the next one.
CONNECT_SECONDS = 3.0

LONGEST_RETRY_AFTER = timedelta(hours=1)

# Where web servers listen. With any port a merchant could make us knock at other people's mail and databases.
ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})

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

_NO_CREDENTIALS = "Remove the user name and the password from the address."


class RefusedURLError(Exception):
    """An address that we do not connect to; the message says why and betrays nothing of our network."""


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


def require_public_address(url: str) -> None:
    """Raise RefusedURLError for an address that we do not connect to, as far as that shows without a look-up.

    Raises ValueError for what is no address.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise RefusedURLError(_NO_CREDENTIALS)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if _is_exempt(host, port):
        return
    _require_allowed_port(port)
    literal = _literal_address(host)
    if host == "localhost" or host.endswith(".localhost") or (literal is not None and not _is_public(literal)):
        raise _not_public(host)


def parse_retry_after(value: str) -> timedelta | None:
    """Return how long a server wants to be left alone, an hour at most, or None for what does not say so.

    It takes a `Retry-After` of RFC 9110, section 10.2.3, and never raises, whatever a server sends.
    """
    told = value.strip()
    if told.isdecimal():
        # More digits than that are beyond the hour anyway.
        wanted = int(told.lstrip("0")[:9] or "0")
    elif (date := parse_http_date_safe(told)) is not None:
        wanted = max(date - int(time.time()), 0)
    else:
        return None
    return min(timedelta(seconds=wanted), LONGEST_RETRY_AFTER)


def end_of(timeout: float | None) -> float:
    """Return when a timeout in seconds, or the usual one, has passed, by the monotonic clock."""
    return time.monotonic() + (timeout or DEADLINE)


def seconds_until(ends_at: float) -> float:
    """Return the seconds that are left, or raise TimeoutError."""
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds


def _connect(host: str, port: int, ends_at: float) -> socket.socket:
    failure = OSError(f"{host} has no address")
    for family, address in _checked_addresses(host, port, ends_at):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(CONNECT_SECONDS, seconds_until(ends_at)))
            sock.connect(address)
            sock.settimeout(seconds_until(ends_at))
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
    _require_allowed_port(port)
    addresses = _look_up(host, port, ends_at)
    if not all(_is_public(address[0]) for _, address in addresses):
        raise _not_public(host)
    return addresses


def _is_exempt(host: str, port: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    allowed = {entry.lower() for entry in settings.FETCH_ALLOWED_HOSTS}
    return not allowed.isdisjoint({name, f"{name}:{port}"})


def _require_allowed_port(port: int) -> None:
    if port not in ALLOWED_PORTS:
        ports = ", ".join(map(str, sorted(ALLOWED_PORTS)))
        raise RefusedURLError(f"Port {port} is not allowed in an address. Use one of the ports {ports}.")


def _not_public(host: str) -> RefusedURLError:
    return RefusedURLError(f"{host} is not on the public internet. Send an address that everybody's browser can open.")


def _literal_address(host: str) -> str | None:
    """Return the address that a host is, also in the short and decimal forms of inet_aton(3), or None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return not any(ip in network for network in REFUSED_NETWORKS)


def _look_up(host: str, port: int, ends_at: float) -> list[Address]:
    """Ask once for the addresses of a host, in a thread because getaddrinfo(3) knows no timeout."""
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look-up")
    try:
        answers = thread.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in answers.result(seconds_until(ends_at))]
    finally:
        thread.shutdown(wait=False)


class _TotalTimeReader(io.RawIOBase):
    """Reads a socket; its timeout holds for all reads together, so that a slow drip comes to an end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._ends_at = end_of(sock.gettimeout())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(seconds_until(self._ends_at))
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
            return _connect(self._dns_host, self.port, end_of(self.timeout))
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
            raise RefusedURLError(_NO_CREDENTIALS)
        options["timeout"] = urllib3.Timeout(total=options.get("timeout") or DEADLINE)
        return super().send(request, *args, **options)


class _SessionWithoutRedirects(requests.Session):
    """Leaves redirects to its caller; requests would first read the whole body of a redirect into memory."""

    def resolve_redirects(self, *args: Any, **options: Any) -> Iterator[requests.Response]:
        return iter(())
