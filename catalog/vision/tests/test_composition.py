import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.vision.composition import (
    CancelledOutError,
    Reference,
    blend_scores,
    blend_vectors,
    diversify,
    merge_best,
    merge_union,
    move,
    penalise,
)
from catalog.vision.encoder import load_encoder
from catalog.vision.evaluation.colors import measure_color
from catalog.vision.evaluation.datasets import read_dataset
from catalog.vision.evaluation.pictures import see
from catalog.vision.heads import ATTRIBUTES, COLOR, PRODUCT_TYPE
from catalog.vision.logistic import IGNORANT, Logistic
from catalog.vision.relevance import Calibration, Histogram, Relevance
from catalog.vision.tests.pictures import BUNDLE, DATA, needs_data
from catalog.vision.tests.words import WORDS, WordEncoder, direction
from catalog.vision.vocabulary import Vocabulary
from catalog.vision.zero_shot import encode_words

CLOTHING = Path(__file__).parents[3] / "training" / "evaluation" / "clothing.toml"

untimed = settings(deadline=None)

VOCABULARY = Vocabulary.from_heads(encode_words(WordEncoder()))
TEXT_CURVE = Logistic(slope=10, offset=-6)
IMAGE_CURVE = Logistic(slope=20, offset=-15)


def relevance(text=TEXT_CURVE, image=IMAGE_CURVE):
    nothing = Histogram((), ())
    return Relevance(text=Calibration(text, 0, 0, nothing), image=Calibration(image, 0, 0, nothing))


def words(*said):
    return Reference(direction(*said), is_picture=False)


def picture(*shown):
    return Reference(direction(*shown), is_picture=True)


def named(vector):
    """Return the words in whose directions a vector points, with its coordinates."""
    return {
        word: pytest.approx(value, abs=1e-6) for word, value in zip(WORDS, vector, strict=True) if abs(value) > 1e-6
    }


def unit_vectors(count, dimensions=4):
    numbers = st.lists(st.integers(-9, 9), min_size=dimensions, max_size=dimensions).filter(any)
    return st.lists(numbers, min_size=count, max_size=count).map(
        lambda rows: np.array([np.array(row) / np.linalg.norm(row) for row in rows], dtype=np.float32)
    )


# --- Blends


def test_a_blend_is_the_weighted_mean_at_length_1():
    assert blend_vectors(np.eye(2, dtype=np.float32), [3, 4]) == pytest.approx([0.6, 0.8])


def test_examples_that_cancel_out_point_nowhere():
    with pytest.raises(CancelledOutError):
        blend_vectors(np.array([[1, 0], [-1, 0]], dtype=np.float32), [1, 1])


@untimed
@given(
    vectors=unit_vectors(2),
    candidate=unit_vectors(1),
    slopes=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    offsets=st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
    weight=st.floats(0, 1),
)
def test_one_search_gives_the_blend_of_both_log_odds(vectors, candidate, slopes, offsets, weight):
    curves = [Logistic(slope, offset) for slope, offset in zip(slopes, offsets, strict=True)]
    cosines = vectors.astype(np.float64) @ candidate[0]
    each = [curve.slope * cosine + curve.offset for curve, cosine in zip(curves, cosines, strict=True)]
    try:
        vector, curve = blend_scores(vectors, curves, [weight, 1 - weight])
    except CancelledOutError:
        assert vectors[0] == pytest.approx(-vectors[1])
        return
    blended = curve.slope * float(vector @ candidate[0]) + curve.offset
    assert blended == pytest.approx(weight * each[0] + (1 - weight) * each[1], abs=1e-4)


def test_the_relevance_of_a_blend_lies_between_those_of_its_examples():
    vector, curve = blend_scores(np.eye(2, dtype=np.float32), [Logistic(10, -6), Logistic(20, -15)], [1, 1])
    # Log-odds of 10 * 0.6 - 6 = 0 and 20 * 0.8 - 15 = 1: half way is 0.5.
    assert curve(float(vector @ [0.6, 0.8])) == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_curves_that_say_nothing_leave_a_blend_of_vectors_that_says_nothing():
    vector, curve = blend_scores(np.eye(2, dtype=np.float32), [TEXT_CURVE, IGNORANT], [3, 4])
    assert (vector.tolist(), curve) == (pytest.approx([0.6, 0.8]), IGNORANT)


def test_an_example_without_weight_does_not_make_a_blend_ignorant():
    vector, curve = blend_scores(np.eye(2, dtype=np.float32), [TEXT_CURVE, IGNORANT], [1, 0])
    assert (vector.tolist(), curve) == ([1, 0], TEXT_CURVE)


# --- Words that move a picture


@pytest.mark.parametrize(("weight", "alone"), [(0, direction("blue")), (1, direction("red", "dress"))])
def test_the_words_are_alone_at_0_and_the_picture_at_1(weight, alone):
    assert move(direction("red", "dress"), direction("blue"), weight, VOCABULARY) == pytest.approx(alone)


def test_words_take_the_place_of_what_the_picture_shows_and_leave_the_rest():
    moved = move(direction("red", "dress"), direction("blue"), 0.6, VOCABULARY)
    shown = 0.6 * math.sqrt(0.5)
    # The words weigh 0.4 * 3, what they add to themselves 0.6 of that.
    expected = np.array([shown - 0.72, shown + 0.72, 1.2])
    red, dress, blue = expected / np.linalg.norm(expected)
    assert named(moved) == {"red": red, "dress": dress, "blue": blue}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (("blue",), ("blue", "dress")),
        (("skirt",), ("red", "skirt")),
        (("blue", "skirt"), ("blue", "skirt")),
        (("striped",), ("red", "dress", "striped")),
    ],
)
def test_a_moved_picture_is_nearest_to_what_was_meant(said, found):
    shelf = [
        (color, kind, *more) for color in ("red", "blue") for kind in ("dress", "skirt") for more in ((), ("striped",))
    ]
    vectors = np.array([direction(*thing) for thing in shelf])
    moved = move(direction("red", "dress"), direction(*said), 0.6, VOCABULARY)
    assert shelf[int((vectors @ moved).argmax())] == found


@untimed
@given(st.permutations(["red", "blue", "dress", "skirt", "wool", "striped"]), st.floats(0.05, 0.95))
def test_it_does_not_matter_how_far_apart_texts_and_pictures_lie(things, weight):
    shelf = [direction(*things[:2]), direction(*things[1:4]), direction(things[0], things[5]), direction(*things[2:])]
    shown, said = direction("red", "dress"), direction("blue")
    near = np.array(shelf) @ move(shown, said, weight, VOCABULARY)
    far = apart(np.array(shelf), 0) @ move(apart(shown, 0), apart(said, 1), weight, FAR_VOCABULARY)
    differences = near[:, None] - near
    assert (
        np.sign(far[:, None] - far)[abs(differences) > 1e-4].tolist()
        == np.sign(differences[abs(differences) > 1e-4]).tolist()
    )


def apart(vectors, place):
    """Return vectors as of an encoder in which those of texts and those of pictures each have something in common."""
    common = np.broadcast_to(np.eye(2, dtype=np.float32)[place], (*vectors.shape[:-1], 2))
    return np.concatenate([vectors, common], axis=-1) / np.float32(math.sqrt(2))


FAR_VOCABULARY = Vocabulary.from_heads(apart(encode_words(WordEncoder()), 1))


@needs_data
def test_words_move_photographs_where_a_plain_sum_hardly_does():
    encoder = load_encoder(BUNDLE, threads=1)
    dataset = read_dataset(CLOTHING, data=DATA)
    shown = [one for one in dataset.of_split("validation") if one.label in ("shoes", "shirt", "shorts")]
    seen = see(shown, encoder, measure_color=measure_color, on_progress=lambda _: None)
    vocabulary = Vocabulary.from_heads(encode_words(encoder))
    (text,) = encoder.encode_texts(["like this but in black"])
    wanted = np.array([(one.label, one.color) for one in seen.pictures])
    moved, summed = [], []
    for one, vector in zip(seen.pictures, seen.vectors, strict=True):
        if one.color == "grey" and one.color_share > 0.5:
            is_right = (wanted == [one.label, "black"]).all(axis=1)
            for query, found in ((move(vector, text, 0.6, vocabulary), moved), (0.6 * vector + 0.4 * text, summed)):
                found.append(is_right[np.argsort(-(seen.vectors @ query))[:5]].mean())
    assert np.mean(moved) > np.mean(summed) + 0.2


# --- What is not to be found


def penalties(*candidates, like, unlike, curves=None):
    vectors = np.array([direction(*shown) for shown in candidates])
    return penalise(vectors, like, unlike, VOCABULARY, curves or relevance()).tolist()


def test_without_examples_of_what_not_to_find_nothing_is_penalised():
    assert penalties(("red", "dress"), like=words("dress"), unlike=[]) == [0]


def test_words_penalise_what_is_near_them_or_nearer_than_to_other_labels():
    near, nearer = 10 * math.sqrt(0.5) - 6, 10 * math.sqrt(0.5)
    spared = (1 - logistic(near)) * (1 - logistic(nearer))
    found = penalties(("red", "dress"), ("blue", "dress"), like=words("dress"), unlike=[words("red")])
    far, farther = -6, -10 * math.sqrt(0.5)
    assert found == pytest.approx([1 - spared, 1 - (1 - logistic(far)) * (1 - logistic(farther))])


def test_words_that_answer_no_question_penalise_what_is_near_them():
    # Moderation is no question of a shopper's.
    assert VOCABULARY.read_text(direction("a rifle")) == (None,) * len(VOCABULARY.questions)
    found = penalties(("a rifle",), ("red", "dress"), like=words("dress"), unlike=[words("a rifle")])
    assert found == pytest.approx([logistic(4), logistic(-6)])


def test_words_with_two_answers_mean_both_together():
    red_dress, red_skirt, blue_dress = penalties(
        ("red", "dress"),
        ("red", "skirt"),
        ("blue", "dress"),
        like=picture("red", "dress"),
        unlike=[words("red", "dress")],
    )
    assert red_dress > 0.99
    assert red_skirt == blue_dress < 0.3


def test_a_picture_penalises_what_tells_it_from_what_is_sought():
    found = penalties(("red", "dress"), ("blue", "dress"), like=words("dress"), unlike=[picture("red", "dress")])
    assert found == pytest.approx([logistic(10 * math.sqrt(0.5)), logistic(-10 * math.sqrt(0.5))])


def test_two_pictures_are_told_apart_where_pictures_lie_far_from_texts():
    like, unlike = (apart(direction(color, "dress"), 0) for color in ("red", "blue"))
    skirts = apart(np.array([direction(color, "skirt") for color in ("red", "blue")]), 0)
    sought, refused = Reference(like, is_picture=True), Reference(unlike, is_picture=True)
    found = penalise(skirts, sought, [refused], FAR_VOCABULARY, relevance())
    # They share the kind, so that it takes blue alone; a cosine is worth half of what it is without the gap.
    assert found.tolist() == pytest.approx([logistic(-5 * math.sqrt(0.5)), logistic(5 * math.sqrt(0.5))])


def test_a_picture_that_nothing_tells_from_what_is_sought_penalises_what_looks_like_it():
    twin = picture("red", "dress", "striped")
    found = penalties(("red", "dress", "striped"), ("red", "dress"), like=picture("red", "dress"), unlike=[twin])
    assert found == pytest.approx([logistic(20 - 15), logistic(20 * math.sqrt(2 / 3) - 15)])


def test_a_curve_that_says_nothing_penalises_all_alike():
    unknown = relevance(text=IGNORANT, image=IGNORANT)
    assert penalties(("red",), ("blue",), like=words("dress"), unlike=[words("red")], curves=unknown) == [0.75, 0.75]


@untimed
@given(st.lists(st.sampled_from(["red", "blue", "skirt", "wool"]), max_size=4))
def test_each_further_example_penalises_more(said):
    candidates = [("red", "dress"), ("blue", "skirt"), ("wool", "skirt")]
    unlike = [words(word) for word in said]
    before = np.zeros(len(candidates))
    for count in range(len(unlike) + 1):
        now = np.array(penalties(*candidates, like=words("dress"), unlike=unlike[:count]))
        assert (before <= now).all()
        assert (now <= 1).all()
        before = now


def logistic(log_odds):
    return 1 / (1 + math.exp(-log_odds))


# --- Results that are unlike each other

TWINS = np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)


@pytest.mark.parametrize(
    ("diversity", "order"),
    [
        (0, [0, 1, 2, 3]),
        # Merits 1, 0.9, 0.5, 0. After the first the twin has 0.45 - 0.5 and the next 0.25 - 0.
        (0.5, [0, 2, 1, 3]),
        (1, [0, 2, 3, 1]),
    ],
)
def test_likeness_to_the_hits_before_counts_by_diversity(diversity, order):
    assert diversify([1.0, 0.9, 0.5, 0.0], TWINS, diversity, 4) == order


def test_scores_of_any_scale_are_weighed_alike():
    assert diversify([0.32, 0.31, 0.27, 0.22], TWINS, 0.5, 4) == [0, 2, 1, 3]


def test_the_best_comes_first_wherever_it_stands():
    assert diversify([0.1, 0.2, 0.9, 0.2], TWINS, 1, 2) == [2, 0]


@untimed
@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=6),
    st.floats(0, 1),
    st.integers(0, 8),
)
def test_no_hit_is_lost_or_repeated_and_without_diversity_the_order_is_that_of_the_scores(scores, diversity, count):
    vectors = np.tile(TWINS, (2, 1))[: len(scores)]
    by_score = sorted(range(len(scores)), key=lambda row: -scores[row])
    order = diversify(scores, vectors, diversity, count)
    assert len(set(order)) == len(order) == min(count, len(scores))
    assert order[:1] == by_score[: len(order[:1])]
    assert diversify(scores, vectors, 0, count) == by_score[:count]


# --- Results of several references


def test_a_product_counts_by_the_reference_that_it_is_most_like():
    rankings = [[("a", 0.9), ("b", 0.5)], [("b", 0.8), ("a", 0.6), ("c", 0.5)], []]
    assert merge_best(rankings) == [("a", 0.9), ("b", 0.8), ("c", 0.5)]


def test_of_equally_good_products_the_first_met_comes_first():
    assert merge_best([[("b", 0.5), ("c", 0.5)], [("a", 0.5)]]) == [("b", 0.5), ("c", 0.5), ("a", 0.5)]


def test_references_take_turns_and_pass_over_what_is_taken():
    rankings = [[("a", 0.9), ("b", 0.8)], [("a", 0.7), ("c", 0.6), ("d", 0.5)], [("e", 0.1)]]
    assert merge_union(rankings) == [("a", 0.9), ("c", 0.6), ("e", 0.1), ("b", 0.8), ("d", 0.5)]


RANKING = st.dictionaries(st.integers(0, 9), st.sampled_from([0.1, 0.5, 0.9])).map(
    lambda found: sorted(found.items(), key=lambda item: -item[1])
)


@untimed
@given(st.lists(RANKING, max_size=4))
def test_every_product_of_every_reference_comes_once(rankings):
    known = {found for ranking in rankings for found, _ in ranking}
    for merged in (merge_best(rankings), merge_union(rankings)):
        assert sorted(found for found, _ in merged) == sorted(known)


# --- The vocabulary


def test_a_text_answers_the_questions_that_it_speaks_of():
    said = VOCABULARY.read_text(direction("blue", "sneaker"))
    kind, color = PRODUCT_TYPE.label_names.index("sneaker"), COLOR.label_names.index("blue")
    assert said == (kind, color, *(None for _ in ATTRIBUTES[1:]))


def test_a_text_of_many_words_answers_as_many_questions():
    assert None not in VOCABULARY.read_text(direction("blue", "dress", "wool", "striped", "casual"))


def test_any_word_of_a_label_stands_for_it():
    assert VOCABULARY.read_text(direction("running shoe")) == VOCABULARY.read_text(direction("sneaker"))


def test_a_picture_answers_every_question():
    assert None not in VOCABULARY.read_picture(direction("red", "dress"))
