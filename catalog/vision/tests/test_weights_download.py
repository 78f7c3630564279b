"""A hub on this machine that breaks off in the middle of the weights."""

import re
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

pytest.importorskip("torch", reason="export needs requirements.txt")

from catalog.vision.weights_download import fetch_weights

WEIGHTS = bytes(range(256)) * 4096
DIGEST = sha256(WEIGHTS).hexdigest()


class Hub(ThreadingHTTPServer):
    """Has `shop/small` with one file; `healthy` or not, it notes which bytes are asked for."""

    def __init__(self, *, file):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.path = f"/shop/small/resolve/main/{file}"
        self.healthy = True
        self.ranges = []


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        if self.path == self.server.path:
            self._start(200, len(WEIGHTS))
        else:
            self._start(404, 0, {"X-Error-Code": "EntryNotFound"})

    def do_GET(self):
        if self.path != self.server.path:
            return self._start(404, 0)
        self.server.ranges.append(self.headers["Range"])
        if not self.server.healthy and len(self.server.ranges) > 1:
            return self._start(503, 0)
        start = int(re.findall(r"\d+", self.headers["Range"] or "0")[0])
        span = {"Content-Range": f"bytes {start}-{len(WEIGHTS) - 1}/{len(WEIGHTS)}"} if start else {}
        self._start(206 if start else 200, len(WEIGHTS) - start, span)
        end = len(WEIGHTS) if self.server.healthy else len(WEIGHTS) // 2
        self.wfile.write(WEIGHTS[start:end])
        self.close_connection = True
        return None

    def _start(self, status, length, headers=None):
        self.send_response(status)
        given = {"ETag": f'"{DIGEST}"', "X-Repo-Commit": "0" * 40, "Content-Length": length, **(headers or {})}
        for name, value in given.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextmanager
def running(hub):
    thread = Thread(target=hub.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    # What is not a whole chunk when the connection breaks is lost; these are of 10 MB.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 4096)
    return tmp_path / "models--shop--small" / "blobs"


@pytest.fixture
def at(monkeypatch):
    def point_to(hub):
        endpoint = f"http://127.0.0.1:{hub.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        return hub

    return point_to


def test_an_interrupted_download_goes_on_where_it_stopped(cache, at):
    half = len(WEIGHTS) // 2
    with running(at(Hub(file="open_clip_model.safetensors"))) as hub:
        hub.healthy = False
        with pytest.raises(OSError, match="503"):
            fetch_weights("shop/small/")
        assert (cache / f"{DIGEST}.partial").stat().st_size == half
        hub.healthy, hub.ranges = True, []
        fetch_weights("shop/small/")
        assert hub.ranges == [f"bytes={half}-"]
    assert [(file.name, file.read_bytes()) for file in cache.iterdir()] == [(DIGEST, WEIGHTS)]


def test_open_clip_finds_it_without_a_second_download(cache, at):
    from catalog.vision.torchvision_compat import import_open_clip

    with running(at(Hub(file="weights.pt"))) as hub:
        fetch_weights("shop/small/weights.pt")
        found = import_open_clip().download_pretrained({"hf_hub": "shop/small/weights.pt"})
        assert hub.ranges == [None]
    with open(found, "rb") as file:
        assert file.read() == WEIGHTS


def test_the_safe_format_is_preferred_and_the_other_taken_where_there_is_no_such_file(cache, at):
    with running(at(Hub(file="open_clip_pytorch_model.bin"))):
        fetch_weights("shop/small/")
    assert (cache / DIGEST).read_bytes() == WEIGHTS


def test_the_command_shows_how_far_it_is(cache, at, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TQDM_POSITION", "-1")  # as if on a terminal
    with running(at(Hub(file="open_clip_model.safetensors"))), pytest.raises(CommandError, match="open_clip_config"):
        call_command("export_encoder", "hf-hub:shop/small", output=tmp_path / "bundles")
    assert "open_clip_model.safetensors: 100%" in capsys.readouterr().err


def test_it_says_what_is_missing(cache, at):
    with running(at(Hub(file="other.txt"))), pytest.raises(OSError, match=r"shop/small has no weights\.pt"):
        fetch_weights("shop/small/weights.pt")
