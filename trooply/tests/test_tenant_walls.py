"""Every address that names something of a tenant answers 404 to everybody else, with nothing changed."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from catalog.models import Job, Product

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
    return {"product_id": "a", "job_id": job.job_id}


def test_a_stranger_finds_nothing_anywhere(ids, stranger):
    patterns = api_patterns()
    assert len(patterns) >= 5
    before = list(Product.objects.values()), list(Job.objects.values())
    for pattern in patterns:
        path = reverse(pattern.name, kwargs={name: ids[name] for name in pattern.pattern.converters})
        view = pattern.callback.view_class
        for method in METHODS:
            if hasattr(view, method):
                response = getattr(stranger.client, method)(path, BODY)
                assert (response.status_code, response.json()["error"]) == (404, "not_found"), f"{method} {path}"
    assert (list(Product.objects.values()), list(Job.objects.values())) == before


def test_what_is_missing_and_what_is_foreign_look_the_same(ids, stranger):
    foreign = stranger.client.get("/v1/products/a").json()
    missing = stranger.client.get("/v1/products/b").json()
    for body in (foreign, missing):
        body.pop("request_id")
        body.pop("instance")
    assert foreign == missing
