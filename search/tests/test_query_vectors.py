"""What was searched before is neither decoded nor encoded again, and nobody notices but the counters."""

import io
import secrets

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from catalog.errors import PictureError
from conftest import picture
from search import query_vectors
from search.query_sight import sight_of
from search.query_vectors import look_at, read_counts, vector_of_text

RED = (220, 20, 20)


class FakeEncoder:
    """Gives another vector at every call, and counts them."""

    def __init__(self, name=None, *, dimensions=4):
        self.name = name or f"fake-{secrets.token_hex(8)}"
        self.dimensions = dimensions
        self.calls = 0

    def encode_images(self, images):
        self.calls += 1
        return np.full((len(images), self.dimensions), self.calls / 3, dtype=np.float32)

    encode_texts = encode_images


@pytest.fixture(autouse=True)
def _redis_is_asked():
    query_vectors._redis.resume()
    yield
    query_vectors._redis.resume()


@pytest.fixture
def counted():
    """Return a function that tells the hits and misses since the test began."""
    before = read_counts()

    def since():
        now = read_counts()
        return now.hits - before.hits, now.misses - before.misses

    return since


def test_the_same_words_are_encoded_once(counted):
    encoder = FakeEncoder()
    first, second = (vector_of_text("red ball", encoder) for _ in range(2))
    assert first.dtype == second.dtype == np.float32
    assert first.tolist() == second.tolist() == [np.float16(1 / 3)] * 4
    assert (encoder.calls, counted()) == (1, (1, 1))


@pytest.mark.parametrize("other", ["Red ball", "red  ball", "red ball!"])
def test_other_words_are_encoded_for_themselves(other):
    encoder = FakeEncoder()
    assert vector_of_text("red ball", encoder).tolist() != vector_of_text(other, encoder).tolist()


def test_another_encoder_has_vectors_of_its_own():
    first, second = FakeEncoder(), FakeEncoder()
    vector_of_text("red ball", first)
    vector_of_text("red ball", second)
    assert (first.calls, second.calls) == (1, 1)


def test_words_are_no_picture():
    encoder, data = FakeEncoder(), picture(RED, file_format="PNG")
    look_at(data, encoder)
    vector_of_text(data.decode("latin-1"), encoder)
    vector_of_text("", encoder)
    assert encoder.calls == 3


def test_a_place_keeps_the_latest_query_only(monkeypatch, counted):
    monkeypatch.setattr(query_vectors, "SLOTS", 1)
    encoder = FakeEncoder()
    for text in ("red", "blue", "blue", "red"):
        vector_of_text(text, encoder)
    assert (encoder.calls, counted()) == (3, (1, 3))


def test_a_vector_of_another_length_is_not_used():
    encoder = FakeEncoder()
    vector_of_text("red ball", encoder)
    longer = FakeEncoder(encoder.name, dimensions=5)
    assert len(vector_of_text("red ball", longer)) == 5
    assert longer.calls == 1


def test_what_is_seen_in_a_picture_is_remembered_beside_its_vector(monkeypatch):
    encoder, data = FakeEncoder(), picture(RED, file_format="PNG")
    first = look_at(data, encoder)
    monkeypatch.setattr(query_vectors, "open_picture", None)
    second = look_at(data, encoder)
    assert first.sight == second.sight == sight_of(Image.open(io.BytesIO(data)))
    assert first.vector.tolist() == second.vector.tolist()
    assert encoder.calls == 1


def test_what_an_earlier_version_has_remembered_is_seen_anew(monkeypatch):
    encoder, data = FakeEncoder(), picture(RED, file_format="PNG")
    look_at(data, encoder)
    monkeypatch.setattr(query_vectors, "VERSION", 0)
    look_at(data, encoder)
    assert encoder.calls == 2


def test_vectors_are_forgotten_after_a_day():
    encoder = FakeEncoder()
    client = query_vectors._client(query_vectors.settings.REDIS_URL)
    before = set(client.scan_iter(f"{query_vectors.KEY}:*"))
    vector_of_text(f"red ball of {encoder.name}", encoder)
    (key,) = set(client.scan_iter(f"{query_vectors.KEY}:*")) - before
    assert 86_000 < client.ttl(key) <= 86_400


def test_a_picture_that_was_seen_is_not_decoded_again(owner, index, monkeypatch, counted):
    index(red=RED, blue=(20, 40, 220))
    data = picture(RED, file_format="PNG")

    def search():
        upload = SimpleUploadedFile("query.png", data, "image/png")
        return owner.client.post("/v1/search", {"image": upload}, format="multipart").json()["results"]

    first = search()
    monkeypatch.setattr(query_vectors, "open_picture", None)
    assert search() == first
    assert [result["product_id"] for result in first] == ["red", "blue"]
    assert counted() == (1, 1)


def test_what_is_no_picture_is_refused_every_time_and_not_counted(counted):
    for _ in range(2):
        with pytest.raises(PictureError):
            look_at(b"hello", FakeEncoder())
    assert counted() == (0, 0)


def test_without_redis_searches_go_on_and_it_is_logged_once(owner, index, settings, caplog):
    index(red=RED)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for _ in range(2):
        response = owner.client.post("/v1/search/text", {"query": "red ball"})
        assert [result["product_id"] for result in response.json()["results"]] == ["red"]
    assert caplog.messages.count("vectors of queries are not remembered") == 1
