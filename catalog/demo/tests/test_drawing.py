import re
from xml.etree import ElementTree

import numpy as np
import pytest

from catalog.demo.colors import shades
from catalog.demo.drawing import (
    CANVAS,
    FOLDER,
    KINDS,
    LAYERS,
    Pose,
    fill_in,
    load_template,
    paints,
    rasterize,
    to_pixels,
)

UPRIGHT = Pose(mirrored=False, turn=0.0, zoom=1.0)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(kind, *, pose=UPRIGHT, printed=False, material="cotton", size=200):
    return rasterize(
        load_template(kind),
        color="red",
        accent="white",
        material=material,
        printed=printed,
        pose=pose,
        size=size,
    )


def whole(drawing, plane, size=200):
    picture = np.zeros((size, size), np.float32)
    picture[drawing.box] = plane
    return picture


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_is_a_titled_drawing_of_known_layers(kind):
    root = ElementTree.parse(FOLDER / "templates" / f"{kind}.svg").getroot()
    layers = [group.get("id") for group in root.findall(f"{SVG}g")]
    assert root.get("viewBox") == f"0 0 {CANVAS} {CANVAS}"
    assert root.findtext(f"{SVG}title")
    assert layers[:2] == ["color", "relief"]
    assert set(layers) <= set(LAYERS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_reference_of_a_template_leads_somewhere(kind):
    template = (FOLDER / "templates" / f"{kind}.svg").read_text()
    shared = (FOLDER / "shared.svg").read_text()
    known = re.findall(r'\bid="([^"]+)"', template)
    assert len(known) == len(set(known))
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', template)
    assert {name or other for name, other in used} <= {*known, *re.findall(r'\bid="([^"]+)"', shared)}


def test_a_drawing_is_cut_to_what_it_shows():
    drawing = drawn("watch")
    rows, columns = drawing.box
    assert drawing.alpha.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert (columns.start, columns.stop) == (32, 160)
    assert drawing.alpha.max() == 1
    assert drawing.scale == 0.25


def test_a_mirrored_drawing_is_the_other_way_round():
    plain, mirrored = drawn("sneaker"), drawn("sneaker", pose=Pose(mirrored=True, turn=0.0, zoom=1.0))
    flipped = np.fliplr(whole(mirrored, mirrored.alpha))
    assert np.abs(whole(plain, plain.alpha) - flipped).mean() < 0.002


def test_a_mirrored_round_thing_still_bulges_outwards():
    for pose in (UPRIGHT, Pose(mirrored=True, turn=0.0, zoom=1.0)):
        ball = drawn("ball", pose=pose)
        right, down = (whole(ball, ball.tilt[..., axis]) for axis in (0, 1))
        assert right[102, 45] < -0.5 < 0.5 < right[102, 155]
        assert down[45, 100] < -0.5 < 0.5 < down[155, 100]


def test_a_standing_thing_keeps_its_feet_on_the_floor_when_it_shrinks():
    for zoom in (1.0, 0.8):
        chair = drawn("chair", pose=Pose(mirrored=False, turn=0.0, zoom=zoom))
        lowest = np.flatnonzero(whole(chair, chair.alpha).any(axis=1))[-1]
        assert lowest == pytest.approx(load_template("chair").floor / 4, abs=1.5)


def test_the_finishes_share_the_picture_among_them():
    chair = drawn("chair", material="velvet")
    assert set(chair.finish) == {"velvet", "wood"}
    assert sum(chair.finish.values()) == pytest.approx(np.ones_like(chair.alpha), abs=1e-5)
    seat, leg = (115, 100), (165, 54)
    assert whole(chair, chair.finish["velvet"])[seat] == pytest.approx(1, abs=0.01)
    assert whole(chair, chair.finish["wood"])[leg] == pytest.approx(1, abs=0.01)


def test_cloth_is_marked_by_the_way_its_print_runs():
    shirt = drawn("shirt", printed=True)
    body, left, right = (whole(shirt, shirt.cloth[..., part]) for part in range(3))
    assert (body[120, 80], left[100, 28], right[100, 172]) == (1, 1, 1)
    assert (body[100, 28], left[120, 80], right[120, 80]) == (0, 0, 0)


def test_a_drawing_without_a_print_has_no_bare_cloth():
    assert drawn("shirt").cloth.max() == 0


def test_variables_stand_for_shades_of_both_colours():
    paint = paints(color="red", accent="navy")
    assert fill_in('<g fill="var(--main-dark)" stroke="var(--accent)"/>', paint) == (
        f'<g fill="{shades("red")["dark"]}" stroke="{shades("navy")[""]}"/>'
    )
    assert paint["cloth"] == paint["main"]


def test_an_unknown_variable_is_an_error():
    with pytest.raises(KeyError, match="mian"):
        fill_in('<g fill="var(--mian)"/>', paints(color="red", accent="navy"))


def test_pixels_keep_the_shape_of_the_drawing():
    square = '<rect width="10" height="10" fill="#0f0"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">{square}</svg>'
    pixels = to_pixels(svg, width=40)
    assert pixels.shape == (20, 40, 4)
    assert pixels[10, 5].tolist() == [0, 255, 0, 255]
    assert pixels[10, 30].tolist() == [0, 0, 0, 0]
