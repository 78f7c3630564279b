import functools

import pytest

from catalog import relevance
from catalog.demo.labels import picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.models import Embedding, Product, RelevanceCalibration
from catalog.relevance import LEAST_PICTURES, calibrate_grown_catalogues, relevance_of
from catalog.tasks import calibrate_relevance
from catalog.vision.decode import decode
from catalog.vision.logistic import Logistic

FILES = [picture_file(product) for product in DEMO_PRODUCTS]


@functools.cache
def vectors():
    return active_encoder().encode_images([decode(file.read_bytes()) for file in FILES])


def stock(tenant, count, *, start=0, **fields):
    """Give a tenant some of the demo shop's products."""
    for number in range(start, start + count):
        demo = DEMO_PRODUCTS[number]
        known = {"name": demo.name, "category": demo.category, "product_type": demo.picture.kind} | fields
        product = Product.objects.create(
            tenant=tenant, product_id=f"p{number}", image_urls=[""], status=Product.Status.INDEXED, **known
        )
        image = product.images.create(
            tenant=tenant,
            position=0,
            sha256=f"{number}",
            width=1,
            height=1,
            palette=[],
            shape={},
            quality={},
            product_type_confidence=1,
        )
        Embedding.objects.create(
            tenant=tenant, product=product, image=image, encoder=encoder_row(active_encoder()), vector=vectors()[number]
        )


@pytest.fixture
def encoder(db):
    return active_encoder()


def rows():
    return {row.mode: row for row in RelevanceCalibration.objects.all()}


def test_a_catalogue_is_calibrated_by_its_own_scores(tenant, encoder):
    stock(tenant, 60)
    assert calibrate_grown_catalogues(encoder) == [tenant]
    text, image = rows()["text"], rows()["image"]
    categories = {product.category for product in DEMO_PRODUCTS[:60]}
    assert (text.is_own, text.pictures, text.queries) == (True, 60, 60 + len(categories))
    assert (image.is_own, image.pictures) == (True, 60)
    assert text.tenant == image.tenant == tenant
    assert min(text.slope, image.slope) > 0
    found = relevance_of(tenant, encoder)
    assert found.text.curve == Logistic(text.slope, text.offset)
    assert found.image.curve == Logistic(image.slope, image.offset)
    assert found.image.histogram.hits == tuple(image.histogram["hits"])


def test_a_small_catalogue_is_judged_as_the_demo_shop_is(tenant, encoder):
    stock(tenant, LEAST_PICTURES - 1)
    assert calibrate_grown_catalogues(encoder) == []
    assert relevance_of(tenant, encoder) == heads_of(encoder).relevance


def test_a_catalogue_of_one_kind_is_judged_as_the_demo_shop_is_and_not_tried_again(tenant, encoder):
    stock(tenant, 30, category="Rings", product_type="ring")
    assert calibrate_grown_catalogues(encoder) == [tenant]
    assert [row.is_own for row in rows().values()] == [False, False]
    assert relevance_of(tenant, encoder).text.curve == heads_of(encoder).relevance.text.curve
    assert calibrate_grown_catalogues(encoder) == []


def test_a_catalogue_is_calibrated_again_when_it_has_grown_by_a_quarter(tenant, encoder):
    stock(tenant, 40)
    calibrate_grown_catalogues(encoder)
    stock(tenant, 9, start=40)
    assert calibrate_grown_catalogues(encoder) == []
    stock(tenant, 1, start=49)
    assert calibrate_grown_catalogues(encoder) == [tenant]
    assert [row.pictures for row in rows().values()] == [50, 50]
    assert calibrate_grown_catalogues(encoder) == []


def test_a_catalogue_is_calibrated_again_when_it_has_shrunk(tenant, encoder):
    stock(tenant, 50)
    calibrate_grown_catalogues(encoder)
    tenant.products.filter(product_id__in=[f"p{number}" for number in range(10)]).delete()
    assert calibrate_grown_catalogues(encoder) == [tenant]
    assert [row.pictures for row in rows().values()] == [40, 40]


def test_a_calibration_that_lacks_a_mode_is_made_whole(tenant, encoder):
    stock(tenant, 30)
    calibrate_grown_catalogues(encoder)
    rows()["image"].delete()
    assert calibrate_grown_catalogues(encoder) == [tenant]
    assert set(rows()) == {"text", "image"}


def test_no_more_catalogues_are_calibrated_in_one_go_than_stated(tenant, stranger, encoder, monkeypatch):
    monkeypatch.setattr(relevance, "AT_A_TIME", 1)
    stock(tenant, 20)
    stock(stranger.tenant, 20)
    done = calibrate_grown_catalogues(encoder) + calibrate_grown_catalogues(encoder)
    assert sorted(one.pk for one in done) == sorted([tenant.pk, stranger.tenant.pk])


def test_what_a_shop_has_learnt_is_its_own(tenant, stranger, encoder):
    stock(tenant, 40)
    calibrate_grown_catalogues(encoder)
    assert relevance_of(stranger.tenant, encoder) == heads_of(encoder).relevance
    assert relevance_of(tenant, encoder) != heads_of(encoder).relevance


def test_it_is_read_once_and_again_when_its_lifetime_is_over(tenant, encoder, monkeypatch, django_assert_num_queries):
    heads_of(encoder)
    relevance_of(tenant, encoder)
    with django_assert_num_queries(0):
        relevance_of(tenant, encoder)
    monkeypatch.setattr(relevance, "LIFETIME", -1.0)
    with django_assert_num_queries(1):
        relevance_of(tenant, encoder)


def test_a_process_that_serves_very_many_tenants_remembers_some(tenant, stranger, encoder, monkeypatch):
    monkeypatch.setattr(relevance, "REMEMBERED", 1)
    relevance_of(tenant, encoder)
    relevance_of(stranger.tenant, encoder)
    assert len(relevance._remembered) == 1


def test_a_worker_does_it(tenant, encoder):
    stock(tenant, 20)
    calibrate_relevance.delay()
    assert set(rows()) == {"text", "image"}
