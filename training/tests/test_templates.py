import re
from xml.etree import ElementTree

import numpy as np
import pytest

from catalog.demo.drawing import CANVAS, FOLDER, KINDS, LAYERS, kinds_in
from catalog.demo.pictures import Picture, draw
from training.rendering import OWN_TEMPLATES

OWN_KINDS = kinds_in(OWN_TEMPLATES)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(kind, color):
    picture = Picture(kind, color, "blue", background="white", templates=OWN_TEMPLATES)
    return np.asarray(draw(picture, size=160)).astype(int)


def test_no_kind_is_drawn_twice():
    assert set(OWN_KINDS).isdisjoint(KINDS)
    assert len(OWN_KINDS) == 75


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_template_is_a_titled_drawing_of_known_layers(kind):
    root = ElementTree.parse(OWN_TEMPLATES / f"{kind}.svg").getroot()
    layers = [group.get("id") for group in root.findall(f"{SVG}g")]
    assert root.get("viewBox") == f"0 0 {CANVAS} {CANVAS}"
    assert root.findtext(f"{SVG}title")
    assert layers[:2] == ["color", "relief"]
    assert set(layers) <= set(LAYERS)


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_reference_of_a_template_leads_somewhere(kind):
    template = (OWN_TEMPLATES / f"{kind}.svg").read_text()
    known = re.findall(r'\bid="([^"]+)"', template)
    shared = re.findall(r'\bid="([^"]+)"', (FOLDER / "shared.svg").read_text())
    assert len(known) == len(set(known))
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', template)
    assert {name or other for name, other in used} <= {*known, *shared}


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_every_kind_shows_its_colour_before_its_backdrop(kind):
    red, green = drawn(kind, "red"), drawn(kind, "green")
    reddish = (red[..., 0] - red[..., 1] > 60) & (red[..., 0] - red[..., 2] > 60)
    recoloured = np.abs(red - green).max(axis=-1) > 30
    edge = np.concatenate([red[0], red[-1], red[:, 0], red[:, -1]])
    assert (reddish & recoloured).mean() > 0.015
    assert edge.min() > 215
