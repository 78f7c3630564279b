"""Voice search: recordings of a synthesised voice, and of none."""

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analytics.models import SearchEvent
from analytics.search_events import flush_search_events
from search.voice import transcription
from search.voice.recordings import RATE, RecordingError, read_wav

# Made for this test with espeak-ng: `espeak-ng -v en-gb -s 150 "red summer dress under fifty dollars"`, at 16 kHz.
SPOKEN = (Path(__file__).parent / "red-summer-dress.wav").read_bytes()
WORDS = "red summer dress under 50 dollars"


def wav(samples, *, rate=RATE, bits=16):
    """Return the WAV file of samples of (n,) or (n, channels), -1 to 1."""
    whole = np.round(np.asarray(samples) * (2 ** (bits - 1) - 1)).astype("<i8")
    whole = whole + 128 if bits == 8 else whole
    data = whole.reshape(-1, 1).view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1 if whole.ndim == 1 else whole.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(data)
    return out.getvalue()


def tone(seconds, *, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)


@pytest.fixture
def speak(owner):
    def run(data, *, content_type="audio/wav", name="said.wav", **fields):
        audio = SimpleUploadedFile(name, data, content_type=content_type)
        return owner.client.post("/v1/search/voice", {"audio": audio, "threshold": 0, **fields}, format="multipart")

    return run


def test_what_is_said_is_written_down_and_searched_for(speak, index):
    index(metadata={"price": 40}, cheap=(220, 20, 20))
    index(metadata={"price": 60}, dear=(220, 20, 20))
    response = speak(SPOKEN)
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["transcript"] == WORDS
    assert [result["product_id"] for result in body["results"]] == ["cheap"]
    assert (body["interpreted"]["colors"], body["interpreted"]["price_max"]) == (["red"], 50)
    flush_search_events()
    event = SearchEvent.objects.get()
    assert (event.mode, event.text, event.params["query"]) == ("voice", WORDS, WORDS)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_wav_of_any_depth_and_rate_sounds_the_same(bits, rate):
    stereo = np.stack([tone(1, rate=rate), tone(1, rate=rate)], axis=1)
    sound = read_wav(wav(stereo, rate=rate, bits=bits))
    assert sound.shape == (RATE,)
    np.testing.assert_allclose(sound[1_000:-1_000], tone(1)[1_000:-1_000], atol=0.012)


def test_an_extensible_format_is_read_too():
    plain = wav(tone(0.1), bits=24)
    subformat = b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x008\x9bq"
    chunk = b"\xfe\xff" + plain[22:36] + (22).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(4) + subformat
    extensible = plain[:16] + len(chunk).to_bytes(4, "little") + chunk + plain[36:]
    np.testing.assert_array_equal(read_wav(extensible), read_wav(plain))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"RIFF\x00\x00\x00\x00WAVE", "invalid_audio"),
        (wav(tone(1))[:30], "invalid_audio"),
        (wav(tone(1)).replace(b"data", b"nope"), "invalid_audio"),
        (wav(tone(1)).replace(b"\x10\x00\x00\x00\x01\x00\x01", b"\x10\x00\x00\x00\x01\x00\x00"), "invalid_audio"),
        (wav(tone(1)).replace(b"\x10\x00\x00\x00\x01\x00", b"\x10\x00\x00\x00\x03\x00"), "unsupported_audio"),
        (wav(tone(31)), "audio_too_long"),
    ],
)
def test_a_wav_file_that_cannot_be_used_is_refused(data, code):
    with pytest.raises(RecordingError) as error:
        read_wav(data)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("data", "fields", "status", "code"),
    [
        (wav(np.zeros(RATE)), {}, 422, "nothing_heard"),
        (wav(np.zeros(0)), {}, 422, "nothing_heard"),
        (wav(tone(31)), {}, 413, "audio_too_long"),
        (b"\x1aE\xdf\xa3webm", {}, 415, "unsupported_audio"),
        (b"\0" * 10_000_001, {}, 413, "audio_too_large"),
        (SPOKEN, {"language": "de"}, 422, "unsupported_language"),
        (SPOKEN, {"language": "de; x"}, 422, "validation_failed"),
        (SPOKEN, {"limit": "0"}, 422, "validation_failed"),
        (b"", {}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_heard_is_refused_with_a_reason(speak, data, fields, status, code):
    response = speak(data, **fields)
    assert (response.status_code, response.json()["error"]) == (status, code)


def test_a_recording_is_asked_for(owner, reader):
    response = owner.client.post("/v1/search/voice", {"language": "en"}, format="multipart")
    assert [error["field"] for error in response.json()["errors"]] == ["audio"]
    assert owner.client.post("/v1/search/voice", {"audio": "x"}).status_code == 415
    assert reader.client.post("/v1/search/voice", {}, format="multipart").status_code == 403


def test_one_recording_at_a_time(speak, monkeypatch):
    recogniser = transcription.Recogniser()
    monkeypatch.setattr(transcription, "_recogniser", recogniser)
    with recogniser._lock:
        response = speak(SPOKEN)
    assert (response.status_code, response.json()["error"]) == (503, "transcriber_busy")
    assert response.headers["Retry-After"] == "3"


def test_a_recogniser_that_takes_too_long_is_ended_and_the_next_one_starts_anew(speak, monkeypatch):
    recogniser = transcription.Recogniser()
    monkeypatch.setattr(transcription, "_recogniser", recogniser)
    monkeypatch.setattr(transcription, "TIME_LIMIT_SECONDS", 0.05)
    response = speak(SPOKEN)
    assert (response.status_code, response.json()["error"]) == (503, "transcriber_unavailable")
    assert recogniser._process is None
    recogniser._process = subprocess.Popen(
        [sys.executable, "-c", "print('blue ball')"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    monkeypatch.setattr(transcription, "TIME_LIMIT_SECONDS", 30)
    assert recogniser.write_down(b"") == "blue ball"
    recogniser.stop()


@pytest.fixture
def transcriber(endpoint, settings):
    settings.LANGUAGE_MODEL_URL = ""
    settings.TRANSCRIBER_URL, settings.TRANSCRIBER_KEY, settings.TRANSCRIBER_MODEL = endpoint.url, "key", "listener"
    return endpoint


def test_an_endpoint_hears_any_format_in_its_languages(speak, transcriber):
    transcriber.body = b'{"text": " Kleid unter\\n50 Euro "}'
    response = speak(b"\x1aE\xdf\xa3webm", content_type="audio/webm", name='a"b c.webm', language="de")
    assert response.json()["transcript"] == "Kleid unter 50 Euro"
    assert response.json()["interpreted"]["price_max"] == 50
    [(path, key, body)] = transcriber.asked
    assert (path, key) == ("/v1/audio/transcriptions", "Bearer key")
    for part in (b'name="model"\r\n\r\nlistener\r\n', b'name="language"\r\n\r\nde\r\n', b"\x1aE\xdf\xa3webm"):
        assert part in body
    assert b'filename="a_b_c.webm"\r\nContent-Type: audio/webm\r\n' in body


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (500, b"", "transcriber_unavailable"),
        (307, b"", "transcriber_unavailable"),
        (200, b"<html>", "transcriber_unavailable"),
        (200, b"[]", "transcriber_unavailable"),
        (200, b'{"text": 5}', "transcriber_unavailable"),
        (200, b'{"text": " "}', "nothing_heard"),
    ],
)
def test_an_endpoint_that_fails_is_told(speak, transcriber, status, answer, code):
    transcriber.status, transcriber.body = status, answer
    assert speak(SPOKEN).json()["error"] == code


def test_an_endpoint_that_is_down_is_told(speak, settings):
    settings.TRANSCRIBER_URL = "http://127.0.0.1:9"
    assert speak(SPOKEN).status_code == 503
