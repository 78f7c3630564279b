import pytest
from PIL import Image, ImageDraw, ImageFilter

from catalog.vision.foreground import find_foreground
from catalog.vision.quality import GRADES, HINTS, judge_quality
from catalog.vision.tests.pictures import noise, photograph


def judged(image):
    return judge_quality(image, find_foreground(image), size=image.size)


def blurred(image, radius):
    return image.filter(ImageFilter.GaussianBlur(radius))


def lit(image, factor):
    return image.point(lambda value: min(255, value * factor))


def shrunk(image, factor):
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def cluttered(image, things):
    """Lay coloured boxes over the left and right edges, one more row with each step."""
    messy = image.copy()
    for place in range(things):
        for x in (0, 860):
            tile = noise((140, 100), seed=place + x)
            messy.paste(tile, (x, place * 100))
    return messy


def faded(image, share):
    return Image.blend(image, Image.new("RGB", image.size, "#f0f0f0"), share)


STEPS = [
    (blurred, "sharpness", "blurry", [0, 1, 2, 4, 8]),
    (lit, "exposure", "too_dark", [1, 0.7, 0.5, 0.4, 0.25]),
    (lit, "exposure", "too_bright", [1, 1.5, 2, 3, 5]),
    (shrunk, "resolution", "low_resolution", [1, 0.7, 0.5, 0.3, 0.15]),
    (cluttered, "background", "busy_background", [0, 2, 4, 7, 10]),
    (faded, "contrast", "low_contrast", [0, 0.4, 0.6, 0.8, 0.95]),
]


def test_a_good_picture_is_excellent_and_has_no_problem():
    quality = judged(photograph())
    assert quality.grade == "excellent"
    assert quality.score > 0.95
    assert (quality.problems, quality.hint) == ((), "")


@pytest.mark.parametrize(("degraded", "part", "problem", "amounts"), STEPS, ids=[step[2] for step in STEPS])
def test_each_fault_lowers_its_part_and_the_score_step_by_step(degraded, part, problem, amounts):
    qualities = [judged(degraded(photograph(), amount)) for amount in amounts]
    scores = [quality.score for quality in qualities]
    parts = [getattr(quality, part) for quality in qualities]
    assert scores == sorted(scores, reverse=True)
    assert parts == sorted(parts, reverse=True)
    assert scores[-1] < 0.7 * scores[0]
    assert problem in qualities[-1].problems
    assert problem not in qualities[0].problems


def test_the_hint_is_for_the_worst_part():
    quality = judged(shrunk(blurred(photograph(), 1.5), 0.18))
    assert quality.problems[0] == "low_resolution"
    assert quality.hint == HINTS["low_resolution"] == "Upload a larger picture: 800 x 800 pixels or more."


def test_parts_and_score_lie_between_0_and_1():
    for image in (photograph(), noise(), Image.new("RGB", (1, 1)), Image.new("RGB", (3000, 2), "white")):
        quality = judged(image)
        parts = [
            quality.resolution,
            quality.sharpness,
            quality.exposure,
            quality.contrast,
            quality.background,
        ]
        assert all(0 <= value <= 1 for value in [quality.score, *parts])


def test_a_thing_before_a_shelf_is_told_so():
    shelf = noise((1000, 1000))
    ImageDraw.Draw(shelf).ellipse((300, 300, 700, 700), fill="white")
    assert "busy_background" in judged(shelf).problems


def test_grades_follow_the_score():
    for factor in (1, 0.6, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1):
        quality = judged(shrunk(photograph(), factor))
        higher = [grade for grade, least in GRADES.items() if quality.score >= least]
        assert quality.grade == higher[0]


def test_a_picture_is_judged_by_its_own_size_when_it_comes_reduced():
    image = photograph()
    reduced = image.reduce(2)
    quality = judge_quality(reduced, find_foreground(reduced), size=(1000, 1000))
    assert quality.resolution == 1.0
    assert judged(reduced).resolution == pytest.approx(0.774, abs=0.001)
