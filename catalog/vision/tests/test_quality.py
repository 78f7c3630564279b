import io
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from catalog.vision import features
from catalog.vision.foreground import find_foreground
from catalog.vision.quality import GRADES, HINTS, judge_quality
from catalog.vision.tests.pictures import DATA, needs_data, noise, photograph, saved
from catalog.vision.thumbnail import reduce_to_thumbnail

DEMO = Path(__file__).parents[2] / "static" / "demo"


def judged(image):
    return judge_quality(image, find_foreground(features.reduce(image)), reduced=reduce_to_thumbnail(image))


def blurred(image, radius):
    return image.filter(ImageFilter.GaussianBlur(radius * max(image.size) / 1000))


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


def compressed(image, quality):
    return image if quality is None else Image.open(io.BytesIO(saved(image, "JPEG", quality=quality))).convert("RGB")


def lettered(image, lines):
    """Write lines of half transparent text across the picture, as watermarks are."""
    layer = Image.new("RGBA", image.size)
    font = ImageFont.load_default(0.05 * min(image.size))
    for line, height in enumerate((0.06, 0.82, 0.26, 0.62)[:lines]):
        place = (0.07 * line * image.width, height * image.height)
        ImageDraw.Draw(layer).text(place, f"SALE www.shop.example {line}", font=font, fill=(60, 30, 30, 150))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def faded(image, share):
    return Image.blend(image, Image.new("RGB", image.size, "#f0f0f0"), share)


STEPS = [
    (blurred, "sharpness", "blurry", [0, 1, 2, 4, 8]),
    (lit, "exposure", "too_dark", [1, 0.7, 0.5, 0.4, 0.25]),
    (lit, "exposure", "too_bright", [1, 1.5, 2, 3, 5]),
    (shrunk, "resolution", "low_resolution", [1, 0.7, 0.5, 0.3, 0.15]),
    (cluttered, "background", "busy_background", [0, 2, 4, 7, 10]),
    (faded, "contrast", "low_contrast", [0, 0.4, 0.6, 0.8, 0.95]),
    (compressed, "sharpness", "compressed", [None, 30, 15, 8, 3]),
]
# Steps of real faults, and how much the score may rise on the way: text is sharp, and more light shows more.
FAULTS = {
    "blur": (blurred, [0, 1, 2, 4, 8], 0.01),
    "too little light": (lit, [1, 0.7, 0.5, 0.35, 0.2, 0.1], 0.005),
    "too much light": (lit, [1, 1.7, 2.5, 4, 8], 0.02),
    "tiny": (shrunk, [1, 0.6, 0.35, 0.2, 0.1], 0.005),
    "compression": (compressed, [None, 30, 15, 8, 3], 0.02),
    "fog": (faded, [0, 0.3, 0.5, 0.7, 0.85, 0.95], 0.005),
    "text over the picture": (lettered, [0, 1, 2, 3, 4], 0.01),
}
DEMO_PICTURES = ["demo-mug-red", "demo-handbag-black", "demo-sneaker-olive", "demo-teapot-teal"]


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


def test_a_picture_is_judged_by_its_own_size():
    assert judged(photograph()).resolution == 1.0
    assert judged(photograph().reduce(2)).resolution == pytest.approx(0.774, abs=0.001)


@pytest.mark.parametrize("fault", FAULTS)
def test_demo_pictures_score_less_with_every_step_of_a_fault(fault):
    assert rises([DEMO / f"{name}.webp" for name in DEMO_PICTURES], *FAULTS[fault]) == {}


@needs_data
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"too much light"}))
def test_real_pictures_score_less_with_every_step_of_a_fault(fault):
    assert rises(sorted((DATA / "eshop" / "images").glob("*.webp"))[::12], *FAULTS[fault]) == {}


def rises(paths, degraded, amounts, tolerance):
    """Return the scores of pictures that gain by a step of a fault, or lose nothing by all of them."""
    found = {}
    for path in paths:
        image = Image.open(path).convert("RGB")
        scores = [judged(degraded(image, amount)).score for amount in amounts]
        gains = [after - before for before, after in pairwise(scores)]
        if max(gains) > tolerance or scores[-1] > 0.98 * scores[0]:
            found[path.stem] = [round(score, 3) for score in scores]
    return found


def test_text_over_a_picture_is_told_and_text_on_the_product_is_not():
    marked = lettered(photograph(), 4)
    assert judged(marked).problems == ("lettering",)
    printed = photograph()
    ImageDraw.Draw(printed).text((330, 470), "A PRINT ON CLOTH", font=ImageFont.load_default(40), fill="white")
    assert judged(printed).problems == ()


def test_what_looks_like_text_in_a_carpet_is_the_carpet():
    carpet = noise((1000, 1000)).resize((1000, 1000))
    ImageDraw.Draw(carpet).ellipse((300, 300, 700, 700), fill="white")
    assert "lettering" not in judged(carpet).problems
