import pytest

from catalog.vision.heads import ATTRIBUTES, COLOR, HEADS, MODERATION, PRODUCT_TYPE
from catalog.vision.palette import EXAMPLES


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_no_word_of_a_head_stands_for_two_labels(head):
    assert len(head.words) == len(set(head.words))
    assert all(word == word.strip() and word for word in head.words)
    assert len(head.label_names) == len(set(head.label_names))


def test_product_types_are_many():
    assert len(PRODUCT_TYPE.labels) >= 120


def test_a_label_is_called_by_its_first_word():
    sweater = next(label for label in PRODUCT_TYPE.labels if label.name == "sweater")
    assert sweater.words == ("sweater", "jumper", "pullover")


def test_colours_are_those_that_products_are_filtered_by():
    assert COLOR.label_names == tuple(EXAMPLES)


def test_a_picture_has_one_type_and_any_number_of_the_rest():
    assert [head.name for head in HEADS if head.exclusive] == ["product_type"]
    assert [head.name for head in ATTRIBUTES] == ["color", "material", "pattern", "style"]


def test_moderation_has_categories_and_compares_them_with_ordinary_things():
    assert MODERATION.label_names == ("nudity", "violence", "weapons", "drugs", "hate_symbols", "minors_risk")
    assert MODERATION.ordinary
    assert MODERATION.words[-len(MODERATION.ordinary) :] == MODERATION.ordinary
