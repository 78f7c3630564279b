import pytest

from catalog.filter_hints import find_hint
from catalog.filters import All, Not, category_is, color_is, price_between
from catalog.models import Product


@pytest.fixture
def shop(tenant):
    Product.objects.bulk_create(
        Product(
            tenant=tenant,
            product_id=f"p{number}",
            image_urls=[""],
            status="indexed",
            category=category,
            colors=["red"],
            price=10,
        )
        for number, category in enumerate(["Dresses", "Dresses", "shoes"])
    )
    return tenant


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (category_is("Clothing"), "No product has the category 'Clothing'. There are: Dresses, shoes."),
        (category_is("dress"), "No product has the category 'dress'. There are: Dresses."),
        (All((category_is("SHOES"), color_is("blue"))), "No product has the color 'blue'. There are: red."),
        # Each has products, though none has all of it.
        (All((category_is("shoes"), price_between(None, 5))), ""),
        (Not(category_is("shoes")), ""),
        (All(), ""),
    ],
)
def test_a_filter_that_no_product_meets_is_named_with_what_there_is(shop, wanted, hint):
    assert find_hint(shop, wanted) == hint


def test_an_empty_shop_has_nothing_to_offer(tenant):
    assert find_hint(tenant, category_is("shoes")) == "No product has the category 'shoes'. There are: none yet."
