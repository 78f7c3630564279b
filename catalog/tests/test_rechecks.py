from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import WebhookEvent
from accounts.revisions import bump_revision
from accounts.webhooks.events import EventType
from catalog import indexing
from catalog.documents import ProductDocument
from catalog.indexing import index_products
from catalog.models import Embedding, Job, JobItem, Product, ProductImage
from catalog.pictures import politeness, rechecks
from catalog.pictures.rechecks import recheck_images
from conftest import picture

BLUE, RED = (20, 40, 200), (200, 40, 20)
WEEK = timedelta(hours=168)


@pytest.fixture(autouse=True)
def _endpoint(tenant):
    tenant.webhook_endpoints.create(url="https://shop.example/hook", events=list(EventType), secret="s" * 24)
    bump_revision(tenant)


@pytest.fixture
def shoe(owner, pictures):
    """The address of a picture that was last seen more than a week ago."""
    url = pictures.serve("/shoe.jpg", picture(BLUE), headers={"ETag": '"v1"'})
    send(owner, url)
    age()
    return url


def send(character, url, *, product_id="shoe-001"):
    body = {"product_id": product_id, "image_url": url, "metadata": {}}
    response = character.client.post("/v1/products", body)
    assert response.status_code in (200, 201), response.content


def age():
    ProductImage.objects.update(checked_at=timezone.now() - WEEK - timedelta(hours=1))
    WebhookEvent.objects.all().delete()


def check(django_capture_on_commit_callbacks):
    """Recheck, and let the jobs that this starts run."""
    with django_capture_on_commit_callbacks(execute=True):
        recheck_images(timezone.now())


def told():
    return [(event.type, event.data.get("changes")) for event in WebhookEvent.objects.order_by("pk")]


def is_due():
    return ProductImage.objects.filter(checked_at__lt=timezone.now() - WEEK).exists()


# --- When a product is sent again ---------------------------------------------------------------------------


def test_a_picture_that_has_not_changed_is_not_downloaded_again(owner, pictures, shoe):
    before = Embedding.objects.values().get()
    send(owner, shoe)
    assert pictures.unchanged["/shoe.jpg"] == 1
    assert (Embedding.objects.values().get(), is_due(), told()) == (before, False, [])


def test_a_changed_version_is_downloaded_and_kept_under_its_new_name(owner, pictures, shoe):
    pictures.serve("/shoe.jpg", picture(RED), headers={"ETag": '"v2"'})
    send(owner, shoe)
    assert (ProductImage.objects.get().etag, told()) == ('"v2"', [("product.updated", ["image_url"])])


def test_a_picture_without_a_vector_of_the_encoder_is_downloaded(owner, pictures, shoe):
    Embedding.objects.all().delete()
    send(owner, shoe)
    assert (pictures.unchanged["/shoe.jpg"], Embedding.objects.count()) == (0, 1)


def test_another_address_is_asked_without_the_version_of_the_old_one(owner, pictures, shoe):
    url = pictures.serve("/other.jpg", picture(RED), headers={"ETag": '"v1"'})
    send(owner, url)
    assert (pictures.unchanged["/other.jpg"], ProductImage.objects.get().palette[0]["name"]) == (0, "red")


# --- When nobody sends it -----------------------------------------------------------------------------------


def test_an_old_picture_that_has_not_changed_is_only_noted(pictures, shoe, django_capture_on_commit_callbacks):
    check(django_capture_on_commit_callbacks)
    check(django_capture_on_commit_callbacks)
    assert (pictures.unchanged["/shoe.jpg"], is_due(), Job.objects.count(), told()) == (1, False, 0, [])


def test_the_same_bytes_under_another_name_are_only_noted(pictures, shoe, django_capture_on_commit_callbacks):
    pictures.serve("/shoe.jpg", picture(BLUE), headers={"ETag": '"v2"'})
    check(django_capture_on_commit_callbacks)
    assert (ProductImage.objects.get().etag, is_due(), Job.objects.count()) == ('"v2"', False, 0)


def test_other_pictures_are_indexed_again_by_one_job(owner, pictures, shoe, django_capture_on_commit_callbacks):
    send(owner, shoe, product_id="shoe-002")
    age()
    pictures.serve("/shoe.jpg", picture(RED))
    check(django_capture_on_commit_callbacks)
    job = Job.objects.get()
    assert (job.kind, job.status, job.total, is_due()) == ("reindex", "completed", 2, False)
    assert told().count(("product.updated", ["image_url"])) == 2


def test_a_picture_that_is_gone_leaves_the_product_and_is_told_once(
    owner, pictures, shoe, django_capture_on_commit_callbacks
):
    pictures.serve("/shoe.jpg", b"", status=404)
    check(django_capture_on_commit_callbacks)
    ProductImage.objects.update(checked_at=timezone.now() - 2 * WEEK)
    check(django_capture_on_commit_callbacks)
    product = owner.client.get("/v1/products/shoe-001").json()
    assert (product["status"], product["error_code"]) == ("indexed", "image_fetch_failed")
    assert "404" in product["error_message"]
    assert told() == [("product.failed", None)]
    assert WebhookEvent.objects.get().data["image_url"] == shoe


def test_a_picture_that_is_back_takes_the_error_away(owner, pictures, shoe, django_capture_on_commit_callbacks):
    pictures.serve("/shoe.jpg", b"", status=404)
    check(django_capture_on_commit_callbacks)
    age()
    pictures.serve("/shoe.jpg", picture(BLUE), headers={"ETag": '"v1"'})
    check(django_capture_on_commit_callbacks)
    assert (Product.objects.get().error_code, told()) == ("", [])


def test_a_server_that_is_unwell_is_asked_again_a_day_later(pictures, shoe, django_capture_on_commit_callbacks):
    pictures.serve("/shoe.jpg", b"", status=500)
    check(django_capture_on_commit_callbacks)
    checked_at = ProductImage.objects.get().checked_at
    assert timedelta(hours=23) < checked_at - (timezone.now() - WEEK) < timedelta(hours=25)
    assert (Product.objects.get().error_code, told()) == ("", [])


def test_every_shop_has_its_turn(owner, stranger, pictures, monkeypatch, django_capture_on_commit_callbacks):
    for number in range(4):
        url = pictures.serve(f"/{number}.jpg", picture(BLUE), headers={"ETag": '"v1"'})
        send(owner, url, product_id=f"shoe-{number}")
    send(stranger, pictures.serve("/strange.jpg", picture(RED), headers={"ETag": '"v1"'}))
    age()
    monkeypatch.setattr(rechecks, "ROUND", 4)
    check(django_capture_on_commit_callbacks)
    assert pictures.unchanged["/strange.jpg"] == 1
    assert ProductImage.objects.filter(tenant=owner.tenant, checked_at__lt=timezone.now() - WEEK).count() == 2


def test_a_server_that_has_asked_to_be_left_alone_is(pictures, shoe, django_capture_on_commit_callbacks):
    politeness.leave_alone(pictures.host, timedelta(minutes=1))
    check(django_capture_on_commit_callbacks)
    politeness.forget(pictures.host)
    assert (pictures.requests["/shoe.jpg"], is_due()) == (1, False)


def test_a_product_that_is_deleted_while_its_picture_is_looked_for_stays_away(
    owner, pictures, shoe, monkeypatch, django_capture_on_commit_callbacks
):
    settle = rechecks._settle

    def delete_first(*args):
        Product.objects.all().delete()
        settle(*args)

    monkeypatch.setattr(rechecks, "_settle", delete_first)
    pictures.serve("/shoe.jpg", b"", status=404)
    check(django_capture_on_commit_callbacks)
    assert (Product.objects.count(), told()) == (0, [])


def test_a_product_that_is_deleted_while_it_is_indexed_again_stays_away(
    owner, pictures, shoe, monkeypatch, django_capture_on_commit_callbacks
):
    look = indexing.extract_features

    def delete_first(*args, **kwargs):
        Product.objects.all().delete()
        return look(*args, **kwargs)

    monkeypatch.setattr(indexing, "extract_features", delete_first)
    pictures.serve("/shoe.jpg", picture(RED))
    check(django_capture_on_commit_callbacks)
    assert (Product.objects.count(), JobItem.objects.get().code, told()) == (0, "not_found", [])


def test_what_is_only_to_be_looked_at_again_is_never_made(owner, pictures, shoe):
    document = ProductDocument("deleted", (shoe,), metadata=None)
    (outcome,) = index_products(owner.tenant, [document])
    assert (outcome.error.code, Product.objects.count()) == ("not_found", 1)


def test_pictures_are_not_looked_for_when_it_is_switched_off(
    pictures, shoe, settings, django_capture_on_commit_callbacks
):
    settings.IMAGE_RECHECK_HOURS = 0
    check(django_capture_on_commit_callbacks)
    assert (pictures.requests["/shoe.jpg"], is_due()) == (1, True)
