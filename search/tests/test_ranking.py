import math
from dataclasses import replace

import pytest

from catalog.candidates import Candidate, Signal
from catalog.vision.logistic import IGNORANT, Logistic
from catalog.vision.palette import palette_of
from catalog.vision.shape import Shape
from search.ranking import Scale, Sought, Weights, consensus, rank

ITSELF = Scale(0, 1)
NOTHING = {
    "visual_similarity": 0,
    "product_type": 0,
    "popularity": 0,
    "category_match": 0,
    "shape": 0,
    "color": 0,
}
LEFT, FULL = [1.0, 0.0] * 32, [1.0] * 64


def only(**weights):
    return Weights(**{**NOTHING, **weights})


def candidates(**each):
    """Return candidates by product_id, each given by its cosine or by several fields."""
    fields = [each if isinstance(each, dict) else {"similarity": each} for each in each.values()]
    return [
        Candidate(**{"pk": pk, "product_id": name, "similarity": 0.5, **of_one})
        for pk, (name, of_one) in enumerate(zip(each, fields, strict=True))
    ]


def scores(found, sought=None, weights=None, scale=ITSELF):
    """Return the scores by product_id, the best first, as a list of pairs."""
    ranked = rank(found, sought or Sought(), weights or Weights(), scale)
    return [(candidate.product_id, round(candidate.score, 4)) for candidate in ranked]


def signal(name, found, sought=None):
    return scores(found, sought, only(**{name: 100}))


def outline(silhouette):
    return Shape(aspect_ratio=1.0, fill=0.5, silhouette=tuple(silhouette))


def stored_palette(*names):
    return [{"hex": swatch.hex, "share": swatch.share, "name": swatch.name} for swatch in palette_of(names)]


def test_the_default_weights_are_those_of_the_settings_page():
    assert Weights() == Weights(visual_similarity=57, product_type=23, popularity=5, category_match=5, shape=5, color=5)


@pytest.mark.parametrize(
    ("weights", "total"),
    [
        ({"shape": 6}, "101"),
        ({"visual_similarity": 56.5}, "99.5"),
        ({"popularity": -5, "visual_similarity": 67}, "100"),
        ({"color": math.nan}, "nan"),
    ],
)
def test_weights_are_positive_and_total_100(weights, total):
    with pytest.raises(ValueError, match=f"at least 0 and total 100, not {total}"):
        Weights(**weights)


def test_weights_may_have_fractions():
    assert Weights(visual_similarity=56.9, product_type=23.1).visual_similarity == 56.9


def test_what_looks_most_alike_comes_first():
    assert scores(candidates(a=0.2, b=0.9, c=0.6)) == [("b", 0.9), ("c", 0.6), ("a", 0.2)]


def test_once_something_was_clicked_popularity_counts():
    found = candidates(a=0.2, b={"similarity": 0.2, "popularity": 1})
    assert scores(found) == [("b", round((0.2 * 57 + 5) / 62, 4)), ("a", round(0.2 * 57 / 62, 4))]


def test_equal_ones_are_in_the_order_of_their_ids():
    assert [name for name, _ in scores(candidates(b=0.5, c=0.5, a=0.5))] == ["a", "b", "c"]


def test_no_candidates_are_no_results():
    assert rank([], Sought(product_types={"mug": 1.0}), Weights(), ITSELF) == []


def test_all_six_signals_make_the_score():
    (found,) = candidates(
        a={
            "similarity": 0.8,
            "product_type": "mug",
            "popularity": 0.25,
            "category": "Kitchen",
            "palette": stored_palette("black"),
            "shape": {"aspect_ratio": 1.0, "fill": 1.0, "silhouette": FULL},
        }
    )
    sought = Sought({"mug": 0.3, "plate": 0.6}, {"kitchen": 1.0}, palette_of(["black"]), outline(LEFT))
    (ranked,) = rank([found], sought, Weights(), ITSELF, explain=True)
    assert ranked.signals == {
        "visual_similarity": Signal(pytest.approx(0.8), pytest.approx(0.8 * 0.57)),
        "product_type": Signal(pytest.approx(0.5), pytest.approx(0.5 * 0.23)),
        "popularity": Signal(pytest.approx(0.25), pytest.approx(0.25 * 0.05)),
        "category_match": Signal(pytest.approx(1.0), pytest.approx(0.05)),
        "shape": Signal(pytest.approx(0.5), pytest.approx(0.5 * 0.05)),
        "color": Signal(pytest.approx(1.0), pytest.approx(0.05)),
    }
    assert ranked.score == pytest.approx(sum(signal.share for signal in ranked.signals.values()))
    assert replace(ranked, score=0.0, signals={}) == found


def test_signals_are_told_only_when_they_are_asked_for():
    (ranked,) = rank(candidates(a=0.5), Sought(), Weights(), ITSELF)
    assert ranked.signals == {}


def test_what_cannot_be_told_leaves_its_weight_to_the_others():
    found = candidates(a={"similarity": 1.0, "popularity": 1.0})
    (ranked,) = rank(
        found, Sought(), Weights(visual_similarity=30, popularity=10, product_type=45), ITSELF, explain=True
    )
    assert ranked.score == pytest.approx(1)
    assert {name: told.share for name, told in ranked.signals.items()} == pytest.approx(
        {"visual_similarity": 0.75, "popularity": 0.25}
    )


def test_where_nothing_that_counts_can_be_told_the_looks_decide():
    assert scores(candidates(a=0.3, b=0.4), weights=only(shape=100)) == [("b", 0.4), ("a", 0.3)]


@pytest.mark.parametrize("types", [{"mug": 0.6, "plate": 0.3}, {"mug": 1.0, "plate": 0.5}])
def test_the_likeliest_type_has_one_and_others_their_proportion(types):
    found = candidates(a={"product_type": "plate"}, b={"product_type": "mug"}, c={"product_type": "bra"}, d={})
    assert signal("product_type", found, Sought(product_types=types)) == [("b", 1), ("a", 0.5), ("c", 0), ("d", 0)]


def test_popularity_is_the_products_own():
    assert signal("popularity", candidates(a={"popularity": 0.2}, b={"popularity": 0.7})) == [("b", 0.7), ("a", 0.2)]


def test_a_category_is_matched_in_any_case():
    found = candidates(a={"category": "SHOES"}, b={"category": "Bags"}, c={})
    sought = Sought(categories={"Shoes": 1.0, "bags": 0.25})
    assert signal("category_match", found, sought) == [("a", 1), ("b", 0.25), ("c", 0)]


def test_without_a_sought_category_the_nearest_tell_it():
    found = candidates(
        a={"similarity": 0.9, "category": "Shoes"},
        b={"similarity": 0.8, "category": "shoes"},
        c={"similarity": 0.1, "category": "Bags"},
        d={"similarity": 0.1},
    )
    assert consensus(found) == pytest.approx({"shoes": 1.0, "bags": 0.0})
    assert signal("category_match", found) == [("a", 1), ("b", 1), ("c", 0), ("d", 0)]


def test_a_mixed_neighbourhood_makes_little_of_the_category():
    names = [f"c{number}" for number in range(10)]
    found = candidates(**{name: {"similarity": 0.5, "category": name} for name in [*names, "extra"]})
    found.append(replace(found[0], product_id="second"))
    told = consensus(found)
    assert told["c0"] == 1
    assert {round(told[name], 3) for name in names[1:]} == {round(1 - 2 / 12 * (1 - 1 / 2), 3)}


def test_nearer_ones_have_more_of_a_vote():
    found = candidates(
        a={"similarity": 0.9, "category": "near"},
        b={"similarity": 0.6, "category": "far"},
        c={"similarity": 0.5, "category": "far"},
    )
    # Votes of 1 and of a quarter, the farthest has none; the winner has four fifths of them.
    assert consensus(found) == pytest.approx({"near": 1, "far": 1 - 0.8 * 0.75})


def test_only_the_twenty_nearest_vote():
    near = {f"near{number}": {"similarity": 0.8, "category": "near"} for number in range(20)}
    far = {f"far{number}": {"similarity": 0.7, "category": "far"} for number in range(50)}
    assert consensus(candidates(**far, **near)) == {"near": 1.0, "far": 0.0}


def test_products_without_categories_tell_none():
    assert consensus(candidates(a=0.5, b=0.6)) == consensus([]) == {}


def test_outlines_count_by_what_they_share():
    found = candidates(
        a={"shape": {"aspect_ratio": 1.0, "fill": 0.5, "silhouette": LEFT}},
        b={"shape": {"aspect_ratio": 1.0, "fill": 1.0, "silhouette": FULL}},
        c={"shape": {"aspect_ratio": 1.0, "fill": 0.0, "silhouette": []}},
        d={},
    )
    assert signal("shape", found, Sought(shape=outline(FULL))) == [("b", 1), ("a", 0.5), ("c", 0.5), ("d", 0.5)]


def test_an_outline_that_was_not_found_tells_nothing():
    found = candidates(a={"shape": {"aspect_ratio": 1.0, "fill": 0.5, "silhouette": LEFT}})
    (ranked,) = rank(found, Sought(shape=outline([])), Weights(), ITSELF, explain=True)
    assert "shape" not in ranked.signals


def test_palettes_count_by_how_alike_they_look():
    found = candidates(
        a={"palette": stored_palette("white")},
        b={"palette": stored_palette("navy")},
        c={"palette": stored_palette("navy", "white")},
        d={},
    )
    (first, second, third, last) = signal("color", found, Sought(palette=palette_of(["navy"])))
    assert (first, third) == (("b", 1), ("d", 0.5))
    # The cosine of a vector with one of two that are at a right angle and as long.
    assert second == ("c", pytest.approx(math.sqrt(1 / 2), abs=0.001))
    assert last == ("a", pytest.approx(0, abs=0.001))


CURVE = Logistic(slope=20, offset=-6)


def cosine_of(relevance):
    return CURVE.crossing(relevance)


def test_a_picture_is_worth_one_at_a_cosine_of_one():
    scale = Scale.of(CURVE, is_picture=True)
    assert (scale.zero, scale.one) == (pytest.approx(cosine_of(0.01)), 1.0)


def test_words_are_worth_one_where_they_are_surely_meant():
    scale = Scale.of(CURVE, is_picture=False)
    assert (scale.zero, scale.one) == (pytest.approx(cosine_of(0.01)), pytest.approx(cosine_of(0.999)))
    middle = (scale.zero + scale.one) / 2
    found = candidates(a=1.0, b=cosine_of(0.999), c=middle, d=cosine_of(0.01), e=-1.0)
    assert scores(found, weights=only(visual_similarity=100), scale=scale) == [
        ("a", 1),
        ("b", 1),
        ("c", 0.5),
        ("d", 0),
        ("e", 0),
    ]


@pytest.mark.parametrize(
    ("curve", "is_picture"),
    [(IGNORANT, True), (IGNORANT, False), (Logistic(slope=50, offset=-80), True)],
    ids=["flat, picture", "flat, words", "beyond all cosines"],
)
def test_where_the_curve_tells_nothing_a_cosine_is_worth_itself(curve, is_picture):
    assert Scale.of(curve, is_picture=is_picture) == Scale(0, 1)


def test_words_are_never_asked_for_more_than_a_cosine_of_one():
    assert Scale.of(Logistic(slope=5, offset=-2), is_picture=False).one == 1
