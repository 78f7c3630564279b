import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from datetime import timedelta

import pytest
import requests

from accounts.outbound import RefusedURLError, guarded_session
from catalog.pictures import politeness
from catalog.pictures.fetch import MAX_BYTES, FetchError, NotModified, Version, fetch, fetch_if_changed
from catalog.pictures.pausing_redis import PausingRedis

PUBLIC = "93.184.216.34"
PUBLIC_IPV6 = "2606:2800:220:1:248:1893:25c8:1946"
PICTURE = b"\xff\xd8\xff\xe0 a picture"

HOSTILE_URLS = [
    # loopback and its spellings
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "https://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://localhost/",
    "http://LOCALHOST/",
    # IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    # private, carrier-grade NAT, link-local, unique local, site-local
    "http://10.0.0.1/",
    "http://172.16.5.4/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.1.1/",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    # metadata services
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://192.0.0.192/opc/v2/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    # documentation, benchmarks, AS112, relays, multicast, reserved
    "http://192.0.2.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://198.18.0.1/",
    "http://192.31.196.1/",
    "http://192.52.193.1/",
    "http://192.175.48.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[2620:4f:8000::1]/",
    "http://[4000::1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
    "http://[ff02::1]/",
    # names that lead inside
    "http://inside.test/",
    "https://inside.test/",
    "http://mixed.test/",
    # user names and passwords
    "http://user:secret@shop.test/",
    "http://user@shop.test/",
    "http://shop.test@127.0.0.1/",
    # ports on which no picture is served
    "http://shop.test:22/",
    "http://shop.test:25/",
    "http://shop.test:5432/",
    "https://shop.test:6379/",
    "http://shop.test:8000/",
    "http://shop.test:99999/",
    "http://shop.test:eighty/",
    # no web address at all
    "",
    "shoe.jpg",
    "shop.test/shoe.jpg",
    "//shop.test/shoe.jpg",
    "http://",
    "http:///shoe.jpg",
    "https://:443/",
    "http://[::1/",
    "http://.shop.test/",
    "http://*.shop.test/",
    f"http://{'a' * 64}.test/",
    "http://shop.test%00.inside.test/",
    "http://shop.test\r\nHost: inside.test/",
    "file:///etc/passwd",
    "ftp://shop.test/shoe.jpg",
    "gopher://127.0.0.1:6379/_INFO",
    "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    "http+unix://%2Frun%2Fdocker.sock/info",
    "httpx://shop.test/",
]


class Internet:
    """Names and routes as a test wants them; notes each look-up and each connection that is tried.

    A name has a list of answers, the last of which repeats. A public address leads to the loopback server
    that `routes` names, or refuses. Addresses written as numbers are read by the real resolver.
    """

    def __init__(self):
        self.names = {
            "localhost": [["127.0.0.1", "::1"]],
            "inside.test": [["10.1.2.3"]],
            "metadata.google.internal": [["169.254.169.254"]],
            "mixed.test": [[PUBLIC, "10.1.2.3"]],
            "shop.test": [[PUBLIC]],
        }
        self.routes = {}
        self.lookups = []
        self.connections = []
        self.name_server_is_up = threading.Event()
        self.name_server_is_up.set()
        self._getaddrinfo = socket.getaddrinfo
        self._connect = socket.socket.connect

    def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        self.name_server_is_up.wait(5)
        with suppress(socket.gaierror):
            return self._getaddrinfo(host, port, family, type, proto, socket.AI_NUMERICHOST)
        self.lookups.append(host)
        answers = self.names.get(host.lower())
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in addresses for found in self._getaddrinfo(address, port, type=type)]

    def connect(self, sock, address):
        self.connections.append(address[:2])
        if address[0] not in ("127.0.0.1", "::1") and address[:2] not in self.routes:
            raise ConnectionRefusedError(f"no route to {address}")
        self._connect(sock, self.routes.get(address[:2], address))


@pytest.fixture
def internet(monkeypatch, settings, pictures):
    # On a connection from before: those made from now on are on record.
    politeness.forget("shop.test")
    # The fixture `pictures` has exempted its server: here nothing is exempt unless a test says so.
    settings.FETCH_ALLOWED_HOSTS = []
    internet = Internet()
    monkeypatch.setattr(socket, "getaddrinfo", internet.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda sock, address: internet.connect(sock, address))
    yield internet
    internet.name_server_is_up.set()


@pytest.fixture
def shop(internet, pictures):
    """The picture server as http://shop.test/, a host of the public internet."""
    internet.routes[PUBLIC, 80] = pictures.server_address
    return pictures


@pytest.fixture
def scripted(internet):
    """Starts servers that read a request's head and then let a function write what it likes."""
    with ScriptedServers(internet) as servers:
        yield servers


class ScriptedServers:
    def __init__(self, internet):
        self.heads = []
        self.gone = threading.Event()
        self._internet = internet
        self._listeners = []

    def serve(self, script, *, port=80, tls=None, host="127.0.0.1"):
        """Serve as shop.test, and return the address of the listener."""
        listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listeners.append(listener)
        self._internet.routes[PUBLIC, port] = listener.getsockname()
        threading.Thread(target=self._accept, args=[listener, script, tls], daemon=True).start()
        return listener.getsockname()

    def _accept(self, listener, script, tls):
        # The client hanging up, and the test closing the listener, are the two ways in which this ends.
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._talk, args=[connection, script, tls], daemon=True).start()

    def _talk(self, connection, script, tls):
        connection.settimeout(5)
        with (
            suppress(OSError),
            tls.wrap_socket(connection, server_side=True) if tls else connection as stream,
        ):
            head = b""
            while b"\r\n\r\n" not in head:
                received = stream.recv(65536)
                if not received:
                    return
                head += received
            self.heads.append(head.decode())
            script(stream)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.gone.set()
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def say(answer):
    return lambda connection: connection.sendall(answer)


def failure(url, **options):
    with pytest.raises(FetchError) as caught:
        fetch(url, **options)
    return caught.value


def code_and_retryable(url, **options):
    error = failure(url, **options)
    return error.code, error.retryable


# --- What comes back ----------------------------------------------------------------------------------------


def test_it_returns_the_bytes_and_the_headers_that_a_later_fetch_needs(shop):
    headers = {"ETag": '"v1"', "Last-Modified": "Sat, 21 Nov 2026 07:00:00 GMT"}
    shop.serve("/shoe.jpg?width=800", PICTURE, content_type="image/jpeg", headers=headers)

    fetched = fetch("http://shop.test/shoe.jpg?width=800#top")

    assert fetched.data == PICTURE
    assert fetched.content_type == "image/jpeg"
    assert fetched.url == "http://shop.test/shoe.jpg?width=800#top"
    assert fetched.etag == '"v1"'
    assert fetched.last_modified == "Sat, 21 Nov 2026 07:00:00 GMT"
    assert shop.requests == {"/shoe.jpg?width=800": 1}


def test_absent_headers_are_empty_strings(scripted):
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))

    fetched = fetch("http://shop.test/shoe.jpg")

    assert (fetched.content_type, fetched.etag, fetched.last_modified) == ("", "", "")


def test_it_says_who_asks_and_wants_the_bytes_uncompressed(scripted, settings):
    settings.BASE_URL = "https://trooply.example"
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))

    fetch("http://shop.test/shoe.jpg")

    assert scripted.heads[0].split("\r\n")[:2] == ["GET /shoe.jpg HTTP/1.1", "Host: shop.test"]
    assert "\r\nUser-Agent: Trooply (+https://trooply.example)\r\n" in scripted.heads[0]
    assert "\r\nAccept-Encoding: identity\r\n" in scripted.heads[0]


def test_a_body_that_was_compressed_all_the_same_is_unpacked(shop):
    shop.serve("/shoe.jpg", gzip.compress(PICTURE), headers={"Content-Encoding": "gzip"})

    assert fetch("http://shop.test/shoe.jpg").data == PICTURE


def test_a_chunked_body_is_put_together(scripted):
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"))

    assert fetch("http://shop.test/shoe.jpg").data == b"abcdefg"


def test_an_international_name_is_looked_up_in_its_ascii_form(shop, internet):
    internet.names["xn--bcher-kva.test"] = [[PUBLIC]]
    shop.serve("/shoe.jpg", PICTURE)

    assert fetch("http://bücher.test/shoe.jpg").data == PICTURE
    assert internet.lookups == ["xn--bcher-kva.test"]


# --- Addresses that are refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_address_is_refused_without_a_connection(internet, url):
    assert code_and_retryable(url) == ("invalid_image_url", False)
    assert internet.connections == []


NEIGHBOURS = """
    11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 168.63.129.17 169.253.0.1 172.15.255.255 172.32.0.1
    192.0.1.1 192.167.0.1 198.20.0.1 223.255.255.255 2001:200::1 2606:2800::1 3ffe::1
"""


@pytest.mark.parametrize("address", NEIGHBOURS.split())
def test_the_neighbours_of_refused_networks_are_public(internet, address):
    host = f"[{address}]" if ":" in address else address

    assert code_and_retryable(f"http://{host}/") == ("image_fetch_failed", True)
    assert internet.connections == [(address, 80)]


def test_a_refused_port_is_not_even_looked_up(internet):
    assert failure("http://shop.test:22/").message == (
        "Port 22 is not allowed in an address. Use one of the ports 80, 443, 8080, 8443."
    )
    assert internet.lookups == []


@pytest.mark.parametrize("port", [80, 8080, 8443])
def test_the_ports_of_web_servers_are_allowed(internet, pictures, port):
    internet.routes[PUBLIC, port] = pictures.server_address
    pictures.serve("/shoe.jpg", PICTURE)

    assert fetch(f"http://shop.test:{port}/shoe.jpg").data == PICTURE
    assert internet.connections == [(PUBLIC, port)]


def test_the_refusal_does_not_betray_the_address_behind_the_name(internet):
    assert failure("http://inside.test/").message == (
        "inside.test is not on the public internet. Send an address that everybody's browser can open."
    )


def test_a_name_that_changes_its_answer_is_asked_once(internet, shop):
    internet.names["shop.test"] = [[PUBLIC], ["127.0.0.1"]]
    shop.serve("/shoe.jpg", PICTURE)

    assert fetch("http://shop.test/shoe.jpg").data == PICTURE
    assert internet.lookups == ["shop.test"]
    assert internet.connections == [(PUBLIC, 80)]


def test_the_next_address_is_tried_when_one_is_dead(internet, shop):
    internet.names["shop.test"] = [[PUBLIC_IPV6, PUBLIC]]
    shop.serve("/shoe.jpg", PICTURE)

    assert fetch("http://shop.test/shoe.jpg").data == PICTURE
    assert internet.connections == [(PUBLIC_IPV6, 80), (PUBLIC, 80)]


def test_proxies_and_passwords_of_the_environment_are_ignored(scripted, internet, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine shop.test login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))

    fetch("http://shop.test/shoe.jpg")

    assert internet.connections == [(PUBLIC, 80)]
    assert "Authorization" not in scripted.heads[0]


# --- Hosts that are exempt ----------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["pictures.test", "PICTURES.test", "pictures.test:{port}"])
def test_an_exempt_host_may_be_inside_and_on_any_port(internet, pictures, settings, entry):
    port = pictures.server_port
    internet.names["pictures.test"] = [["127.0.0.1"]]
    settings.FETCH_ALLOWED_HOSTS = [entry.format(port=port)]
    pictures.serve("/shoe.jpg", PICTURE)

    assert fetch(f"http://Pictures.test:{port}/shoe.jpg").data == PICTURE


@pytest.mark.parametrize(
    "entry",
    ["127.0.0.1:1", "127.0.0.1:{port}0", "127.0.0", "27.0.0.1", "127.0.0.1.", "localhost", "*", ".", ""],
)
def test_an_exemption_holds_for_exactly_the_host_that_it_names(internet, pictures, settings, entry):
    settings.FETCH_ALLOWED_HOSTS = [entry.format(port=pictures.server_port)]
    url = pictures.serve("/shoe.jpg", PICTURE)

    assert code_and_retryable(url) == ("invalid_image_url", False)
    assert internet.connections == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"])
def test_another_spelling_of_an_exempt_address_is_not_exempt(internet, pictures, settings, host):
    settings.FETCH_ALLOWED_HOSTS = ["127.0.0.1"]

    assert code_and_retryable(f"http://{host}:{pictures.server_port}/")[0] == "invalid_image_url"
    assert internet.connections == []


@pytest.mark.parametrize("entry", ["[::1]", "[::1]:{port}"])
def test_an_exempt_ipv6_address_stands_in_brackets(scripted, settings, entry):
    try:
        _, port, *_ = scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    settings.FETCH_ALLOWED_HOSTS = [entry.format(port=port)]

    assert fetch(f"http://[::1]:{port}/shoe.jpg").data == b"abc"


def test_an_exempt_host_still_takes_no_password(internet, pictures, settings):
    settings.FETCH_ALLOWED_HOSTS = [pictures.host]

    error = failure(f"http://me:secret@{pictures.host}/shoe.jpg")

    assert error.message == "Remove the user name and the password from the address."
    assert internet.connections == []


# --- Redirects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(shop, internet, status):
    internet.names["cdn.test"] = [[PUBLIC]]
    shop.serve("/a", b"", status=status, headers={"Location": "http://cdn.test/b"})
    shop.serve("/b", PICTURE)

    fetched = fetch("http://shop.test/a")

    assert fetched.data == PICTURE
    assert fetched.url == "http://cdn.test/b"
    assert internet.lookups == ["shop.test", "cdn.test"]


def test_a_redirect_may_be_relative_and_in_utf_8(scripted):
    answers = iter(
        [
            "HTTP/1.1 302 Found\r\nLocation: ../schön.jpg\r\nContent-Length: 0\r\n\r\n".encode(),
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        ]
    )
    scripted.serve(lambda connection: connection.sendall(next(answers)))

    assert fetch("http://shop.test/old/shoe.jpg").url == "http://shop.test/sch%C3%B6n.jpg"


def test_three_redirects_are_followed_and_no_more(shop):
    for step in range(4):
        shop.serve(f"/{step}", b"", status=302, headers={"Location": f"/{step + 1}"})
    shop.serve("/4", PICTURE)

    assert fetch("http://shop.test/1").data == PICTURE
    assert failure("http://shop.test/0").message == (
        "The address redirects more than 3 times. Send the address where the redirects end."
    )


def test_a_redirect_loop_ends_after_four_requests(shop):
    shop.serve("/a", b"", status=302, headers={"Location": "/b"})
    shop.serve("/b", b"", status=302, headers={"Location": "/a"})

    assert code_and_retryable("http://shop.test/a") == ("image_fetch_failed", False)
    assert shop.requests == {"/a": 2, "/b": 2}


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://inside.test/",
        "//inside.test/",
        "http://127.0.0.1:{port}/secret",
        "http://localhost:8080/",
        "http://shop.test:22/",
        "http://user:secret@shop.test/",
        "file:///etc/passwd",
        "http://[::1",
        "http://shop.test:port/",
    ],
)
def test_a_redirect_to_a_refused_address_is_refused(shop, internet, target):
    location = target.format(port=shop.server_port)
    shop.serve("/a", b"", status=302, headers={"Location": location})

    assert code_and_retryable("http://shop.test/a") == ("invalid_image_url", False)
    assert internet.connections == [(PUBLIC, 80)]
    assert shop.requests == {"/a": 1}


def test_an_exempt_host_cannot_redirect_to_a_private_one(internet, pictures, settings):
    settings.FETCH_ALLOWED_HOSTS = [pictures.host]
    url = pictures.serve("/a", b"", status=302, headers={"Location": "http://127.0.0.1:8080/"})

    assert code_and_retryable(url) == ("invalid_image_url", False)
    assert internet.connections == [pictures.server_address]


def test_a_redirect_in_unreadable_letters_is_refused(scripted):
    scripted.serve(say(b"HTTP/1.1 302 Found\r\nLocation: /sch\xf6n.jpg\r\nContent-Length: 0\r\n\r\n"))

    assert code_and_retryable("http://shop.test/a") == ("invalid_image_url", False)


def test_the_body_of_a_redirect_is_not_waited_for(scripted):
    def redirect_and_go_on_for_ever(connection):
        if len(scripted.heads) == 2:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
            return
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n")
        scripted.gone.wait(5)

    scripted.serve(redirect_and_go_on_for_ever)

    assert fetch("http://shop.test/a", deadline=2).data == b"abc"


# --- Size ---------------------------------------------------------------------------------------------------


def test_a_file_of_exactly_the_largest_size_is_taken(shop):
    shop.serve("/shoe.jpg", bytes(MAX_BYTES))

    assert len(fetch("http://shop.test/shoe.jpg").data) == 15_000_000


def test_a_file_that_announces_too_many_bytes_is_not_read(scripted):
    def announce_only(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 15000001\r\n\r\n")
        scripted.gone.wait(5)

    scripted.serve(announce_only)

    error = failure("http://shop.test/shoe.jpg", deadline=2)

    assert (error.code, error.retryable) == ("image_too_large", False)
    assert error.message == "The picture is larger than 15 MB. 2,000 pixels wide or high are plenty."


@pytest.mark.parametrize("framing", ["", "Transfer-Encoding: chunked\r\n"])
def test_a_file_without_end_is_given_up_at_the_limit(scripted, framing):
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"

    def never_stop(connection):
        connection.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n".encode())
        while not scripted.gone.is_set():
            connection.sendall(chunk)

    scripted.serve(never_stop)

    assert code_and_retryable("http://shop.test/shoe.jpg") == ("image_too_large", False)


def test_a_small_file_that_unpacks_to_a_large_one_is_given_up(shop):
    shop.serve("/shoe.jpg", gzip.compress(bytes(MAX_BYTES + 1)), headers={"Content-Encoding": "gzip"})

    assert code_and_retryable("http://shop.test/shoe.jpg") == ("image_too_large", False)


# --- Time: left to themselves these servers finish in five seconds, and the fetch would succeed -------------

TOO_SLOW = (
    "shop.test did not deliver the picture within 0.5 seconds. "
    "Check that it opens quickly in a browser, or send a smaller file."
)


def test_a_dripping_body_is_given_up_at_the_deadline(shop):
    shop.serve("/shoe.jpg", bytes(100), drip=0.05)

    error = failure("http://shop.test/shoe.jpg", deadline=0.5)

    assert (error.code, error.retryable, error.message) == ("image_fetch_failed", True, TOO_SLOW)


def test_dripping_headers_are_given_up_at_the_deadline(scripted):
    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(95):
            connection.sendall(b"X: y\r\n")
            scripted.gone.wait(0.05)
        connection.sendall(b"Content-Length: 0\r\n\r\n")

    scripted.serve(drip)

    assert failure("http://shop.test/shoe.jpg", deadline=0.5).message == TOO_SLOW


def test_a_late_answer_is_given_up_at_the_deadline(shop):
    shop.serve("/shoe.jpg", PICTURE, delay=5)

    assert failure("http://shop.test/shoe.jpg", deadline=0.5).message == TOO_SLOW


def test_slow_redirects_share_one_deadline(shop):
    for step in range(3):
        shop.serve(f"/{step}", b"", status=302, headers={"Location": f"/{step + 1}"}, delay=0.3)
    shop.serve("/3", PICTURE)

    assert failure("http://shop.test/0", deadline=0.5).message == TOO_SLOW


def test_a_name_server_that_does_not_answer_is_given_up_at_the_deadline(internet, shop):
    shop.serve("/shoe.jpg", PICTURE)
    internet.name_server_is_up.clear()

    assert failure("http://shop.test/shoe.jpg", deadline=0.5).message == TOO_SLOW
    assert (internet.lookups, internet.connections) == ([], [])


def test_a_handshake_that_does_not_come_is_given_up_at_the_deadline(scripted):
    scripted.serve(lambda connection: None, port=443)

    assert failure("https://shop.test/shoe.jpg", deadline=0.5).message == TOO_SLOW


# --- Failures of the other side -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (204, False),
        (304, False),
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (408, True),
        (410, False),
        (425, True),
        (429, True),
        (500, True),
        (502, True),
        (503, True),
    ],
)
def test_an_http_status_says_whether_to_try_again(shop, status, retryable):
    shop.serve("/shoe.jpg", b"", status=status)

    assert code_and_retryable("http://shop.test/shoe.jpg") == ("image_fetch_failed", retryable)


def test_a_missing_picture_is_explained(shop):
    assert failure("http://shop.test/none.jpg").message == (
        "shop.test answered with HTTP status 404 instead of a picture. "
        "Check that a browser opens the picture without signing in."
    )


def test_an_unwell_server_is_explained(shop):
    shop.serve("/shoe.jpg", b"", status=503)

    assert failure("http://shop.test/shoe.jpg").message == (
        "shop.test answered with HTTP status 503 instead of a picture. Try again later."
    )


UNREACHABLE = (
    "{host} could not be reached, or broke off the answer. "
    "Check the spelling of the address and that a browser opens the picture."
)


def test_a_name_that_does_not_exist_may_be_tried_again(internet):
    error = failure("http://nowhere.test/shoe.jpg")

    assert (error.code, error.retryable) == ("image_fetch_failed", True)
    assert error.message == UNREACHABLE.format(host="nowhere.test")


def test_a_server_that_is_down_may_be_tried_again(internet):
    assert code_and_retryable("http://shop.test/shoe.jpg") == ("image_fetch_failed", True)
    assert internet.connections == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 mail.shop.test ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf a picture",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf a picture",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["nothing", "no HTTP", "half a body", "half a chunk", "broken gzip"],
)
def test_a_broken_answer_may_be_tried_again(scripted, answer):
    scripted.serve(say(answer))

    error = failure("http://shop.test/shoe.jpg")

    assert (error.code, error.retryable) == ("image_fetch_failed", True)
    assert error.message == UNREACHABLE.format(host="shop.test")


def test_a_web_page_in_place_of_a_picture_is_explained(shop):
    shop.serve("/shoe", b"\n<!doctype html><title>Shoe</title>", content_type="text/html; charset=utf-8")

    error = failure("http://shop.test/shoe")

    assert (error.code, error.retryable) == ("image_fetch_failed", False)
    assert error.message == (
        "The address leads to a web page, not to a picture. Open the page, right-click the picture, "
        "choose “Copy image address” and send that."
    )


def test_a_picture_that_is_labelled_as_a_web_page_is_taken(shop):
    shop.serve("/shoe.jpg", PICTURE, content_type="text/html")

    assert fetch("http://shop.test/shoe.jpg").data == PICTURE


# --- Another version than the one that is known ------------------------------------------------------------

DATE = "Sat, 21 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize("version", [Version(etag='"v1"'), Version(last_modified=DATE), Version('"v1"', DATE)])
def test_a_version_that_still_stands_there_is_not_sent_again(shop, version):
    shop.serve("/shoe.jpg", PICTURE, headers={"ETag": '"v1"', "Last-Modified": DATE})

    assert isinstance(fetch_if_changed("http://shop.test/shoe.jpg", version), NotModified)


def test_another_version_is_fetched(shop):
    shop.serve("/shoe.jpg", PICTURE, headers={"ETag": '"v2"'})

    fetched = fetch_if_changed("http://shop.test/shoe.jpg", Version(etag='"v1"'))

    assert (fetched.data, fetched.version) == (PICTURE, Version(etag='"v2"'))


def test_a_server_that_knows_no_conditions_is_understood(scripted):
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))

    assert fetch_if_changed("http://shop.test/shoe.jpg", Version('"v1"', DATE)).data == b"abc"
    head = scripted.heads[0].split("\r\n")
    assert {'If-None-Match: "v1"', f"If-Modified-Since: {DATE}"} <= set(head)


def test_nothing_has_changed_is_no_answer_to_whoever_knows_nothing(shop):
    shop.serve("/shoe.jpg", b"", status=304)

    with pytest.raises(FetchError, match="HTTP status 304"):
        fetch_if_changed("http://shop.test/shoe.jpg", Version())


# --- Politeness ---------------------------------------------------------------------------------------------


DATES = [
    ("Sat, 21 Nov 2099 07:00:00 GMT", 3600),
    ("Saturday, 21-Nov-65 07:00:00 GMT", 3600),
    ("Sat Nov 21 07:00:00 2099", 3600),
    ("Sat, 21 Nov 99999 07:00:00 GMT", 30),
    (f"Sat, 21 Nov {10**20} 07:00:00 GMT", 30),
    (f"Sat, 21 Nov {'9' * 5_000} 07:00:00 GMT", 30),
    ("Sat, 41 Nov 2099 07:00:00 GMT", 30),
]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("told", "seconds"), [("120", 120), ("", 30), ("soon", 30), ("7200", 3600), ("9" * 5_000, 3600), *DATES]
)
def test_a_server_that_has_too_much_to_do_is_left_alone(shop, status, told, seconds):
    shop.serve("/shoe.jpg", b"", status=status, headers={"Retry-After": told})
    shop.serve("/hat.jpg", PICTURE)

    assert failure("http://shop.test/shoe.jpg").retry_after == timedelta(seconds=seconds)
    error = failure("http://shop.test/hat.jpg")

    assert (error.code, error.retryable) == ("image_fetch_failed", True)
    assert error.message == "shop.test has asked us to wait before we fetch more pictures. Try again later."
    assert seconds - 5 < error.retry_after.total_seconds() <= seconds
    assert shop.requests == {"/shoe.jpg": 1}


def test_the_connections_of_a_killed_worker_are_free_again_after_a_while(shop, settings):
    settings.FETCH_CONNECTIONS_PER_HOST = 1
    shop.serve("/shoe.jpg", PICTURE)
    politeness.connection_to("shop.test", seconds=-0.9).__enter__()  # for a tenth of a second, and never given back

    assert fetch("http://shop.test/shoe.jpg").data == PICTURE


def test_other_servers_are_not_left_alone(shop, internet):
    internet.names["other.test"] = [[PUBLIC]]
    shop.serve("/shoe.jpg", PICTURE)
    politeness.forget("other.test")
    politeness.leave_alone("shop.test", timedelta(hours=1))

    assert fetch("http://other.test/shoe.jpg").data == PICTURE


def test_no_more_connections_are_made_to_a_server_than_allowed(shop, settings):
    settings.FETCH_CONNECTIONS_PER_HOST = 2
    shop.serve("/shoe.jpg", PICTURE)

    with politeness.connection_to("shop.test", seconds=60):
        with politeness.connection_to("shop.test", seconds=60):
            error = failure("http://shop.test/shoe.jpg", deadline=0.1)
            assert (error.code, error.retryable, shop.requests) == ("image_fetch_failed", True, {})
            assert error.message == (
                "We are fetching many pictures from shop.test just now, and did not come to this one. Try again later."
            )
        assert fetch("http://shop.test/shoe.jpg").data == PICTURE


def test_without_redis_fetching_goes_on_and_it_is_logged_once(shop, settings, caplog, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(politeness, "_redis", PausingRedis("no regard"))
    shop.serve("/shoe.jpg", PICTURE)

    for _ in range(2):
        assert fetch("http://shop.test/shoe.jpg").data == PICTURE

    assert [record.message for record in caplog.records if record.name == "catalog.pictures.pausing_redis"] == [
        "no regard"
    ]


# --- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a self-signed certificate for shop.test, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=shop"
    arguments = ["-addext", "subjectAltName=DNS:shop.test", "-keyout", path, "-out", path.with_suffix(".crt")]
    subprocess.run([*command.split(), *arguments], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def tls_shop(scripted, certificate):
    """https://shop.test/; its `asked_names` are the server names that clients sent."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    scripted.asked_names = []
    tls.sni_callback = lambda connection, name, context: scripted.asked_names.append(name)
    scripted.serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), port=443, tls=tls)
    return scripted


def test_tls_is_spoken_with_the_name_over_the_checked_address(tls_shop, internet, certificate):
    with guarded_session() as session:
        response = session.get("https://shop.test/shoe.jpg", verify=str(certificate))
        assert response.content == b"abc"

    assert tls_shop.asked_names == ["shop.test"]
    assert tls_shop.heads[0].split("\r\n")[1] == "Host: shop.test"
    assert internet.connections == [(PUBLIC, 443)]


def test_a_certificate_for_another_name_is_refused(tls_shop, internet, certificate):
    internet.names["other.test"] = [[PUBLIC]]

    with guarded_session() as session, pytest.raises(requests.exceptions.SSLError, match=r"other\.test"):
        session.get("https://other.test/shoe.jpg", verify=str(certificate))

    assert tls_shop.heads == []


def test_a_certificate_that_nobody_vouches_for_is_explained(tls_shop):
    error = failure("https://shop.test/shoe.jpg")

    assert (error.code, error.retryable) == ("image_fetch_failed", True)
    assert error.message == ("shop.test has no valid certificate for its name. Renew it, or send another address.")
    assert tls_shop.heads == []


# --- The session, for other errands than pictures -----------------------------------------------------------


def test_the_session_refuses_to_post_inside(internet):
    with (
        guarded_session() as session,
        pytest.raises(RefusedURLError, match=r"^inside\.test is not on the public"),
    ):
        session.post("http://inside.test/hook", data=b"{}")

    assert internet.connections == []


def test_the_session_follows_no_redirect(scripted):
    scripted.serve(say(b"HTTP/1.1 307 Go\r\nLocation: http://shop.test/b\r\nContent-Length: 0\r\n\r\n"))

    with guarded_session() as session:
        assert session.post("http://shop.test/hook", data=b"{}").status_code == 307

    assert len(scripted.heads) == 1


def test_the_timeout_of_the_session_is_for_the_whole_exchange(shop):
    shop.serve("/hook", bytes(100), drip=0.05)

    with guarded_session() as session, pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
        assert session.get("http://shop.test/hook", timeout=0.5).content
