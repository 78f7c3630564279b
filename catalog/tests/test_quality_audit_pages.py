import pytest

from catalog.models import Job
from catalog.tests.judged_products import add_judged

URL = "/quality"


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


def shown(response):
    return [product.product_id for product in response.context["page"]]


def test_an_empty_catalogue_is_told_what_comes(portal):
    assert "No pictures yet" in portal.get(URL).content.decode()


def test_the_page_shows_the_worst_first_and_what_to_do(portal, tenant):
    add_judged(tenant, "good", score=0.9)
    add_judged(tenant, "bad", score=0.4, grade="poor", problems=["blurry"], hint="Hold still.", name="Boot")
    response = portal.get(URL)
    page = response.content.decode()
    assert shown(response) == ["bad", "good"]
    assert "Hold still." in page
    assert '<span class="tag">Blurred</span>' in page
    assert [(bar.grade, bar.count, bar.percent) for bar in response.context["bars"]] == [
        ("excellent", 1, 50),
        ("good", 0, 0),
        ("fair", 0, 0),
        ("poor", 1, 50),
    ]
    assert shown(portal.get(URL, {"problem": "blurry"})) == ["bad"]
    assert portal.get(URL, {"grade": "odd"})["Location"] == URL


def test_ticked_products_are_judged_again(portal, tenant):
    add_judged(tenant, "a")
    add_judged(tenant, "b")
    response = portal.post(f"{URL}/reindex?grade=poor", {"product_id": ["a"]})
    assert response["Location"] == f"{URL}?grade=poor"
    job = Job.objects.get()
    assert (job.kind, list(job.items.values_list("product_id", flat=True))) == ("reindex", ["a"])


def test_the_table_is_a_file(portal, tenant):
    add_judged(tenant, "bad", score=0.4, grade="poor", problems=["blurry"], category="Shoes")
    add_judged(tenant, "hat", score=0.4, grade="poor", problems=["blurry"], category="Hats")
    response = portal.get(f"{URL}/below.csv", {"category": "shoes"})
    assert b"".join(response.streaming_content).decode().splitlines()[1] == (
        "bad,,Shoes,0.4,poor,blurry,,https://example.com/bad.jpg"
    )


@pytest.mark.parametrize("path", ["/quality/reindex"])
def test_reading_is_not_writing(reader, client, path):
    add_judged(reader.tenant, "a")
    client.force_login(reader.user)
    response = client.get(URL)
    assert (shown(response), "checkbox" in response.content.decode()) == (["a"], False)
    assert client.post(path, {"product_id": ["a"]}).status_code == 403
