import pytest

from accounts.models import Tenant
from accounts.revisions import bump_revision
from merchandising.models import SynonymSet
from merchandising.synonyms import expand


def two_way(tenant, *words):
    SynonymSet.objects.create(tenant=tenant, synonym_type="two_way", words=list(words))
    bump_revision(tenant)


def one_way(tenant, root, *words):
    SynonymSet.objects.create(tenant=tenant, synonym_type="one_way", root=root, words=list(words))
    bump_revision(tenant)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Red Sofa", ("Red Sofa", "red couch", "red settee")),
        ("couch, red", ("couch, red", "sofa, red", "settee, red")),
        ("sofas", ("sofas",)),
        ("", ("",)),
    ],
)
def test_words_that_mean_the_same_stand_for_each_other(tenant, text, expected):
    two_way(tenant, "Sofa", "couch", "settee")
    assert expand(tenant, text) == expected


def test_one_way_synonyms_go_one_way(tenant):
    one_way(tenant, "footwear", "boot", "sandal")
    assert expand(tenant, "footwear") == ("footwear", "boot", "sandal")
    assert expand(tenant, "boot") == ("boot",)


def test_the_longest_phrase_goes_first_and_takes_its_words(tenant):
    two_way(tenant, "shoe", "footwear")
    two_way(tenant, "running shoe", "trainer")
    assert expand(tenant, "shoe bag and Running  Shoe") == (
        "shoe bag and Running  Shoe",
        "shoe bag and trainer",
        "footwear bag and running shoe",
    )


def test_phrases_with_marks_are_found(tenant):
    one_way(tenant, "t-shirt", "tee")
    assert expand(tenant, "white T-Shirt.") == ("white T-Shirt.", "white tee.")


def test_there_are_five_variants_at_most(tenant):
    one_way(tenant, "x", *"abcdefg")
    assert expand(tenant, "x") == ("x", "a", "b", "c", "d", "e")


def test_paused_and_foreign_synonyms_count_for_nothing(tenant, stranger):
    two_way(stranger.tenant, "sofa", "couch")
    SynonymSet.objects.create(tenant=tenant, words=["sofa", "settee"], active=False)
    bump_revision(tenant)
    assert expand(tenant, "sofa") == ("sofa",)


def test_synonyms_cost_one_query_until_they_change(tenant, django_assert_num_queries):
    two_way(tenant, "sofa", "couch")
    tenant = Tenant.objects.get(pk=tenant.pk)
    with django_assert_num_queries(1):
        expand(tenant, "sofa")
        expand(tenant, "couch")
