import pytest

from catalog.models import AttributeDecision
from catalog.tests.judged_products import add_judged

URL = "/attributes"
LEATHER = {"material": {"leather": 0.9}}
GROUP = {"attribute": "material", "value": "leather", "min_confidence": "0.5"}


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


@pytest.fixture
def shoes(tenant):
    for product_id, confidence in (("a", 0.81), ("b", 0.97)):
        add_judged(tenant, product_id, attributes={"material": {"leather": confidence}})


def materials(tenant):
    return dict(tenant.products.order_by("pk").values_list("product_id", "metadata__material"))


def test_the_page_shows_values_with_their_pictures(portal, tenant, shoes):
    add_judged(tenant, "c", attributes={"material": {"wool": 0.7}, "color": {"blue": 0.9}})
    response = portal.get(URL, {"attribute": "material"})
    groups = [
        (group.value, group.products, group.least, group.most, [product.product_id for product in group.sample])
        for group in response.context["groups"]
    ]
    assert groups == [("leather", 2, 0.81, 0.97, ["b", "a"]), ("wool", 1, 0.7, 0.7, ["c"])]
    assert "81\N{EN DASH}97 % sure" in response.content.decode()
    sure = portal.get(URL, {"attribute": "material", "min_confidence": "0.9"})
    assert [group.products for group in sure.context["groups"]] == [1]


def test_the_first_attribute_with_suggestions_is_shown(portal, shoes):
    assert portal.get(URL).context["attribute"] == "material"


def test_a_group_is_accepted_and_taken_back(portal, tenant, shoes):
    response = portal.post(f"{URL}/decide?attribute=material", GROUP | {"verdict": "accept"})
    assert response["Location"] == f"{URL}?attribute=material"
    assert materials(tenant) == {"a": "leather", "b": "leather"}
    page = " ".join(portal.get(URL).content.decode().split())
    assert "accepted for 2 products" in page
    # Who works with the keyboard goes on from there, and hears it.
    assert page.count('role="status" tabindex="-1" autofocus>') == 1
    portal.post(f"{URL}/undo", {"attribute": "material", "value": "leather", "accepted": "true"})
    assert materials(tenant) == {"a": None, "b": None}
    assert not AttributeDecision.objects.exists()


def test_only_what_is_ticked_is_decided(portal, tenant, shoes):
    portal.post(f"{URL}/decide", GROUP | {"verdict": "reject", "product_id": ["a"]})
    decision = AttributeDecision.objects.get()
    assert (decision.product.product_id, decision.accepted, decision.decided_by) == ("a", False, "alice@example.com")


def test_a_group_is_accepted_only_as_far_as_the_page_has_shown_it(portal, tenant, shoes):
    portal.post(f"{URL}/decide", GROUP | {"verdict": "accept", "min_confidence": "0.9"})
    assert materials(tenant) == {"a": None, "b": "leather"}


@pytest.mark.parametrize("changes", [{"verdict": "perhaps"}, {"attribute": "mood"}, {"min_confidence": "x"}])
def test_what_makes_no_sense_changes_nothing(portal, tenant, shoes, changes):
    response = portal.post(f"{URL}/decide", GROUP | {"verdict": "accept"} | changes)
    assert (response.status_code, materials(tenant)) == (302, {"a": None, "b": None})


def test_a_reader_sees_and_decides_nothing(reader, client, shoes):
    client.force_login(reader.user)
    page = client.get(URL).content.decode()
    assert "Leather" in page
    assert "Accept" not in page
    assert client.post(f"{URL}/decide", GROUP | {"verdict": "accept"}).status_code == 403
    assert client.post(f"{URL}/undo", GROUP).status_code == 403
