import numpy as np
import pytest

from catalog.demo.materials import MATERIALS, TEXTURES, TILE, texture


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_goes_on_over_the_edges_of_its_tile(name):
    tile = texture(name, 1.0)
    inside = max(np.abs(np.diff(tile, axis=axis)).mean() for axis in (0, 1))
    over_the_edge = max(np.abs(tile[0] - tile[-1]).mean(), np.abs(tile[:, 0] - tile[:, -1]).mean())
    assert tile.shape == (TILE, TILE)
    assert over_the_edge < 2 * inside


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_about_one_high_around_nothing(name):
    tile = texture(name, 1.0)
    assert abs(tile.mean()) < 0.25
    assert 0.2 < tile.std() < 1


def test_a_texture_follows_the_size_of_the_picture():
    assert texture("weave", 0.28).shape == (72, 72)


def test_every_texture_is_used_and_every_material_has_one_that_exists():
    assert {material.texture for material in MATERIALS.values()} - {""} == set(TEXTURES)
