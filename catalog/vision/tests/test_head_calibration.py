import numpy as np
import pytest

from catalog.vision.head_calibration import MOST_CERTAIN, calibrate_heads
from catalog.vision.heads import COLOR, HEADS, MODERATION, PRODUCT_TYPE
from catalog.vision.tests.words import WordEncoder, calibrations, direction
from catalog.vision.zero_shot import ZeroShot, encode_words

WORD_VECTORS = encode_words(WordEncoder())
TYPES = ("sofa", "mug", "boot", "dress")


def calibrate(pictures, labels):
    return calibrate_heads(WORD_VECTORS, np.array(pictures, dtype=np.float32), labels)


def typed(name):
    return {"product_type": frozenset({name})}


def ordinary_pictures(seed=0, count=60):
    """Pictures of products with a little of everything in them, as real vectors have."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(0, 0.02, (count, WordEncoder.dimensions)) + [direction("a product")] * count
    return pictures / np.linalg.norm(pictures, axis=1, keepdims=True)


def test_every_head_is_calibrated_for_every_label():
    found = calibrate(ordinary_pictures(), [typed("sofa")] * 60)
    assert {name: len(calibration.slopes) for name, calibration in found.items()} == {
        head.name: len(head.labels) for head in HEADS
    }


@pytest.mark.parametrize("right", [12, 16])
def test_types_are_as_sure_as_they_are_right(right):
    # Every picture leans to one type by the same little; so often as the label agrees, so sure may the head be.
    pictures = [0.05 * direction(TYPES[i % 4]) for i in range(20)]
    labels = [typed(TYPES[i % 4] if i < right else "lamp") for i in range(20)]
    seen = ZeroShot(WORD_VECTORS, calibrate(pictures, labels)).look(np.array(pictures))
    mean = np.mean([one.product_type.confidence for one in seen])
    # One head's temperature serves both the certainty of a hit and of a miss, hence not to the digit.
    assert mean == pytest.approx(MOST_CERTAIN * right / 20 + (1 - MOST_CERTAIN) * (1 - right / 20), abs=0.02)


def test_types_that_are_always_right_are_no_surer_than_allowed():
    pictures = [0.3 * direction(name) for name in TYPES] * 5
    seen = ZeroShot(WORD_VECTORS, calibrate(pictures, [typed(name) for name in TYPES] * 5)).look(np.array(pictures))
    assert [one.product_type.name for one in seen[:4]] == list(TYPES)
    assert [one.product_type.confidence for one in seen] == [pytest.approx(MOST_CERTAIN, abs=0.01)] * 20


def test_certainties_do_not_depend_on_the_scale_of_an_encoders_cosines():
    found = []
    for scale in (0.05, 0.5):
        pictures = [scale * direction(name) for name in TYPES] * 5
        heads = ZeroShot(WORD_VECTORS, calibrate(pictures, [typed(name) for name in TYPES] * 5))
        found.append(heads.look(np.array(pictures))[0].product_type.confidence)
    assert found[0] == pytest.approx(found[1], abs=0.01)


def test_a_colour_is_suggested_where_it_was_right_before():
    colors = COLOR.label_names
    pictures = [0.2 * direction(color) for color in colors] * 6
    found = calibrate(pictures, [{"color": frozenset({color})} for color in colors] * 6)
    seen = ZeroShot(WORD_VECTORS, found).look(np.array(pictures))
    assert [[suggestion.value for suggestion in one.attributes["color"]] for one in seen[:16]] == [[c] for c in colors]


def test_a_word_that_is_near_to_everything_is_suggested_no_more_than_others():
    colors = COLOR.label_names
    pictures = [0.2 * direction(color) + 0.3 * direction("grey") for color in colors] * 6
    found = calibrate(pictures, [{"color": frozenset({color})} for color in colors] * 6)
    seen = ZeroShot(WORD_VECTORS, found).look(np.array(pictures))
    assert [suggestion.value for suggestion in seen[colors.index("red")].attributes["color"]] == ["red"]


def test_an_attribute_that_the_encoder_does_not_see_is_never_suggested():
    rng = np.random.default_rng(0)
    pictures = ordinary_pictures()
    labels = [{"material": frozenset({material})} for material in rng.choice(["wool", "wood", "glass"], len(pictures))]
    seen = ZeroShot(WORD_VECTORS, calibrate(pictures, labels)).look(pictures)
    assert {one.attributes["material"] for one in seen} == {()}


def test_pictures_of_unknown_style_do_not_count():
    pictures = [0.2 * direction(style) for style in ("casual", "sporty")] * 10 + [0.2 * direction("elegant")] * 10
    labels = [{"style": frozenset({style})} for style in ("casual", "sporty")] * 10
    alone = calibrate(pictures[:20], labels)["style"]
    assert calibrate(pictures, [*labels, *[{}] * 10])["style"] == alone


def test_no_ordinary_product_is_flagged_and_what_stands_out_is():
    found = calibrate(ordinary_pictures(), [{}] * 60)
    heads = ZeroShot(WORD_VECTORS, found)
    worst = {
        name: max(one.moderation[name] for one in heads.look(ordinary_pictures())) for name in MODERATION.label_names
    }
    # The most that one of them reaches is a deviation below the even chance.
    assert worst == {name: pytest.approx(1 / (1 + np.e), abs=1e-3) for name in MODERATION.label_names}
    (armed,) = heads.look(0.95 * direction("a product")[None] + 0.31 * direction("a rifle"))
    assert {name for name, score in armed.moderation.items() if score > 0.5} == {"weapons"}


def test_a_head_without_any_example_suggests_nothing():
    found = calibrate(ordinary_pictures(), [{}] * 60)
    assert (found["pattern"].threshold, set(found["pattern"].slopes)) == (1.0, {0.0})


def test_calibrations_of_the_tests_fit_the_heads():
    assert set(calibrations()) == {head.name for head in HEADS}
    assert PRODUCT_TYPE.name in calibrations()
