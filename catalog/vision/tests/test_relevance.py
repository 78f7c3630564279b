import numpy as np
import pytest

from catalog.vision.logistic import Logistic
from catalog.vision.relevance import (
    ENOUGH,
    HISTOGRAM_EDGES,
    Calibration,
    Catalogue,
    Histogram,
    Picture,
    calibrate_image,
    calibrate_text,
    match_word,
)

KINDS = 4
NO_HISTOGRAM = Histogram((), ())


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def shop(*, products=40, views=1, kindness=1.0, categories=True, seed=0):
    """A shop of four kinds: pictures of one kind share a direction as far as `kindness` says; names lie nearby."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(products) % KINDS, views)
    own = np.repeat(rng.normal(0, 0.06, (products, 32)), views, axis=0)
    pictures = unit(kindness * np.eye(32)[kind] + own + rng.normal(0, 0.02, own.shape))
    names = unit(kindness * np.eye(32)[np.arange(products) % KINDS] + 0.5 * own[::views] + np.eye(32)[31])
    shown = [
        Picture(product, f"category {product % KINDS}" if categories else "all", f"type {product % KINDS}")
        for product in range(products)
        for _ in range(views)
    ]
    return Catalogue(tuple(shown), pictures, tuple(range(products)), names)


def words_of_medians(catalogue, calibrate):
    """Say how well the median product of a query's kind and the median one of another kind fit."""
    curve = calibrate(catalogue).curve
    queries = catalogue.text_vectors if calibrate is calibrate_text else catalogue.picture_vectors
    cosines = queries @ catalogue.picture_vectors.T
    kinds = np.arange(len(cosines)) % KINDS
    is_of_kind = kinds[:, None] == kinds
    return tuple(match_word(curve(float(np.median(cosines[which])))) for which in (is_of_kind, ~is_of_kind))


@pytest.mark.parametrize(
    ("relevance", "word"),
    [(1, "strong"), (0.75, "strong"), (0.749, "fair"), (0.4, "fair"), (0.399, "weak"), (0, "weak")],
)
def test_a_relevance_has_a_word(relevance, word):
    assert match_word(relevance) == word


def test_the_threshold_is_where_nine_of_ten_hits_are_junk():
    calibration = Calibration(Logistic(slope=20, offset=-10), 50, 1000, NO_HISTOGRAM)
    assert calibration.curve(calibration.threshold) == pytest.approx(0.1)


def test_a_curve_that_says_nothing_cuts_nothing():
    assert Calibration(Logistic(0, 0), 50, 1000, NO_HISTOGRAM).threshold == 0


@pytest.mark.parametrize("calibrate", [calibrate_text, calibrate_image])
def test_hits_are_relevant_and_misses_are_not(calibrate):
    assert words_of_medians(shop(), calibrate) == ("strong", "weak")


def test_where_kinds_look_alike_no_cosine_is_trusted_much():
    assert words_of_medians(shop(kindness=0.0), calibrate_image) == ("weak", "weak")


def test_each_mode_has_a_scale_of_its_own():
    catalogue = shop()
    # Texts share a direction that no picture has: their cosines are lower throughout.
    assert calibrate_text(catalogue).threshold < calibrate_image(catalogue).threshold


def test_views_of_a_product_are_hits():
    catalogue = shop(views=2)
    calibration = calibrate_image(catalogue)
    alone = calibrate_image(shop(views=1))
    assert (calibration.queries, alone.queries) == (80, 40)
    # Of 80 pictures each has another view, a nearest of its kind, and 60 of other kinds.
    assert calibration.scores == 80 * (1 + 1 + 60)


def test_a_category_means_all_its_products_and_weighs_as_one_query():
    catalogue = shop()
    categories = Catalogue(
        catalogue.pictures,
        catalogue.picture_vectors,
        (*catalogue.meant, "category 0", "category 1"),
        np.concatenate([catalogue.text_vectors, unit(np.eye(32)[:2])]),
    )
    calibration = calibrate_text(categories)
    assert calibration.queries == 42
    assert calibration.scores == 40 * (1 + 30) + 2 * (10 + 30)


def test_a_category_that_means_everything_tells_nothing():
    catalogue = shop(categories=False)
    everything = Catalogue(
        catalogue.pictures,
        catalogue.picture_vectors,
        (*catalogue.meant, "all"),
        np.concatenate([catalogue.text_vectors, unit(np.ones((1, 32)))]),
    )
    assert calibrate_text(everything) == calibrate_text(catalogue)


def test_products_of_a_kind_are_no_misses_whatever_their_category():
    with_categories, without = shop(categories=True), shop(categories=False)
    # A category that everything is in is as good as none.
    assert calibrate_text(with_categories) == calibrate_text(without)


def test_the_histogram_holds_shares_of_hits_and_misses():
    histogram = calibrate_image(shop()).histogram
    assert (sum(histogram.hits), sum(histogram.misses)) == (pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.01))
    assert len(histogram.hits) == len(histogram.misses) == len(HISTOGRAM_EDGES) - 1
    middles = (HISTOGRAM_EDGES[1:] + HISTOGRAM_EDGES[:-1]) / 2
    assert middles @ histogram.hits > middles @ histogram.misses


def test_too_few_queries_tell_nothing():
    few = shop(products=ENOUGH - 1)
    assert (calibrate_text(few), calibrate_image(few)) == (None, None)


def test_a_shop_of_one_kind_tells_nothing():
    catalogue = shop()
    same = tuple(Picture(picture.product, "Rings", "ring") for picture in catalogue.pictures)
    one_kind = Catalogue(same, catalogue.picture_vectors, catalogue.meant, catalogue.text_vectors)
    assert (calibrate_text(one_kind), calibrate_image(one_kind)) == (None, None)


def test_a_shop_without_names_tells_nothing_of_texts():
    catalogue = shop()
    nameless = Catalogue(catalogue.pictures, catalogue.picture_vectors, (), np.empty((0, 32), dtype=np.float32))
    assert calibrate_text(nameless) is None


def test_no_products_tell_nothing():
    empty = np.empty((0, 32), dtype=np.float32)
    nothing = Catalogue((), empty, (), empty)
    assert (calibrate_text(nothing), calibrate_image(nothing)) == (None, None)
