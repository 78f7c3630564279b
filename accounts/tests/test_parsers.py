import pytest

from accounts.parsers import parse_json


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (rb'"\ud83d\udc57"', "\N{DRESS}"),
        ('"é"'.encode(), "é"),
    ],
)
def test_json_is_read(data, value):
    assert parse_json(data) == value


@pytest.mark.parametrize(
    "data",
    [b"{", b"NaN", b"-Infinity", b"1e999", rb'"\ud800"', rb'{"\udc00": 1}', rb'["\u0000"]', b'"\xff"', b"[" * 100_000],
)
def test_what_cannot_be_stored_is_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011 - one kind of error, in the words of json
        parse_json(data)
