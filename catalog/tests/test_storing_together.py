import pytest

from accounts.models import WebhookEvent
from accounts.revisions import bump_revision
from accounts.webhooks.events import EventType
from catalog import indexing
from catalog.documents import ProductDocument
from catalog.indexing import index_products
from catalog.models import Embedding, ModerationEvent, Product, ProductColor, ProductImage
from conftest import picture

RED, GREEN, BLUE = (200, 40, 20), (30, 140, 40), (20, 40, 200)


@pytest.fixture
def documents(pictures):
    """Three new products, the first with two pictures, in no alphabetical order."""
    urls = [pictures.serve(f"/{number}.jpg", picture(color)) for number, color in enumerate([RED, GREEN, BLUE])]
    return [
        ProductDocument("mug", (urls[0], urls[1]), {"name": "Mug"}),
        ProductDocument("bag", (urls[1],), {"name": "Bag"}),
        ProductDocument("cap", (urls[2],), {"name": "Cap"}),
    ]


@pytest.fixture
def told(owner):
    """Somebody listens; call it for the ids of the products that were told as indexed, in their order."""
    owner.tenant.webhook_endpoints.create(url="https://shop.example/hook", events=list(EventType), secret="s" * 24)
    bump_revision(owner.tenant)
    indexed = WebhookEvent.objects.filter(type=EventType.PRODUCT_INDEXED).order_by("pk")
    return lambda: [event.data["product_id"] for event in indexed]


def stored():
    """Return each product with the digests and vectors of its pictures and its main colours, the oldest first."""
    return [
        (
            product.product_id,
            [(image.position, image.sha256, image.embeddings.count()) for image in product.images.all()],
            [tuple(color.rgb) for color in product.product_colors.order_by("pk")],
        )
        for product in Product.objects.order_by("pk")
    ]


def test_new_products_are_stored_together_as_each_is_by_itself(owner, stranger, documents, told):
    outcomes = index_products(owner.tenant, documents)
    assert [(outcome.document, outcome.is_new, outcome.error) for outcome in outcomes] == [
        (document, True, None) for document in documents
    ]
    together, events = stored(), told()
    assert events == [product_id for product_id, _, _ in together] == ["mug", "bag", "cap"]
    assert (ModerationEvent.objects.count(), ProductImage.objects.count(), Embedding.objects.count()) == (4, 4, 4)
    owner.tenant.products.all().delete()
    for document in documents:
        index_products(owner.tenant, [document])
    assert stored() == together


def test_many_new_products_take_no_more_queries_than_two(owner, documents, django_assert_max_num_queries):
    index_products(owner.tenant, [ProductDocument("first", documents[0].images)])
    with django_assert_max_num_queries(24) as captured:
        index_products(owner.tenant, documents[:2])
    two = len(captured)
    owner.tenant.products.all().delete()
    with django_assert_max_num_queries(two):
        index_products(owner.tenant, documents)


def test_one_that_fails_holds_up_no_other(owner, documents, pictures, told):
    documents[1] = ProductDocument("bag", (pictures.serve("/text.jpg", b"no picture"),))
    outcomes = index_products(owner.tenant, documents)
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [None, "unsupported_format", None]
    assert told() == ["mug", "cap"]


def test_a_product_that_is_sent_twice_at_once_is_as_it_was_sent_last(owner, documents, told):
    again = ProductDocument("bag", documents[2].images, {"name": "Blue Bag"})
    outcomes = index_products(owner.tenant, [*documents, again])
    assert [outcome.is_new for outcome in outcomes] == [True, True, True, False]
    assert Product.objects.get(product_id="bag").name == "Blue Bag"
    assert sorted(told()) == ["bag", "cap", "mug"]


def test_what_another_request_has_created_meanwhile_is_changed_and_the_others_are_created(
    owner, documents, told, monkeypatch
):
    store_thumbnail = indexing.store_thumbnail

    def created_first(*args):
        monkeypatch.setattr(indexing, "store_thumbnail", store_thumbnail)
        index_products(owner.tenant, [documents[1]])
        return store_thumbnail(*args)

    monkeypatch.setattr(indexing, "store_thumbnail", created_first)
    outcomes = index_products(owner.tenant, documents)
    assert [(outcome.is_new, outcome.error) for outcome in outcomes] == [(True, None), (False, None), (True, None)]
    assert told() == ["bag", "mug", "cap"]
    assert (ProductImage.objects.count(), Embedding.objects.count()) == (4, 4)
    assert ProductColor.objects.filter(product__product_id="bag").exists()
