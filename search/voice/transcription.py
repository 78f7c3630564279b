"""From a recording to words: by the endpoint that an operator has set, or else on this machine.

The endpoint speaks OpenAI's protocol, https://platform.openai.com/docs/api-reference/audio/createTranscription, and
takes whatever format it likes; on this machine it is English in WAV.
"""

import atexit
import json
import logging
import subprocess
import sys
import threading
from typing import Protocol

import requests
from django.conf import settings

from search.voice.recordings import Recording, RecordingError, nothing_heard, read_wav, require_audible
from search.voice.spoken_numbers import in_digits

logger = logging.getLogger(__name__)

# Of the endpoint, in seconds, from piece to piece of its answer.
TIMEOUT_SECONDS = 20
# Of this machine for one recording; the first one of a process waits some seconds for the recogniser to start.
TIME_LIMIT_SECONDS = 30
MAX_ANSWER_BYTES = 100_000


class TranscriberError(Exception):
    """The transcriber could not be reached, took too long or answered something else than asked."""


class TranscriberBusyError(Exception):
    """This process has a recording at hand; one at a time is enough for its processor."""


class Transcriber(Protocol):
    """Something that writes down what is said."""

    def __call__(self, recording: Recording, *, language: str) -> str:
        """Return the words; raises RecordingError, TranscriberError and TranscriberBusyError."""
        ...


def transcribe(recording: Recording, *, language: str = "") -> str:
    """Return what is said in a recording; `language` is an ISO 639 code or empty.

    Raises RecordingError for one that cannot be used, TranscriberError and TranscriberBusyError.
    """
    transcriber: Transcriber = by_endpoint if settings.TRANSCRIBER_URL else by_this_machine
    words = " ".join(transcriber(recording, language=language).split())
    if not words:
        raise nothing_heard()
    return words


def by_endpoint(recording: Recording, *, language: str) -> str:
    """Return what the endpoint hears; it is sent the file as it is."""
    if recording.is_wav:
        require_audible(read_wav(recording.data))
    fields = {"model": settings.TRANSCRIBER_MODEL, "response_format": "json"}
    headers = {"Authorization": f"Bearer {settings.TRANSCRIBER_KEY}"} if settings.TRANSCRIBER_KEY else {}
    try:
        with requests.post(
            settings.TRANSCRIBER_URL.rstrip("/") + "/audio/transcriptions",
            data=fields | ({"language": language} if language else {}),
            files={"file": (recording.name, recording.data, recording.content_type)},
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            answer = response.raw.read(MAX_ANSWER_BYTES, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise TranscriberError(f"It could not be asked: {type(error).__name__}.") from error
    if response.status_code != 200:
        raise TranscriberError(f"It answered with status {response.status_code}.")
    return _text_of(answer)


def by_this_machine(recording: Recording, *, language: str) -> str:
    """Return what PocketSphinx hears."""
    if not recording.is_wav:
        raise RecordingError("unsupported_audio", "Send WAV (PCM): no other format is understood here.")
    if language.lower().split("-")[0] not in ("", "en"):
        raise RecordingError("unsupported_language", "Only English is understood here.")
    sound = require_audible(read_wav(recording.data))
    return in_digits(_recogniser.write_down((sound * 32_767).astype("<i2").tobytes()))


class Recogniser:
    """The process of `search/voice/dictation.py` that works for this one, started at its first recording."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def write_down(self, samples: bytes) -> str:
        """Return what is said in int16 samples at RATE; raises TranscriberBusyError and TranscriberError."""
        if not self._lock.acquire(blocking=False):
            raise TranscriberBusyError
        try:
            return self._ask(self._running(), samples)
        finally:
            self._lock.release()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            # Closes its pipes, too.
            self._process.communicate()
            self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "search.voice.dictation"],
                cwd=settings.BASE_DIR,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", samples: bytes) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        alarm = threading.Timer(TIME_LIMIT_SECONDS, process.kill)
        alarm.start()
        try:
            process.stdin.write(len(samples).to_bytes(4, "little") + samples)
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            alarm.cancel()
        if not line:
            self.stop()
            raise TranscriberError("It ended, or took too long.")
        return line.decode().strip()


_recogniser = Recogniser()
atexit.register(_recogniser.stop)


def _text_of(answer: bytes) -> str:
    try:
        text = json.loads(answer)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise TranscriberError("Its answer is not in the form of the protocol.") from error
    if not isinstance(text, str):
        raise TranscriberError("Its answer is no text.")
    return text
