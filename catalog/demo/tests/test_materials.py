import numpy as np
import pytest

from catalog.demo.materials import MATERIALS, TEXTURES, TILE, texture


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_goes_on_over_the_edges_of_its_tile(name):
    tile = texture(name, 1.0)
    assert tile.shape == (TILE, TILE)
    for lines in (tile, tile.T):
        steps = np.abs(np.diff(lines, axis=0)).mean(axis=1)
        assert np.abs(lines[0] - lines[-1]).mean() < 1.2 * steps.max()


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_about_one_high_around_nothing(name):
    tile = texture(name, 1.0)
    assert abs(tile.mean()) < 0.25
    assert 0.2 < tile.std() < 1


def test_a_texture_follows_the_size_of_the_picture():
    assert texture("weave", 0.28).shape == (72, 72)


def test_every_texture_is_used_and_every_material_has_one_that_exists():
    assert {material.texture for material in MATERIALS.values()} - {""} == set(TEXTURES)
