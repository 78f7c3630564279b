"""`reindex` and `drop_encoder`: fill in, switch, switch back, be interrupted, and never leave a product behind."""

import threading

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from catalog import encoders, indexing, locks, reindexing
from catalog.management.commands import reindex as command
from catalog.models import Embedding, Encoder, ProductImage, VectorIndex
from catalog.tests.second_encoder import make_second_encoder
from conftest import picture

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)
FIRST = settings.ENCODER


@pytest.fixture(autouse=True)
def _no_notice(monkeypatch):
    monkeypatch.setattr(command, "NOTICE_SECONDS", 0)


@pytest.fixture
def second_encoder(settings, tmp_path):
    return make_second_encoder(settings.ENCODER_DIR / settings.ENCODER, tmp_path / "second")


def reindex(encoder=None, **options):
    call_command("reindex", encoder=encoder, verbosity=0, **options)


def vectors_of(name):
    return Embedding.objects.filter(encoder__name=name).count()


def states():
    return dict(Encoder.objects.values_list("name", "state"))


def scores(owner):
    """Return the products that words find, by id, with their similarities."""
    response = owner.client.post("/v1/search/text", {"query": "a red ball"})
    assert response.status_code == 200, response.content
    return {result["product_id"]: result["similarity_score"] for result in response.json()["results"]}


def send(owner, pictures, name, color):
    url = pictures.serve(f"/{name}.jpg", picture(color), content_type="image/jpeg")
    response = owner.client.post("/v1/products", {"product_id": name, "image_url": url})
    assert response.status_code in (200, 201), response.content


def test_it_fills_in_a_new_encoder_beside_the_old_and_switches(owner, index, pictures, second_encoder, capsys):
    index(a=RED, b=BLUE)
    before, downloads = scores(owner), pictures.requests.total()
    reindex(second_encoder)
    assert capsys.readouterr().out.splitlines() == [
        "2 pictures embedded with second.",
        f"second serves now. To switch back: manage.py reindex --encoder {FIRST}",
    ]
    assert (vectors_of(FIRST), vectors_of("second")) == (2, 2)
    assert states() == {FIRST: "standby", "second": "serving"}
    assert pictures.requests.total() == downloads
    after = scores(owner)
    assert set(after) == set(before) == {"a", "b"}
    assert after["a"] != before["a"]


def test_it_switches_back_by_name_and_fills_in_what_came_since(owner, index, second_encoder, capsys):
    index(a=RED)
    before = scores(owner)
    reindex(second_encoder)
    index(b=BLUE)
    assert (vectors_of(FIRST), vectors_of("second")) == (1, 2)
    capsys.readouterr()
    reindex(FIRST)
    assert capsys.readouterr().out.startswith(f"1 pictures embedded with {FIRST}.\n{FIRST} serves now.")
    assert scores(owner)["a"] == before["a"]
    assert set(scores(owner)) == {"a", "b"}
    reindex("second")
    assert states() == {FIRST: "standby", "second": "serving"}


def test_once_it_serves_there_is_nothing_left_to_do(owner, index, second_encoder, capsys):
    index(a=RED)
    reindex(second_encoder)
    since = Encoder.objects.get(name="second").state_since
    capsys.readouterr()
    reindex(second_encoder)
    assert capsys.readouterr().out == "0 pictures embedded with second.\nsecond serves.\n"
    assert Encoder.objects.get(name="second").state_since == since


def test_no_switch_only_fills_in(owner, index, second_encoder, capsys):
    index(a=RED)
    reindex(second_encoder, no_switch=True)
    assert (vectors_of("second"), states()) == (1, {FIRST: "serving", "second": "standby"})
    assert capsys.readouterr().out.endswith(f"Searches go on with {FIRST}: as --no-switch says.\n")


def test_one_tenant_is_filled_in_and_never_switched(owner, stranger, index, second_encoder, capsys):
    index(a=RED)
    reindex(second_encoder, tenant=stranger.tenant.client_id)
    assert vectors_of("second") == 0
    reindex(second_encoder, tenant=owner.tenant.client_id)
    assert (vectors_of("second"), states()) == (1, {FIRST: "serving", "second": "standby"})
    assert capsys.readouterr().out.endswith(f"Searches go on with {FIRST}: a run for one tenant never switches.\n")


def test_without_a_name_it_fills_in_what_the_serving_encoder_lacks(owner, index, capsys):
    index(a=RED, b=BLUE)
    Embedding.objects.filter(product__product_id="a").delete()
    reindex()
    assert capsys.readouterr().out == f"1 pictures embedded with {FIRST}.\n"
    assert vectors_of(FIRST) == 2


def test_a_dry_run_only_tells(owner, index, second_encoder, capsys):
    index(a=RED)
    call_command("reindex", encoder=second_encoder, dry_run=True)
    assert capsys.readouterr().out.splitlines() == [
        "1 pictures have no vector of second.",
        f"When they have, second would serve in place of {FIRST}.",
    ]
    assert states() == {FIRST: "serving"}


@pytest.fixture
def unreadable(index, settings):
    """Two products, of which the stored picture of one is gone."""
    index(a=RED, b=BLUE)
    (settings.MEDIA_ROOT / ProductImage.objects.get(product__product_id="a").thumbnail.name).unlink()


def test_it_does_not_switch_while_a_picture_cannot_be_read(owner, unreadable, second_encoder, capsys):
    with pytest.raises(CommandError, match=r"1 pictures could not be read\. Their products would not be found"):
        reindex(second_encoder)
    assert capsys.readouterr().err.startswith("a: its stored picture is gone")
    assert (vectors_of("second"), states()[FIRST]) == (1, "serving")
    assert set(scores(owner)) == {"a", "b"}


def test_it_switches_without_unreadable_pictures_when_told_so(owner, unreadable, second_encoder):
    reindex(second_encoder, skip_unreadable=True)
    assert states() == {FIRST: "standby", "second": "serving"}
    assert set(scores(owner)) == {"b"}


@pytest.mark.parametrize("arguments", [{"encoder": "no-such-bundle"}, {"tenant": "no-such-tenant"}])
def test_it_refuses_what_does_not_exist(db, arguments):
    with pytest.raises(CommandError, match="no-such"):
        call_command("reindex", **arguments)


@pytest.fixture
def interrupted(index, second_encoder, monkeypatch):
    """A run that Ctrl-C has ended after one of three pictures."""
    index(a=RED, b=BLUE, c=GREEN)
    store = reindexing._store

    def store_once(*args):
        monkeypatch.setattr(reindexing, "_store", interrupt)
        store(*args)

    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reindexing, "BATCH", 1)
        monkeypatch.setattr(reindexing, "_store", store_once)
        with pytest.raises(CommandError, match="The same command goes on from here") as failure:
            reindex(second_encoder)
        monkeypatch.setattr(reindexing, "_store", store)
    assert failure.value.returncode == 130
    encoders.forget()


def test_an_interrupted_run_has_changed_no_search_and_is_resumed(owner, interrupted, second_encoder, capsys):
    assert (vectors_of("second"), states()) == (1, {FIRST: "serving", "second": "filling"})
    assert set(scores(owner)) == {"a", "b", "c"}
    reindex(second_encoder)
    assert "2 pictures embedded with second." in capsys.readouterr().out
    assert states() == {FIRST: "standby", "second": "serving"}


def test_new_pictures_get_vectors_of_the_encoder_that_is_filled_in(owner, interrupted, index):
    index(d=(250, 240, 0))
    made = Embedding.objects.filter(product__product_id="d").values_list("encoder__name", flat=True)
    assert set(made) == {FIRST, "second"}


def test_filling_in_is_given_up_by_naming_the_encoder_that_serves(owner, interrupted, index):
    reindex(FIRST)
    assert states() == {FIRST: "serving", "second": "standby"}
    encoders.forget()
    index(d=(250, 240, 0))
    assert vectors_of("second") == 1


def test_a_product_is_stored_although_the_encoder_that_is_filled_in_fails(
    owner, interrupted, index, second_encoder, monkeypatch, caplog
):
    def fail(images):
        raise encoders.EncoderError("out of order")

    monkeypatch.setattr(encoders.filled_encoder(), "encode_images", fail)
    index(d=(250, 240, 0))
    assert (vectors_of(FIRST), vectors_of("second")) == (4, 1)
    assert "new pictures are left to reindex" in caplog.messages
    reindex(second_encoder)
    assert vectors_of("second") == 4


def test_a_picture_whose_file_went_because_it_was_replaced_is_no_fault(
    owner, index, pictures, second_encoder, monkeypatch
):
    index(a=RED, b=BLUE)
    is_first, open_stored = iter([True]), reindexing._open

    def replaced_first(image):
        if next(is_first, False):
            send(owner, pictures, "a", GREEN)
            return None
        return open_stored(image)

    monkeypatch.setattr(reindexing, "_open", replaced_first)
    reindex(second_encoder)
    assert states()["second"] == "serving"
    assert vectors_of("second") == 2


def test_a_product_that_came_between_filling_in_and_the_switch_is_found(
    owner, index, pictures, second_encoder, monkeypatch
):
    """The process that indexes has not yet read that another encoder is filled in."""
    index(a=RED)
    monkeypatch.setattr(encoders, "LIFETIME", 3600)
    monkeypatch.setattr(command.time, "sleep", lambda seconds: send(owner, pictures, "late", BLUE))
    reindex(second_encoder)
    made = Embedding.objects.filter(product__product_id="late").values_list("encoder__name", flat=True)
    assert set(made) == {FIRST, "second"}
    assert set(scores(owner)) == {"a", "late"}


def test_a_product_that_was_seen_before_the_switch_and_stored_after_it_is_found(
    owner, index, pictures, second_encoder, monkeypatch
):
    index(a=RED)
    store_thumbnail = indexing.store_thumbnail

    def switch_first(*args):
        reindex(second_encoder)
        return store_thumbnail(*args)

    monkeypatch.setattr(indexing, "store_thumbnail", switch_first)
    send(owner, pictures, "a", BLUE)
    assert list(Embedding.objects.filter(encoder__name="second").values_list("product__product_id", flat=True)) == ["a"]
    image = ProductImage.objects.get(product__product_id="a")
    assert [embedding.encoder.name for embedding in image.embeddings.all()] == ["second"]
    second = encoders.active_encoder()
    (expected,) = second.encode_images([indexing.open_picture(picture(BLUE)).image])
    assert expected @ np.array(image.embeddings.get().vector) == pytest.approx(1, abs=1e-3)


def test_two_runs_do_not_switch_at_once(owner, index, second_encoder):
    index(a=RED)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [locks.REINDEX])
            with pytest.raises(CommandError, match="Another run"):
                reindex(second_encoder)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [locks.REINDEX])
    finally:
        other.close()
    assert states() == {FIRST: "serving", "second": "standby"}


@pytest.fixture
def large(transactional_db, owner, index, settings):
    """A shop that is large enough for a vector index."""
    settings.EXACT_SEARCH_ROWS = 1
    index(a=RED, b=BLUE)
    yield owner
    with connection.cursor() as cursor:
        for name in hnsw_indexes():
            cursor.execute(f"DROP INDEX {name}")


def hnsw_indexes():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'embedding_hnsw_%'")
        return {name for (name,) in cursor.fetchall()}


def test_large_tenants_have_their_index_before_the_switch(large, second_encoder, monkeypatch):
    at_the_switch = []
    serve_with = encoders.serve_with

    def note_indexes(row):
        at_the_switch.extend(VectorIndex.objects.filter(encoder=row))
        serve_with(row)

    monkeypatch.setattr(encoders, "serve_with", note_indexes)
    reindex(second_encoder)
    assert [(index.tenant, index.rows) for index in at_the_switch] == [(large.tenant, 2)]
    assert hnsw_indexes() == {index.name for index in at_the_switch}


def test_an_encoder_that_stood_by_is_dropped_with_its_vectors_and_indexes(large, second_encoder, monkeypatch, capsys):
    reindex(second_encoder)
    reindex(FIRST)
    with pytest.raises(CommandError, match="second was in use until a moment ago"):
        call_command("drop_encoder", "second")
    Encoder.objects.update(state_since="2026-01-01T00:00Z")
    capsys.readouterr()
    call_command("drop_encoder", "second", dry_run=True)
    assert capsys.readouterr().out == "2 vectors and 1 vector indexes of second would be deleted.\n"
    assert vectors_of("second") == 2
    call_command("drop_encoder", "second", verbosity=0)
    assert (states(), vectors_of(FIRST)) == ({FIRST: "serving"}, 2)
    assert hnsw_indexes() == {index.name for index in VectorIndex.objects.filter(encoder__name=FIRST)}
    assert set(scores(large)) == {"a", "b"}


def test_what_is_in_use_or_unknown_is_not_dropped(interrupted):
    Encoder.objects.update(state_since="2026-01-01T00:00Z")
    for name, reason in [(FIRST, "serves"), ("second", "is being filled in"), ("third", "There is no encoder")]:
        with pytest.raises(CommandError, match=reason):
            call_command("drop_encoder", name)
    assert (vectors_of(FIRST), vectors_of("second")) == (3, 1)


def test_it_waits_for_a_product_that_is_being_stored_without_standing_in_its_way(
    transactional_db, owner, index, second_encoder
):
    index(a=RED)
    other = connection.copy()
    other.set_autocommit(False)
    run = threading.Thread(target=reindex_and_close, args=[second_encoder])
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM catalog_product FOR UPDATE")
            run.start()
            while run.is_alive() and not is_waiting_for_a_row():
                pass
            cursor.execute("SELECT count(*) FROM (SELECT 1 FROM catalog_productimage FOR UPDATE NOWAIT) AS locked")
            assert cursor.fetchone() == (1,)
            assert vectors_of("second") == 0
    finally:
        other.rollback()
        other.close()
        run.join()
    assert (vectors_of("second"), states()["second"]) == (1, "serving")


def reindex_and_close(encoder):
    reindex(encoder)
    connection.close()


def is_waiting_for_a_row():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
        return cursor.fetchone()[0] > 0
