"""How much there is of each category in a picture, whatever a tenant thinks of it.

Nudity is told by a detector, all else by words (`vision/heads.py`). The detector costs more than the encoder does, so
in bulk it sees every picture only where that decides something, and one in SAMPLED otherwise: enough to choose a
threshold. A picture that it has not seen has no score for nudity. Without the detector nudity is told by words, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from PIL.Image import Image

from catalog.vision.heads import MODERATION
from catalog.vision.nudity import nudity_detector

CATEGORIES = MODERATION.label_names
NUDITY = "nudity"
# With one in 16 the detector takes a tenth of the time that the bundled encoder does.
SAMPLED = 16


@dataclass(frozen=True)
class Scan:
    """A picture by the SHA-256 of its bytes, and a score 0..1 for each category that was looked for."""

    sha256: str
    scores: Mapping[str, float]


def detects_nudity() -> bool:
    """Return whether the detector is switched on."""
    return settings.NUDITY_DETECTOR


def is_sampled(sha256: str) -> bool:
    """Return whether a picture is among those of a sample, always the same ones."""
    return int(sha256[:8], 16) % SAMPLED == 0


def find_nudity(images: Sequence[Image | None]) -> list[float | None]:
    """Return what the detector tells of each of these RGB pictures, 0..1; of None, or when it is off, nothing."""
    shown = [image for image in images if image is not None]
    if not shown or not detects_nudity():
        return [None] * len(images)
    found = iter(nudity_detector(threads=settings.ENCODER_THREADS).look(shown))
    return [None if image is None else next(found) for image in images]


def merge_scores(by_words: Mapping[str, float], nudity: float | None) -> dict[str, float]:
    """Return a picture's scores, given those by words and what the detector tells; the latter goes before."""
    if not detects_nudity():
        return dict(by_words)
    others = {category: score for category, score in by_words.items() if category != NUDITY}
    return others if nudity is None else {NUDITY: nudity, **others}
