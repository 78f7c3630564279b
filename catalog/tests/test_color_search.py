"""Which products have a colour near to one, from the pictures to the order of the answer."""

import math
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from catalog.color_search import MAX_DISTANCE, find_by_color, products_of_color, similarity_of
from catalog.filters import All, category_is
from catalog.models import Product, ProductColor
from conftest import picture

RED, BLUE = (220, 20, 20), (20, 40, 220)


@pytest.fixture
def send(owner, pictures):
    """Return a function that indexes the product "ball" of the owner anew: `send(RED, price=5)`."""

    def run(color, **metadata):
        url = pictures.serve("/ball.jpg", picture(color), content_type="image/jpeg")
        body = {"product_id": "ball", "image_url": url, "metadata": metadata}
        assert owner.client.post("/v1/products", body).status_code in (200, 201)

    return run


def add(tenant, product_id, *colors, category=""):
    """Store a product with colours of equal shares, without a picture; return its row."""
    product = Product.objects.create(
        tenant=tenant, product_id=product_id, image_urls=[""], status="indexed", category=category
    )
    ProductColor.objects.bulk_create(
        ProductColor(tenant=tenant, product=product, rgb=list(color), share=1 / len(colors)) for color in colors
    )
    return product.pk


def find(tenant, rgb, *, max_distance=MAX_DISTANCE, filters=None, limit=10, offset=0):
    filters = filters or All()
    return find_by_color(tenant, rgb, max_distance=max_distance, filters=filters, limit=limit, offset=offset)


def test_the_nearest_colours_come_first_with_their_distance(tenant):
    near, exact, far = (
        add(tenant, name, rgb) for name, rgb in [("n", (253, 4, 0)), ("e", (250, 0, 0)), ("f", (0, 0, 0))]
    )
    assert find(tenant, (250, 0, 0)) == [(exact, 0), (near, 5), (far, 250)]


def test_a_product_counts_once_by_its_nearest_colour(tenant):
    both = add(tenant, "both", (0, 0, 10), (0, 0, 200), (0, 0, 13))
    assert find(tenant, (0, 0, 0)) == [(both, 10)]


def test_products_as_near_are_in_the_order_of_their_rows(tenant):
    rows = [add(tenant, name, (9, 9, 9)) for name in "cab"]
    assert [pk for pk, _ in find(tenant, (0, 0, 0))] == rows


def test_the_greatest_distance_counts_in_and_what_is_farther_not(tenant):
    at = add(tenant, "at", (3, 4, 0))
    add(tenant, "beyond", (3, 4, 1))
    assert find(tenant, (0, 0, 0), max_distance=5) == [(at, 5)]
    assert find(tenant, (0, 0, 0), max_distance=4.9) == []


def test_black_and_white_are_as_far_apart_as_colours_can_be(tenant):
    white = add(tenant, "white", (255, 255, 255))
    assert find(tenant, (0, 0, 0)) == [(white, pytest.approx(255 * math.sqrt(3)))]


def test_products_of_one_colour_are_one_set(tenant, stranger):
    add(tenant, "bag", (0, 0, 0), (3, 4, 0), category="Bags")
    add(tenant, "shoe", (0, 0, 0), category="Shoes")
    add(tenant, "farther", (9, 9, 9), category="Bags")
    add(stranger.tenant, "theirs", (0, 0, 0), category="Bags")
    found = products_of_color(tenant, (0, 0, 0), 5, filters=category_is("bags"))
    assert [product.product_id for product in found] == ["bag"]


def test_a_page_is_full_though_some_products_have_many_near_colours(tenant):
    first, second = (add(tenant, name, *[(shade, 0, 0) for shade in range(6)]) for name in "ab")
    third = add(tenant, "c", (6, 0, 0))
    assert [pk for pk, _ in find(tenant, (0, 0, 0), limit=3)] == [first, second, third]


def test_pages_follow_each_other(tenant):
    rows = [add(tenant, f"p{n}", (n, 0, 0)) for n in range(5)]
    pages = [find(tenant, (0, 0, 0), limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[pk for pk, _ in page] for page in pages] == [rows[:2], rows[2:4], rows[4:]]


def test_filters_hold(tenant):
    add(tenant, "bag", RED, category="Bags")
    shoe = add(tenant, "shoe", BLUE, category="Shoes")
    assert [pk for pk, _ in find(tenant, RED, filters=category_is("shoes"))] == [shoe]


def test_nobody_finds_the_products_of_another_shop(tenant, stranger):
    add(tenant, "mine", RED)
    assert find(stranger.tenant, RED) == []


def test_it_is_one_query(tenant, django_assert_num_queries):
    add(tenant, "shoe", RED, category="Shoes")
    with django_assert_num_queries(1):
        find(tenant, RED, filters=category_is("shoes"))


@pytest.mark.parametrize(("distance", "similarity"), [(0, 1), (MAX_DISTANCE, 0), (MAX_DISTANCE / 4, 0.75)])
def test_similarity_falls_from_one_to_nothing(distance, similarity):
    assert similarity_of(distance) == similarity


def test_products_are_found_by_the_main_colour_of_their_picture(owner, index):
    index(red=RED, blue=BLUE)
    (found, distance), (_, other) = find(owner.tenant, RED)
    assert Product.objects.get(pk=found).product_id == "red"
    assert distance < 20
    assert other > 250


def test_another_picture_brings_other_colours(owner, send):
    send(RED)
    send(BLUE)
    ((_, distance),) = find(owner.tenant, BLUE)
    assert distance < 20


def test_a_change_of_facts_leaves_the_colours_alone(owner, send):
    send(RED)
    before = list(ProductColor.objects.values_list("pk", flat=True))
    send(RED, price=5)
    assert owner.tenant.products.get().price == 5
    assert len(before) == 1
    assert list(ProductColor.objects.values_list("pk", flat=True)) == before


def test_products_of_earlier_versions_are_found_too(owner, index):
    index(red=RED, blue=BLUE)
    stored = ProductColor.objects.order_by("product", "pk")
    written = [(color.product_id, color.tenant_id, color.rgb, color.share) for color in stored]
    stored.filter(product__product_id="blue").delete()
    migration = import_module("catalog.migrations.0006_fill_product_colors")
    with connection.schema_editor() as schema_editor:
        for _ in range(2):
            migration.fill_product_colors(apps, schema_editor)
    assert [(color.product_id, color.tenant_id, color.rgb, color.share) for color in stored.all()] == written
    assert {color.product.product_id for color in stored.all()} == {"red", "blue"}
