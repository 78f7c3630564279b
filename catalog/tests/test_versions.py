from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import indexing
from catalog.documents import ProductDocument
from catalog.errors import PictureError
from catalog.indexing import record_failure
from catalog.jobs.worker import work_on_next_job
from catalog.models import JobItem, Product
from conftest import picture

BLUE, RED = (20, 40, 200), (200, 40, 20)


@pytest.fixture
def blue(pictures):
    return pictures.serve("/blue.jpg", picture(BLUE))


@pytest.fixture
def red(pictures):
    return pictures.serve("/red.jpg", picture(RED))


def post(owner, url, **metadata):
    response = owner.client.post("/v1/products", {"product_id": "a", "image_url": url, "metadata": metadata})
    assert response.status_code in (200, 201), response.content


def patch(owner, **metadata):
    assert owner.client.patch("/v1/products/a", {"metadata": metadata}).status_code == 200


def patch_batch(owner, **metadata):
    body = {"products": [{"product_id": "a", "metadata": metadata}]}
    assert owner.client.post("/v1/products/patch-batch", body).status_code == 200


def queue(owner, url, **metadata):
    """Send a product whose turn comes later."""
    body = {"products": [{"product_id": "a", "image_url": url, "metadata": metadata}]}
    assert owner.client.post("/v1/products/bulk", body).status_code == 202


def stored():
    product = Product.objects.get()
    return product.image_urls[0], product.metadata


def test_a_version_whose_turn_comes_late_gives_way_to_a_newer_one(owner, pictures, blue, red):
    post(owner, blue, price=1)
    queue(owner, pictures.url("/nothing.jpg"), price=2)
    post(owner, red, price=3)
    before = Product.objects.values().get()
    work_on_next_job()
    item = JobItem.objects.get()
    assert (item.status, item.code, item.attempts) == ("failed", "superseded", 1)
    assert item.message == "A newer version of this product came in meanwhile; it stands."
    assert Product.objects.values().get() == before
    assert pictures.requests["/nothing.jpg"] == 0


def test_a_version_that_comes_in_while_an_older_one_is_looked_at_stands(owner, blue, red, monkeypatch):
    queue(owner, blue, price=1)
    look = indexing.extract_features

    def come_between(*args, **kwargs):
        monkeypatch.setattr(indexing, "extract_features", look)
        post(owner, red, price=2)
        return look(*args, **kwargs)

    monkeypatch.setattr(indexing, "extract_features", come_between)
    work_on_next_job()
    assert (JobItem.objects.get().code, stored()) == ("superseded", (red, {"price": 2}))


def test_of_two_requests_at_once_the_older_one_is_told_that_it_gives_way(owner, blue, red, monkeypatch):
    look = indexing.extract_features

    def come_between(*args, **kwargs):
        monkeypatch.setattr(indexing, "extract_features", look)
        post(owner, red)
        return look(*args, **kwargs)

    monkeypatch.setattr(indexing, "extract_features", come_between)
    response = owner.client.post("/v1/products", {"product_id": "a", "image_url": blue})
    assert (response.status_code, stored()) == (409, (red, {}))
    assert response.json()["type"].endswith("#superseded")


@pytest.mark.parametrize("change", [patch, patch_batch])
def test_a_patch_outlasts_a_whole_version_that_was_sent_before_it(owner, blue, red, change):
    post(owner, blue, price=1, color="blue", size=38)
    change(owner, size=39)
    queue(owner, red, price=2, color="red", size=40)
    change(owner, price=3, color=None)
    work_on_next_job()
    assert stored() == (red, {"price": 3, "size": 40})
    assert Product.objects.get().price == 3
    post(owner, blue, price=4, color="blue")
    assert stored() == (blue, {"price": 4, "color": "blue"})


def test_a_whole_version_before_a_patch_is_still_superseded_by_one_before_it(owner, blue, red):
    queue(owner, blue, price=1)
    post(owner, red, price=2)
    patch(owner, price=3)
    work_on_next_job()
    assert (JobItem.objects.get().code, stored()) == ("superseded", (red, {"price": 3}))


def test_it_is_kept_when_the_shop_sent_what_is_stored(owner, pictures, blue, django_capture_on_commit_callbacks):
    queue(owner, blue, price=1)
    queued_at = JobItem.objects.get().job.created_at
    work_on_next_job()
    assert Product.objects.get().sent_at == queued_at
    posted_after = timezone.now()
    post(owner, blue, price=1)
    posted_at = Product.objects.get().sent_at
    assert posted_after < posted_at < timezone.now()
    patch(owner, price=2)
    patched_at = Product.objects.get().sent_at
    assert posted_at < patched_at
    pictures.serve("/blue.jpg", b"", status=404)
    assert owner.client.post("/v1/products", {"product_id": "a", "image_url": blue}).status_code == 422
    assert Product.objects.get().sent_at == patched_at


def test_a_failure_of_an_older_version_is_none_of_the_newer_one(owner, blue):
    queued_at = timezone.now() - timedelta(hours=1)
    post(owner, blue)
    error = PictureError("image_fetch_failed", "It is gone.")
    record_failure(owner.tenant, ProductDocument("a", (blue,), sent_at=queued_at), error)
    assert (Product.objects.get().error_code, stored()) == ("", (blue, {}))
    record_failure(owner.tenant, ProductDocument("a", (blue,), sent_at=timezone.now()), error)
    assert Product.objects.get().error_code == "image_fetch_failed"


def test_a_patch_of_a_product_that_failed_outlasts_its_next_try(owner, blue):
    document = ProductDocument("a", (blue,), {"price": 1}, sent_at=timezone.now())
    error = PictureError("image_fetch_failed", "It is gone.")
    record_failure(owner.tenant, document, error)
    patch(owner, price=2)
    record_failure(owner.tenant, document, error)
    assert stored() == (blue, {"price": 2})
