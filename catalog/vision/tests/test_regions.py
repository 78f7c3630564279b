import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.vision.regions import MAX_WINDOWS, Box, frame, overlap, propose_regions
from catalog.vision.tests.pictures import noise
from catalog.vision.tests.words import WordEncoder, calibrations, direction
from catalog.vision.zero_shot import ZeroShot, encode_words

# What the encoder of these tests takes a colour for.
KINDS = {"shirt": (220, 20, 20), "jeans": (30, 60, 200), "shoe": (20, 140, 60)}
HEADS = ZeroShot(encode_words(WordEncoder()), calibrations())


class PaintEncoder(WordEncoder):
    """Knows things by their colour: one picture of several has a vector between theirs."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def encode_images(self, images):
        self.calls.append(len(images))
        return np.array([_vector(image) for image in images], dtype=np.float32).reshape(-1, self.dimensions)


def _vector(image):
    pixels = np.asarray(image.convert("RGB").resize((64, 64)), dtype=int)
    near = {kind: (np.abs(pixels - color).max(axis=2) < 60).sum() for kind, color in KINDS.items()}
    vector = sum(count * direction(kind) for kind, count in near.items()) + direction("rope")
    return vector / np.linalg.norm(vector)


def canvas(*things, size=(400, 400), ground="white"):
    """Return a picture with things in it, each a kind and the pixels (left, top, right, bottom) that it covers."""
    image = Image.new("RGB", size, ground)
    for kind, (left, top, right, bottom) in things:
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=KINDS[kind])
    return image


def propose(image, **options):
    return propose_regions(image, PaintEncoder(), HEADS, **options)


def assert_found(regions, **pixels):
    """Expect a region for each thing in a picture of 400 x 400, near the pixels (left, top, right, bottom) of it."""
    assert sorted(region.label for region in regions) == sorted(pixels)
    for region in regions:
        left, top, right, bottom = pixels[region.label]
        assert overlap(region.box, Box(left / 400, top / 400, (right - left) / 400, (bottom - top) / 400)) > 0.85


@pytest.mark.parametrize("ground", ["white", "#b8b8b8", "#8a5a34"])
def test_things_that_lie_apart_are_told_apart(ground):
    image = canvas(("shirt", (40, 60, 160, 200)), ("jeans", (240, 180, 360, 360)), ground=ground)
    assert_found(propose(image), shirt=(40, 60, 160, 200), jeans=(240, 180, 360, 360))


def test_what_is_worn_one_below_the_other_is_told_apart():
    image = canvas(("shirt", (120, 20, 280, 180)), ("jeans", (140, 180, 260, 340)), ("shoe", (130, 340, 270, 390)))
    assert_found(
        propose(image),
        shirt=(120, 20, 280, 180),
        jeans=(140, 180, 260, 340),
        shoe=(130, 340, 270, 390),
    )


def test_what_touches_sideways_is_told_apart():
    image = canvas(("shirt", (20, 120, 200, 280)), ("jeans", (200, 120, 380, 280)))
    assert_found(propose(image), shirt=(20, 120, 200, 280), jeans=(200, 120, 380, 280))


def test_one_thing_stays_whole_though_its_width_changes():
    image = canvas(("shirt", (60, 40, 340, 140)), ("shirt", (140, 140, 260, 360)))
    assert_found(propose(image), shirt=(60, 40, 340, 360))


def test_a_region_holds_the_vector_of_what_it_frames():
    image = canvas(("shirt", (40, 60, 160, 200)), ("jeans", (240, 180, 360, 360)))
    for region in propose(image):
        assert region.vector == pytest.approx(_vector(frame(image, region.box)))
        assert region.confidence > 0.9


def test_a_frame_shows_its_thing_in_the_middle_of_a_square_of_the_ground():
    image = canvas(("shirt", (40, 60, 140, 260)), ("jeans", (160, 60, 360, 260)), ground="#b8b8b8")
    framed = frame(image, Box(0.1, 0.15, 0.25, 0.5))
    side = framed.width
    assert framed.size == (224, 224)
    assert framed.getpixel((side // 2, side // 2)) == KINDS["shirt"]
    assert framed.getpixel((5, side // 2)) == framed.getpixel((side - 5, side // 2)) == (0xB8, 0xB8, 0xB8)


def test_the_encoder_is_asked_once_however_much_there_is():
    kinds = list(KINDS)
    image = canvas(
        *((kinds[(row + column) % 3], (20 + 95 * column, 20 + 95 * row, 90 + 95 * column, 90 + 95 * row))
          for row in range(4) for column in range(4))
    )  # fmt: skip
    encoder = PaintEncoder()
    assert len(propose_regions(image, encoder, HEADS)) == 6
    assert len(encoder.calls) == 1
    assert encoder.calls[0] <= MAX_WINDOWS


def test_the_surest_come_first_and_no_more_than_asked_for():
    image = canvas(("shirt", (40, 60, 160, 200)), ("jeans", (240, 60, 360, 200)), ("shoe", (240, 240, 360, 380)))
    for x in range(40, 160, 20):
        ImageDraw.Draw(image).rectangle((x, 60, x + 8, 199), fill=KINDS["shoe"])
    every = propose(image)
    assert [region.label for region in every] == ["jeans", "shoe", "shirt"]
    assert every[2].confidence < every[1].confidence
    assert propose(image, max_regions=2) == every[:2]


def test_a_collage_of_pictures_that_leaves_no_ground_is_looked_at_through_a_grid():
    image = noise(seed=1)
    for kind, left in (("shirt", 0), ("jeans", 200)):
        painted = Image.new("RGB", (200, 400), KINDS[kind])
        image.paste(Image.blend(painted, noise((200, 400)), 0.2), (left, 0))
    assert_found(propose(image), shirt=(0, 0, 200, 400), jeans=(200, 0, 400, 400))


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (400, 400), "teal"),
        canvas(("shirt", (2, 2, 398, 398))),
        canvas(("shirt", (180, 180, 200, 200))),
        *(Image.new("RGB", size, "teal") for size in ((1, 1), (2, 3), (5000, 2), (1, 900))),
    ],
    ids=["uniform", "filled", "speck", "pixel", "tiny", "lying strip", "standing strip"],
)
def test_where_nothing_can_be_told_apart_there_is_no_region(image):
    assert propose(image) == ()


@pytest.mark.parametrize(
    ("second", "shared"),
    [
        (Box(0, 0, 0.5, 0.5), 1),
        (Box(0.25, 0, 0.5, 0.5), 1 / 3),
        (Box(0, 0, 1, 1), 0.25),
        (Box(0.5, 0, 0.5, 0.5), 0),
        (Box(0.6, 0.6, 0.1, 0.1), 0),
    ],
)
def test_boxes_overlap_by_their_intersection_over_their_union(second, shared):
    assert overlap(Box(0, 0, 0.5, 0.5), second) == pytest.approx(shared)
