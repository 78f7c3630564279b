import numpy as np

from catalog.vision.clusters import gather, nearest_centre, settle

COLORS = np.array([[0, 0, 0], [0.1, 0, 0], [0.9, 0, 0], [1, 0, 0]], dtype=np.float32)


def test_a_cluster_is_where_its_pixels_are():
    means, pixels = gather(COLORS, np.array([1, 3, 5, 5]), np.array([2, 2, 7, 7]))
    assert means.round(6).tolist() == [[0.075, 0, 0], [0.95, 0, 0]]
    assert pixels.tolist() == [4, 10]


def test_centres_settle_among_their_colours_and_stay():
    counts = np.ones(4, dtype=np.int64)
    start = np.array([[0, 0, 0], [0.2, 0, 0]], dtype=np.float32)
    settled = settle(start, COLORS, counts, steps=10)
    assert settled.round(6).tolist() == [[0.05, 0, 0], [0.95, 0, 0]]
    assert settle(settled, COLORS, counts, steps=1).tolist() == settled.tolist()


def test_a_centre_without_colours_is_dropped():
    start = np.array([[0, 0, 0], [1, 0, 0], [5, 5, 5]], dtype=np.float32)
    assert len(settle(start, COLORS, np.ones(4, dtype=np.int64), steps=1)) == 2


def test_of_centres_as_near_the_first_counts():
    assert nearest_centre(COLORS[:1], np.array([[1, 0, 0], [0, 1, 0], [0.5, 0, 0], [0, 0.5, 0]])).tolist() == [2]
