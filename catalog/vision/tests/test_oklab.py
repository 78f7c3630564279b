import numpy as np
import pytest

from catalog.vision.oklab import distances, lengths, to_oklab


@pytest.mark.parametrize(
    ("rgb", "oklab"),
    [
        ((255, 255, 255), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_it_gives_the_published_values(rgb, oklab):
    assert to_oklab(np.array(rgb, dtype=np.uint8)) == pytest.approx(oklab, abs=1e-4)


def test_it_keeps_the_shape_of_a_picture():
    assert to_oklab(np.zeros((4, 5, 3), dtype=np.uint8)).shape == (4, 5, 3)


def test_distances_are_euclidean():
    colors = np.array([[[0, 0, 0], [0.3, 0.4, 0]]], dtype=np.float32)
    others = np.array([[0, 0, 0], [0.3, 0, 0]], dtype=np.float32)
    assert distances(colors, others) == pytest.approx(np.array([[[0, 0.3], [0.5, 0.4]]]))


def test_lengths_are_euclidean():
    vectors = np.array([[[0, 0.3, -0.4], [0, 0, 0]]], dtype=np.float32)
    assert lengths(vectors) == pytest.approx(np.array([[0.5, 0]]))
