"""Every address that names something of a tenant answers 404 to everybody else, with nothing changed."""

from dataclasses import asdict

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from accounts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from catalog.models import Job, Product
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet
from search.models import Experiment, SavedSearch
from search.ranking import Weights

BODY = {"image_url": "https://example.com/a.jpg", "metadata": {}}
METHODS = ("get", "put", "patch", "post", "delete")


def api_patterns(resolver=None):
    """Return the URL patterns of the API that have a variable part."""
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            found += api_patterns(pattern)
        elif isinstance(pattern, URLPattern) and pattern.pattern.converters:
            view = getattr(pattern.callback, "view_class", None)
            if view is not None and issubclass(view, APIView):
                found.append(pattern)
    return found


@pytest.fixture
def ids(owner, index):
    """Return the id of one thing of the owner for every variable part; a new part must be added here."""
    index(a=(255, 0, 0))
    job = Job.objects.create(tenant=owner.tenant, kind=Job.Kind.INDEX, total=0)
    owner.tenant.custom_fields.create(key="season", display_name="Season", type="string")
    weights = asdict(Weights())
    experiment = owner.tenant.experiments.create(variant_a=weights, variant_b=weights, planned_sample=100)
    saved = owner.tenant.saved_searches.create(name="Red", mode="text", params={"query": "red"})
    webhook = owner.tenant.webhook_endpoints.create(url="https://example.com/", events=["*"], secret="s" * 16)
    event = WebhookEvent.objects.create(tenant=owner.tenant, type="product.deleted", data={})
    delivery = webhook.deliveries.create(tenant=owner.tenant, event=event)
    return {
        "webhook_id": webhook.webhook_id,
        "delivery_id": delivery.delivery_id,
        "event_id": owner.tenant.moderation_events.get().event_id,
        "product_id": "a",
        "token": "forged",
        "key": "season",
        "experiment_id": experiment.experiment_id,
        "saved_id": saved.saved_id,
        "job_id": job.job_id,
        "group_id": owner.tenant.duplicate_groups.create(similarity=0.97, members_digest="0" * 64).group_id,
        "rule_id": MerchandisingRule.objects.create(tenant=owner.tenant, rule_type="pin", product_ids=["a"]).pk,
        "banner_id": PromoBanner.objects.create(tenant=owner.tenant, title="Sale").pk,
        "synonym_id": SynonymSet.objects.create(tenant=owner.tenant, words=["sofa", "couch"]).pk,
    }


def test_a_stranger_finds_nothing_anywhere(ids, stranger):
    patterns = api_patterns()
    assert len(patterns) >= 15
    watched = [Product, Job, Experiment, SavedSearch, MerchandisingRule, PromoBanner, SynonymSet]
    watched += [WebhookEndpoint, WebhookDelivery]
    before = [list(model.objects.values()) for model in watched]
    for pattern in patterns:
        path = reverse(pattern.name, kwargs={name: ids[name] for name in pattern.pattern.converters})
        view = pattern.callback.view_class
        for method in METHODS:
            if hasattr(view, method):
                response = getattr(stranger.client, method)(path, {} if method == "get" else BODY)
                assert (response.status_code, code_of(response.json())) == (404, "not_found"), f"{method} {path}"
    assert [list(model.objects.values()) for model in watched] == before


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/search/similar", {"product_id": "a"}, 404, "not_found"),
        ("/v1/search/text", {"query": "red", "positive": [{"product_id": "a"}]}, 422, "validation_failed"),
        ("/v1/search/text", {"query": "red", "negative": [{"product_id": "a"}]}, 422, "validation_failed"),
        ("/v1/catalog/search", {"product_id": "a"}, 404, "not_found"),
    ],
)
def test_a_stranger_cannot_name_a_product_in_a_search_either(ids, owner, stranger, path, body, status, code):
    assert owner.client.post(path, body).status_code == 200
    response = stranger.client.post(path, body)
    assert (response.status_code, code_of(response.json())) == (status, code)


def test_our_own_id_of_a_product_opens_no_wall(ids, owner, stranger):
    own_id = Product.objects.get(tenant=owner.tenant).uuid
    for client, status in ((stranger.client, 404), (owner.client, 200)):
        assert client.get(f"/v1/catalog/products/{own_id}").status_code == status
        assert client.post("/v1/catalog/search", {"product_id": str(own_id)}).status_code == status
    assert stranger.client.delete(f"/v1/catalog/products/{own_id}").status_code == 404
    assert Product.objects.filter(uuid=own_id).exists()


def code_of(body):
    """Return the code of an error, which the Catalog API shows in a shape of its own."""
    return body["error"]["code"] if isinstance(body["error"], dict) else body["error"]


def test_what_is_missing_and_what_is_foreign_look_the_same(ids, stranger):
    foreign = stranger.client.get("/v1/products/a").json()
    missing = stranger.client.get("/v1/products/b").json()
    for body in (foreign, missing):
        body.pop("request_id")
        body.pop("instance")
    assert foreign == missing
