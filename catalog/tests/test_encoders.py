"""Which encoder a process works with: the database says it, and a switch neither stalls nor mixes."""

import threading
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from catalog import encoders
from catalog.models import Encoder
from catalog.tests.second_encoder import make_second_encoder

FIRST = settings.ENCODER


@pytest.fixture
def second_encoder(settings, tmp_path):
    return make_second_encoder(settings.ENCODER_DIR / settings.ENCODER, tmp_path / "second")


@pytest.fixture
def second(db, second_encoder):
    """The row of an encoder that nobody in this process has loaded."""
    return Encoder.objects.create(name="second", bundle=second_encoder, dimensions=384)


@pytest.fixture
def _always_read(monkeypatch):
    """Rows are never new enough."""
    monkeypatch.setattr(encoders, "LIFETIME", -1)


def wait_for_loading():
    for thread in threading.enumerate():
        if thread.name == "load second":
            thread.join()


def test_a_new_installation_begins_with_the_encoder_of_the_setting(db):
    assert encoders.active_encoder().name == FIRST
    assert list(Encoder.objects.values_list("name", "bundle", "state", "dimensions")) == [
        (FIRST, FIRST, "serving", 384)
    ]


def test_the_setting_does_not_overrule_the_database(second, settings):
    encoders.serve_with(second)
    settings.ENCODER = FIRST
    assert encoders.active_encoder().name == "second"
    assert Encoder.objects.count() == 1


def test_only_one_encoder_serves(second):
    encoders.active_encoder()
    with pytest.raises(IntegrityError):
        Encoder.objects.filter(pk=second.pk).update(state=Encoder.State.SERVING)


def test_rows_are_read_once_in_a_while(db, django_assert_num_queries):
    encoders.active_encoder()
    encoders.active_encoder()
    with django_assert_num_queries(0):
        encoders.encoder_row(encoders.active_encoder())


@pytest.mark.usefixtures("_always_read")
def test_a_process_goes_on_with_the_old_encoder_until_the_new_one_is_loaded(second):
    assert encoders.active_encoder().name == FIRST
    release = threading.Event()
    load_encoder = encoders.load_encoder

    def load_late(folder, *, threads):
        release.wait()
        return load_encoder(folder, threads=threads)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_encoder", load_late)
        encoders.serve_with(second)
        assert [encoders.active_encoder().name for _ in range(3)] == [FIRST] * 3
        release.set()
        wait_for_loading()
    assert encoders.active_encoder().name == "second"


@pytest.mark.usefixtures("_always_read")
def test_an_encoder_that_is_filled_in_is_loaded_before_it_serves(second, monkeypatch):
    encoders.active_encoder()
    encoders.fill_in(second)
    assert encoders.active_encoder().name == FIRST
    wait_for_loading()
    monkeypatch.setattr(encoders, "load_encoder", None)
    encoders.serve_with(second)
    assert encoders.active_encoder().name == "second"


@pytest.mark.usefixtures("_always_read")
def test_a_process_that_slept_through_the_switch_does_not_use_the_old_encoder(second):
    encoders.active_encoder()
    encoders.serve_with(second)
    Encoder.objects.update(state_since=timezone.now() - timedelta(minutes=2))
    assert encoders.active_encoder().name == "second"


def test_a_watched_process_learns_of_a_switch_by_itself(transactional_db, settings, second_encoder, monkeypatch):
    encoders.active_encoder()
    second = Encoder.objects.create(name="second", bundle=second_encoder, dimensions=384)
    encoders.serve_with(second)
    monkeypatch.setattr(encoders, "LIFETIME", 3600)
    monkeypatch.setattr(encoders, "WATCH", 0.01)
    watcher = encoders.Watcher()
    watcher.start()
    try:
        while encoders.active_encoder().name == FIRST:
            threading.Event().wait(0.01)
    finally:
        watcher.stop()
    assert encoders.active_encoder().name == "second"


def test_a_bundle_that_holds_another_encoder_than_the_row_says_does_not_serve(second, settings):
    Encoder.objects.filter(pk=second.pk).update(bundle=settings.ENCODER)
    encoders.serve_with(second)
    with pytest.raises(encoders.LostEncoderError, match=f"holds the encoder {FIRST}, not second"):
        encoders.active_encoder()


@pytest.fixture
def lost(owner, index):
    """A shop whose encoder came with an older version of Trooply."""
    index(a=(255, 0, 0))
    Encoder.objects.update(name="scout-0", bundle="scout-0")
    encoders.forget()


REMEDY = (
    "The encoder that serves, scout-0, cannot be loaded. Put its bundle back into ENCODER_DIR, "
    f"or switch to another encoder: manage.py reindex --encoder {FIRST}"
)


def test_without_the_bundle_the_process_says_what_to_do(lost):
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["encoder"]) == (
        503,
        {"ok": False, "error": "LostEncoderError", "remedy": REMEDY},
    )


def test_a_web_process_starts_without_the_bundle_and_logs_what_to_do(lost, caplog, monkeypatch):
    monkeypatch.setattr(encoders.Watcher, "start", lambda watcher: None)
    monkeypatch.setattr(encoders.connection, "close", lambda: None)
    encoders.start_serving()
    assert [message for message in caplog.messages if message.startswith(REMEDY)] != []


def test_a_setting_that_names_another_encoder_is_told_to_whoever_asks(second, settings, caplog, monkeypatch):
    encoders.serve_with(second)
    note = (
        f"ENCODER names {FIRST}, but second serves: ENCODER is what a new installation begins with. "
        f"Switch with `manage.py reindex --encoder {FIRST}`, or set ENCODER to second."
    )
    assert Client().get("/readyz").json()["encoder"] == {
        "ok": True,
        "name": "second",
        "dimensions": 384,
        "note": note,
    }
    monkeypatch.setattr(encoders.Watcher, "start", lambda watcher: None)
    monkeypatch.setattr(encoders.connection, "close", lambda: None)
    encoders.start_serving()
    assert note in caplog.messages
    settings.ENCODER = "second"
    assert "note" not in Client().get("/readyz").json()["encoder"]


@pytest.mark.parametrize(
    ("names", "setting", "expected"),
    [
        ([], "scout-1", {}),
        (["clip", "scout-1"], "scout-1", {"clip": ("standby", "clip"), "scout-1": ("serving", "scout-1")}),
        (["clip", "scout-1"], "/srv/clip", {"clip": ("serving", "/srv/clip"), "scout-1": ("standby", "scout-1")}),
        (["clip", "scout-1"], "scout-2", {"clip": ("serving", "clip"), "scout-1": ("standby", "scout-1")}),
    ],
)
def test_an_upgraded_installation_goes_on_with_its_encoder(db, settings, names, setting, expected):
    for name in names:
        Encoder.objects.create(name=name, dimensions=384)
    settings.ENCODER = setting
    import_module("catalog.migrations.0003_encoder_state").mark_serving(apps, None)
    found = Encoder.objects.values_list("name", "state", "bundle")
    assert {name: (state, bundle) for name, state, bundle in found} == expected
