"""What no honest client sends: each gets its 4xx with a code, and the next search works as ever."""

import base64
import io
import json
import struct

import pillow_heif
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework import serializers

from catalog.filter_dialects import JsonField
from conftest import picture
from search.modes import MODES, UPLOAD

RED, BLUE = (220, 20, 20), (20, 40, 220)
LONG = "x" * 100_000
HUGE_TEXT = "x" * 10_000_000
HUGE = 10**400
# A refusal that repeats what it refuses would be as long.
LONGEST_REFUSAL = 10_000
PICTURES = {"image_url", "image_base64"}
BOX = {"x": 0, "y": 0, "width": 0.5, "height": 0.5}

NO_TEXT = [LONG, True, [], ["red"], {}, {"a": 1}, None]
NO_NUMBER = ["NaN", "Infinity", "-inf", "1e999", -1, HUGE, -HUGE, 1e308, True, False, [], [1], {}, {"a": 1}, "", LONG]
NO_BOOLEAN = ["maybe", 2, [], {}, LONG]
NO_CHOICE = ["no such", 1, True, [], {}, LONG]
NO_LIST = ["red", 1, True, {}, {"0": "red"}, [None], [[]], [{}], ["x"] * 1000]
NO_OBJECT = ["red", 1, True, [], [BOX], {"x": "NaN"}, {**BOX, "width": HUGE}, {**BOX, "width": True}]
NO_EXAMPLES = ["red", 1, {"text": "red"}, ["red"], [[]], [{}], [{"text": []}], [{"text": "red"}] * 11]
NO_JSON_FILTER = [1, True, "red", "{", [[]], {"a" * 10_000: 1}, {LONG: 1}, {"price": {"gte": HUGE}}]


@pytest.fixture
def shop(index, pictures):
    index(red=RED, blue=BLUE)
    pictures.serve("/query.jpg", picture(RED))


@pytest.fixture
def body(shop, pictures):
    """Return the body of a search of this mode that works."""
    query, url = {"query": "a red ball"}, {"image_url": pictures.url("/query.jpg")}
    bodies = {
        "text": query,
        "url": url,
        "hybrid": query | url,
        "fusion": query | url,
        "multi-image": {"image_urls": [url["image_url"], pictures.url("/blue.jpg")]},
        "crop": url | {"crop": BOX},
        "filtered": query,
        "color": {"color": "red"},
        "similar": {"product_id": "blue"},
        "nl": query,
    }
    return bodies.__getitem__


BESIDE_A_PICTURE = {"crop": {"crop": BOX}}


@pytest.fixture
def send(owner):
    """Send a body to a mode, as it is when it is bytes; return the answer, which no server error is."""

    def run(mode, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = owner.client.generic("POST", f"/v1/search/{mode}", data, content_type="application/json")
        assert response.status_code < 500, (mode, data[:200])
        return response

    return run


@pytest.fixture
def assert_alive(send, body):
    def check(mode="text"):
        response = send(mode, {**body(mode), "threshold": 0})
        assert response.status_code == 200, response.content
        assert response.json()["results"]

    return check


def assert_refused(response, field, value):
    """The answer is a 422 that names the field, or a 4xx with the code of a picture that is none."""
    sent = f"{field}={str(value)[:100]}"
    assert 400 <= response.status_code < 500, sent
    assert len(response.content) < LONGEST_REFUSAL, sent
    told = response.json()
    assert told["error"], sent
    if response.status_code == 422 and told["error"] == "validation_failed":
        assert {error["field"].split(".")[0] for error in told["errors"]} == {field}, sent


def misfits(field):
    """Return values that a field must refuse."""
    match field:
        case serializers.ListField(child=serializers.Serializer()):
            return NO_EXAMPLES
        case serializers.Serializer():
            return NO_OBJECT
        case JsonField():
            return NO_JSON_FILTER
        case serializers.ListField():
            return NO_LIST
        case serializers.ChoiceField():
            return NO_CHOICE
        case serializers.BooleanField():
            return NO_BOOLEAN
        case serializers.IntegerField() | serializers.FloatField() | serializers.DecimalField():
            return NO_NUMBER
        case serializers.CharField():
            return NO_TEXT
    raise AssertionError(f"{field!r} is of a kind that this test does not know")


@pytest.mark.parametrize("mode", MODES)
def test_every_field_refuses_what_is_of_another_kind(mode, send, body, assert_alive):
    for name, field in MODES[mode].input().fields.items():
        for value in misfits(field):
            # A picture is sent alone: beside another it would be the other that is named.
            others = BESIDE_A_PICTURE.get(mode, {}) if name in PICTURES else body(mode)
            assert_refused(send(mode, {**others, name: value}), name, value)
    assert_alive(mode)


@pytest.mark.parametrize(
    "name", ["query", "category", "group_by", "limit", "price_min", "explain", "colors", "facets", "filters", "filter"]
)
def test_ten_megabytes_of_text_are_refused_in_brief(name, send, body, assert_alive):
    for value in (HUGE_TEXT, [HUGE_TEXT], {HUGE_TEXT: HUGE_TEXT}):
        response = send("text", {**body("text"), name: value})
        assert response.status_code == 422
        assert_refused(response, name, value)
    assert_alive()


@pytest.mark.parametrize("mode", MODES)
def test_a_body_that_is_no_object_is_refused(mode, send):
    for data in (b"[]", b"1", b"null", b'"red"', b"true", b'[{"query": "red"}]'):
        response = send(mode, data)
        assert (data, response.status_code, response.json()["error"]) == (data, 422, "validation_failed")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"query": "red", "limit": NaN}',
        b'{"query": "red", "threshold": Infinity}',
        b'{"query": "red", "threshold": -Infinity}',
        b'{"query": "red", "threshold": 1e999}',
        b'{"query": "red\\u0000"}',
        b'{"query": "red\\ud800"}',
        b'{"query": "red\\udc00\\ud800"}',
        b'{"query": "red", "filters": {"\\ud800": 1}}',
        b'{"query": "red", "unknown": "\\u0000"}',
        b'{"query": "red", "limit": ' + b"9" * 10_000 + b"}",
        b'{"query": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"filters": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
    ids=lambda data: data[:40].decode(errors="replace"),
)
def test_what_is_no_json_or_cannot_be_stored_is_refused(data, send, assert_alive):
    response = send("text", data)
    assert response.status_code in (400, 422)
    assert response.json()["error"] in ("invalid_json", "validation_failed")
    assert_alive()


@pytest.mark.parametrize("field", ["unknown", "filters", "filter", "metadata_filters", "session_id", "positive"])
@pytest.mark.parametrize("leaf", [b"1", b'"\\u00e9 \\ud83d\\ude00"'])
def test_nesting_of_any_depth_is_no_error_of_ours(field, leaf, send):
    for depth in (20, 80, 200, 400, 600, 800, 900, 950, 980, 990, 1500):
        for opened, closed in ((b"[", b"]"), (b'{"must": [', b"]}"), (b'{"a": ', b"}")):
            nested = opened * depth + leaf + closed * depth
            response = send("text", b'{"query": "red", "%s": %s}' % (field.encode(), nested))
            assert response.status_code in (400, 422), depth


STRANGE_TEXTS = [
    "\u202eesuolb der\u202c",
    "\u05e9\u05de\u05dc\u05d4 \u05d0\u05d3\u05d5\u05de\u05d4",
    "\u0641\u0633\u062a\u0627\u0646 \u0623\u062d\u0645\u0631",
    "r\u0301\u0302\u0303" * 120,
    "\u0301\u0301\u0301",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "\ufeff\ufffe\uffff\U0010ffff",
    "'; DROP TABLE catalog_product; --",
    "%s %(a)s {0} ${jndi:ldap://a.example/b} <script>",
    "\\" * 500,
    "\x01\x02\x7f",
    "not " * 125,
    "$" * 500,
    "under $" + "9" * 490,
]


@pytest.mark.parametrize("mode", ["text", "nl", "hybrid", "filtered"])
def test_any_text_is_searched_for(mode, send, body):
    for query in STRANGE_TEXTS:
        response = send(mode, {**body(mode), "query": query})
        assert response.status_code == 200, query


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "true", "", "1e999", "\0", "[", "9" * 10_000])
@pytest.mark.parametrize("name", ["limit", "threshold", "diversity", "price_min"])
def test_a_form_spells_no_number_otherwise(name, value, owner, shop):
    response = owner.client.post("/v1/search", {"image": upload(picture(RED)), name: value}, format="multipart")
    assert_refused(response, name, value)
    assert response.status_code == 422


@pytest.mark.parametrize("value", ["\0", "a\0b", LONG])
@pytest.mark.parametrize("name", ["category", "session_id", "color"])
def test_a_form_refuses_texts_that_cannot_be_stored(name, value, owner, shop):
    response = owner.client.post("/v1/search", {"image": upload(picture(RED)), name: value}, format="multipart")
    assert 400 <= response.status_code < 500
    assert len(response.content) < LONGEST_REFUSAL


def noise():
    return Image.effect_noise((200, 200), 80).convert("RGB")


def encoded(image, kind, **options):
    out = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(image).save(out)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def bomb_of_gif():
    header = b"GIF89a" + struct.pack("<HHBBB", 60000, 60000, 0, 0, 0)
    return header + b"," + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0) + b"\x02\x02\x4c\x01\x00;"


FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIC"]
BAD_PICTURES = {
    "empty": (b"", 422, "image_decode_failed"),
    **{f"truncated {kind}": (encoded(noise(), kind)[:2000], 422, "image_decode_failed") for kind in FORMATS},
    "bomb of PNG": (encoded(Image.new("1", (9000, 9000)), "PNG"), 413, "image_too_large"),
    "bomb of GIF": (bomb_of_gif(), 413, "image_too_large"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 422, "unsupported_format"),
    "web page": (b"<!DOCTYPE html><html></html>", 422, "unsupported_format"),
    "PDF": (b"%PDF-1.7", 422, "unsupported_format"),
    "TIFF": (encoded(noise(), "TIFF"), 422, "unsupported_format"),
    "zeros": (bytes(1000), 422, "unsupported_format"),
}


def upload(data, name="query.jpg", content_type="image/jpeg"):
    return SimpleUploadedFile(name, data, content_type=content_type)


@pytest.mark.parametrize("bad", BAD_PICTURES)
def test_a_picture_that_is_none_is_refused_however_it_comes(bad, owner, send, body, pictures, assert_alive):
    data, status, code = BAD_PICTURES[bad]
    url = pictures.serve("/bad.jpg", data)
    inline = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    answers = [
        send("url", {"image_url": url}),
        send("crop", {"image_url": url, "crop": BOX}),
        send("hybrid", {"image_url": url, "query": "red"}),
        send("multi-image", {"image_urls": [pictures.url("/query.jpg"), url]}),
        send("text", {"query": "red", "negative": [{"image_url": url}]}),
        send("objects", {"image_url": url}),
        owner.client.post("/v1/catalog/search", {"image_url": url}),
    ]
    if data:
        answers += [
            send("fusion", {"image_base64": inline, "query": "red"}),
            owner.client.post("/v1/search", {"image": upload(data)}, format="multipart"),
            owner.client.post("/v1/search/objects", {"image": upload(data)}, format="multipart"),
        ]
    assert {(answer.status_code, code_of(answer.json())) for answer in answers} == {(status, code)}
    assert_alive("url")


def code_of(body):
    """Return the code of an error, which the Catalog API shows in a shape of its own."""
    return body["error"]["code"] if isinstance(body["error"], dict) else body["error"]


def test_an_empty_file_names_its_field(owner, shop):
    response = owner.client.post("/v1/search", {"image": upload(b"")}, format="multipart")
    assert_refused(response, "image", "an empty file")
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1:5432/a.jpg", 400, "invalid_image_url"),
        ("http://169.254.169.254/latest/meta-data", 400, "invalid_image_url"),
        ("http://[::1]/a.jpg", 400, "invalid_image_url"),
        ("http://[::ffff:10.0.0.1]/a.jpg", 400, "invalid_image_url"),
        ("http://2130706433/a.jpg", 400, "invalid_image_url"),
        ("http://0x7f.1/a.jpg", 400, "invalid_image_url"),
        ("http://10.0.0.1:22/a.jpg", 400, "invalid_image_url"),
        ("http://user:secret@93.184.216.34/a.jpg", 400, "invalid_image_url"),
        ("http://", 400, "invalid_image_url"),
        ("http://[", 400, "invalid_image_url"),
        ("https://\u202e.example:99999/", 400, "invalid_image_url"),
        ("file:///etc/passwd", None, None),
        ("ftp://10.0.0.1/a.jpg", None, None),
        ("gopher://127.0.0.1:6379/_INFO", None, None),
        ("javascript:alert(1)", None, None),
        ("data:image/png,%89PNG", 422, "invalid_image_data"),
        ("data:image/png;base64,", None, None),
        ("data:image/png;base64,????", 422, "invalid_image_data"),
        ("/etc/passwd", None, None),
        (HUGE_TEXT, 422, "unsupported_format"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_address_that_is_not_for_us_is_refused(url, status, code, send, shop, assert_alive):
    response = send("url", {"image_url": url})
    assert 400 <= response.status_code < 500
    assert len(response.content) < LONGEST_REFUSAL
    assert response.json()["error"] != "internal_error"
    if status:
        assert (response.status_code, response.json()["error"]) == (status, code)
    assert_alive()


@pytest.mark.parametrize(
    ("served", "status", "code"),
    [
        ({"body": picture(RED), "delay": 5}, 422, "image_fetch_failed"),
        ({"body": picture(RED), "drip": 0.5}, 422, "image_fetch_failed"),
        ({"body": bytes(100_000), "endless": True}, 413, "image_too_large"),
        ({"body": b"", "status": 302, "headers": {"Location": "http://10.0.0.1/a.jpg"}}, 400, "invalid_image_url"),
        ({"body": b"", "status": 302, "headers": {"Location": "/turned.jpg"}}, 422, "image_fetch_failed"),
        ({"body": b"", "status": 302, "headers": {"Location": "file:///etc/passwd"}}, 400, "invalid_image_url"),
        ({"body": b"", "status": 302}, 422, "image_fetch_failed"),
        ({"body": b"gone", "status": 500}, 422, "image_fetch_failed"),
        ({"body": b"<html>", "content_type": "text/html"}, 422, "image_fetch_failed"),
        ({"body": picture(RED), "headers": {"Content-Encoding": "gzip"}}, 422, "image_fetch_failed"),
    ],
    ids=["late", "dripping", "endless", "private", "loop", "file", "nowhere", "broken", "page", "no gzip"],
)
def test_a_server_that_is_no_picture_host_is_given_up(
    served, status, code, send, shop, pictures, monkeypatch, assert_alive
):
    monkeypatch.setattr("search.encoding.FETCH_DEADLINE", 0.6)
    pictures.serve("/turned.jpg", **served)
    response = send("url", {"image_url": pictures.url("/turned.jpg")})
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert_alive("url")


def test_a_wrong_content_type_of_a_real_picture_is_no_matter(send, shop, pictures):
    url = pictures.serve("/odd.jpg", picture(RED), content_type="text/plain; charset=\xff")
    assert send("url", {"image_url": url, "threshold": 0}).json()["results"][0]["product_id"] == "red"


@pytest.mark.parametrize("mode", MODES)
def test_the_largest_page_that_may_be_asked_is_answered(mode, send, body):
    response = send(mode, {**body(mode), "limit": 100, "offset": 1000, "threshold": 1, "diversity": 1})
    assert response.status_code == 200, response.content


def test_every_mode_and_its_upload_are_here(body):
    assert all(body(mode) for mode in MODES)
    assert "image" in UPLOAD.input().fields


@pytest.mark.parametrize("query", [None, 1, "red", [], ["text"], {}, {"type": []}, {"type": {}}, {"type": LONG}])
def test_a_query_of_a_batch_that_is_none_is_refused(query, owner, shop):
    response = owner.client.post("/v1/search/batch", {"queries": [query, {"type": "text", "query": "red"}]})
    assert len(response.content) < LONGEST_REFUSAL
    if response.status_code == 200:
        broken, whole = response.json()["results"]
        assert (broken["status"], whole["status"]) == (422, 200)
    else:
        assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
