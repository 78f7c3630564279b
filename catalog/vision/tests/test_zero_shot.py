import math

import numpy as np
import pytest

from catalog.vision.heads import HEADS, MODERATION, PRODUCT_TYPE
from catalog.vision.tests.words import WordEncoder, calibrations, direction
from catalog.vision.zero_shot import ProductType, Suggestion, ZeroShot, encode_words


def look(*pictures, **calibration):
    return ZeroShot(encode_words(WordEncoder()), calibrations(**calibration)).look(np.array(pictures))


def value(score, *, slope=20.0, offset=-10.0):
    """The certainty that the calibration of these tests gives to a score."""
    return pytest.approx(1 / (1 + math.exp(-(slope * score + offset))), abs=1e-4)


def test_it_asks_the_encoder_once_for_each_word_and_prompt():
    encoder = WordEncoder()
    vectors = encode_words(encoder)
    assert len(encoder.texts) == sum(len(head.words) * len(head.prompts) for head in HEADS)
    assert vectors.shape == (sum(len(head.words) for head in HEADS), encoder.dimensions)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)


def test_the_vector_of_a_word_is_the_mean_over_its_prompts():
    class PromptEncoder(WordEncoder):
        """Knows no words, only whether an article stands before them."""

        def encode_texts(self, texts):
            return np.array([[1.0, 0.0] if text.startswith("a ") else [0.0, 1.0] for text in texts])

    # Of the prompts "{}", "a photo of a {}" and "a {} for sale" two start with an article.
    assert encode_words(PromptEncoder())[0] == pytest.approx(np.array([2, 1]) / math.sqrt(5))


def test_it_names_the_nearest_type():
    sofa, shirt = look(direction("sofa"), direction("t-shirt"))
    assert (sofa.product_type.name, shirt.product_type.name) == ("sofa", "t-shirt")
    # The other labels score 1 less, by a slope of 20.
    assert sofa.product_type.confidence == pytest.approx(1 / (1 + (len(PRODUCT_TYPE.labels) - 1) * math.exp(-20)))


def test_another_word_for_a_label_is_as_good():
    (seen,) = look(direction("pullover"))
    assert seen.product_type == ProductType("sweater", pytest.approx(1, abs=1e-6))


def test_types_that_are_as_near_share_the_certainty():
    (seen,) = look(direction("mug", "plate"))
    assert seen.product_type.name in ("mug", "plate")
    assert seen.product_type.confidence == pytest.approx(0.5, abs=1e-3)


def test_a_picture_may_have_several_values_the_surest_first():
    cosines = np.array([0.8, 0.6])
    picture = cosines[0] * direction("red") + cosines[1] * direction("blue")
    (seen,) = look(picture)
    mean = cosines.sum() / 16
    assert seen.attributes["color"] == (
        Suggestion("red", value(cosines[0] - mean)),
        Suggestion("blue", value(cosines[1] - mean)),
    )
    assert seen.attributes["material"] == seen.attributes["pattern"] == seen.attributes["style"] == ()


def test_nothing_below_the_threshold_is_suggested():
    picture = 0.8 * direction("red") + 0.6 * direction("blue")
    (seen,) = look(picture, threshold=0.8)
    assert [suggestion.value for suggestion in seen.attributes["color"]] == ["red"]


def test_an_ordinary_thing_raises_no_alarm_though_a_category_fits_it_as_well():
    shown, toy = look(direction("a gun"), direction("a gun", "a toy"))
    assert list(shown.moderation) == list(MODERATION.label_names)
    assert shown.moderation["weapons"] == value(1)
    assert shown.moderation["drugs"] == value(0)
    assert toy.moderation["weapons"] == value(0)


def test_no_pictures_have_nothing_seen():
    assert ZeroShot(encode_words(WordEncoder()), calibrations()).look(np.empty((0, WordEncoder.dimensions))) == []


def test_a_batch_is_seen_as_each_picture_is_alone():
    pictures = [direction("red", "sofa"), direction("denim", "jeans"), direction("striped", "shirt")]
    assert look(*pictures) == [look(picture)[0] for picture in pictures]


def test_it_tells_the_chance_of_every_type():
    heads = ZeroShot(encode_words(WordEncoder()), calibrations())
    mug, both = heads.product_types(np.array([direction("mug"), direction("mug", "plate")]))
    assert tuple(mug) == PRODUCT_TYPE.label_names
    assert sum(mug.values()) == pytest.approx(1)
    assert max(mug, key=mug.get) == "mug"
    assert both["mug"] == both["plate"] == pytest.approx(0.5, abs=1e-3)
