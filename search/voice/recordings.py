"""Recordings as they are sent, and the sound in those that are WAV, ready for a recogniser."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What recognisers are trained on.
RATE = 16_000
RATES = range(4_000, 192_001)
MAX_SECONDS = 30
MAX_CHANNELS = 8
# Share of the loudest value that a sample can have; quieter recordings are only room noise.
SILENCE = 0.003
PEAK = 0.5

PCM, EXTENSIBLE = 0x0001, 0xFFFE
# Of an extensible format the subformat lies here and begins with the code of a plain one.
SUBFORMAT = slice(24, 26)
BITS = (8, 16, 24, 32)

Sound = NDArray[np.float64]


class RecordingError(Exception):
    """A recording that cannot be used; `code` says why to programs, `message` to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Recording:
    """An audio file as it was sent."""

    data: bytes
    name: str = "recording.wav"
    content_type: str = "audio/wav"

    @property
    def is_wav(self) -> bool:
        return self.data[:4] == b"RIFF" and self.data[8:12] == b"WAVE"


@dataclass(frozen=True)
class _Format:
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8


def read_wav(data: bytes) -> Sound:
    """Return the samples of a WAV file, mono at RATE, -1 to 1. Raises RecordingError.

    The file holds uncompressed samples of 8, 16, 24 or 32 bits, any rate and number of channels; a recorder that was
    stopped early may promise more than it holds.
    """
    chunks = dict(reversed(list(_chunks(data))))
    if b"fmt " not in chunks or b"data" not in chunks:
        raise _unreadable("it has no samples, or does not say what they are")
    shape = _parse_format(chunks[b"fmt "])
    frames = len(chunks[b"data"]) // shape.frame
    if frames > MAX_SECONDS * shape.rate:
        raise RecordingError("audio_too_long", f"A recording has at most {MAX_SECONDS} seconds.")
    samples = _decode(chunks[b"data"][: frames * shape.frame], shape.bits)
    return resample(samples.reshape(-1, shape.channels).mean(axis=1), shape.rate)


def require_audible(sound: Sound) -> Sound:
    """Return a sound at a usual loudness. Raises RecordingError where nothing is heard."""
    if not sound.size or (loudest := float(np.abs(sound).max())) < SILENCE:
        raise nothing_heard()
    return sound * (PEAK / loudest)


def nothing_heard() -> RecordingError:
    return RecordingError("nothing_heard", "No words were heard in this recording. Speak up, or closer by.")


def resample(sound: Sound, rate: int) -> Sound:
    """Return a sound of another rate at RATE, by its spectrum, so that nothing folds down from above half of RATE."""
    count = len(sound) * RATE // rate
    if rate == RATE or not count:
        return sound[:count]
    spectrum = np.fft.rfft(sound)[: count // 2 + 1]
    resampled: Sound = np.fft.irfft(spectrum, count) * (count / len(sound))
    return resampled


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 12
    while start + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, start)
        yield name, data[start + 8 : start + 8 + size]
        # A chunk of odd length is followed by a byte that does not count.
        start += 8 + size + size % 2


def _parse_format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise _unreadable("its format chunk is cut short")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == EXTENSIBLE and len(chunk) >= SUBFORMAT.stop:
        code = int.from_bytes(chunk[SUBFORMAT], "little")
    if code != PCM or bits not in BITS:
        raise RecordingError("unsupported_audio", f"A WAV file holds PCM samples of {', '.join(map(str, BITS))} bits.")
    if not 0 < channels <= MAX_CHANNELS or rate not in RATES:
        raise _unreadable(f"it says {channels} channels at {rate} Hz")
    return _Format(channels, rate, bits)


def _decode(data: bytes, bits: int) -> Sound:
    if bits == 8:
        return (np.frombuffer(data, np.uint8) - 128.0) / 128
    if bits == 24:
        # As the upper three bytes of 32 bits.
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, bits = wide.tobytes(), 32
    return np.frombuffer(data, f"<i{bits // 8}") / float(2 ** (bits - 1))


def _unreadable(why: str) -> RecordingError:
    return RecordingError("invalid_audio", f"This WAV file cannot be read: {why}.")
