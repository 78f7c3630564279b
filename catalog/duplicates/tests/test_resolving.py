from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, WebhookEvent
from catalog.duplicates.comparing import compare
from catalog.duplicates.groups import Cluster, replace_open_groups
from catalog.duplicates.joining import finish_scan
from catalog.duplicates.scan import start_scan
from catalog.duplicates.tests.catalogue import add_product, direction
from catalog.models import DuplicateGroup, Product


@pytest.fixture
def group(owner):
    """A group of three products of the owner."""
    products = [add_product(owner.tenant, name, direction(0), price="10", currency="USD") for name in ("a", "b", "c")]
    replace_open_groups(owner.tenant, [Cluster({product.pk: 0.97 for product in products}, 0.97)], is_complete=True)
    return DuplicateGroup.objects.get()


def resolve(client, group, action, **body):
    return client.post(f"/v1/duplicates/{group.group_id}/resolve", {"action": action} | body)


def remaining(tenant):
    return list(tenant.products.order_by("product_id").values_list("product_id", "parent_id"))


@pytest.mark.parametrize(("action", "state"), [("keep", "resolved"), ("ignore", "ignored")])
def test_all_products_can_stay(owner, group, action, state):
    body = resolve(owner.client, group, action).json()
    assert (body["state"], body["action"], len(body["products"])) == (state, action, 3)
    assert remaining(owner.tenant) == [("a", ""), ("b", ""), ("c", "")]
    assert owner.client.get("/v1/duplicates").json()["data"] == []
    assert [one["group_id"] for one in owner.client.get("/v1/duplicates", {"state": state}).json()["data"]] == [
        group.group_id
    ]


def test_the_others_can_be_deleted_once(owner, group, listener):
    listener("product.deleted")
    for _ in range(2):
        response = resolve(owner.client, group, "delete_others", product_id="b")
        assert response.status_code == 200
        assert [product["product_id"] for product in response.json()["products"]] == ["b"]
    assert remaining(owner.tenant) == [("b", "")]
    assert sorted(event.data["product_id"] for event in WebhookEvent.objects.all()) == ["a", "c"]
    [entry] = AuditEntry.objects.filter(action="duplicates.resolved")
    assert (entry.actor, entry.target) == ("owner", group.group_id)
    assert entry.before == {"state": "open", "action": "", "product_ids": ["a", "b", "c"]}
    assert entry.after == {"state": "resolved", "action": "delete_others", "product_id": "b"}


def test_the_others_can_become_variants(owner, group, listener):
    listener("product.updated")
    assert resolve(owner.client, group, "link_as_variant", product_id="a").status_code == 200
    assert remaining(owner.tenant) == [("a", ""), ("b", "a"), ("c", "a")]
    assert Product.objects.get(product_id="b").metadata == {"name": "b", "parent_id": "a"}
    assert [event.data["changes"] for event in WebhookEvent.objects.all()] == [["metadata.parent_id"]] * 2


def test_what_is_linked_to_a_variant_joins_its_family(owner, group):
    owner.client.patch("/v1/products/b", {"metadata": {"parent_id": "a"}})
    resolve(owner.client, group, "link_as_variant", product_id="b")
    assert remaining(owner.tenant) == [("a", ""), ("b", "a"), ("c", "a")]


def test_products_that_are_gone_already_do_no_harm(owner, group):
    owner.client.delete("/v1/products/a")
    assert resolve(owner.client, group, "delete_others", product_id="a").status_code == 422
    assert remaining(owner.tenant) == [("b", ""), ("c", "")]
    assert resolve(owner.client, group, "delete_others", product_id="c").status_code == 200
    assert remaining(owner.tenant) == [("c", "")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "delete_others"}, "product_id"),
        ({"action": "link_as_variant", "product_id": "elsewhere"}, "product_id"),
        ({"action": "forget"}, "action"),
        ({}, "action"),
    ],
)
def test_what_makes_no_sense_is_refused(owner, group, body, field):
    add_product(owner.tenant, "elsewhere", direction(1))
    response = owner.client.post(f"/v1/duplicates/{group.group_id}/resolve", body)
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, [field])
    assert DuplicateGroup.objects.get().state == "open"


def test_deleting_needs_the_right_to_delete(owner, group, reader):
    readers = reader.user.user_groups.get()
    readers.permissions = ["products:read", "products:write"]
    readers.save()
    refused = resolve(reader.client, group, "delete_others", product_id="a")
    assert (refused.status_code, refused.json()["message"]) == (403, "Missing required permission: products:delete")
    assert len(remaining(owner.tenant)) == 3
    assert resolve(reader.client, group, "ignore").status_code == 200
    assert DuplicateGroup.objects.get().resolved_by == "bob@example.com"


def test_it_requires_the_permission(reader, group):
    assert resolve(reader.client, group, "keep").status_code == 403


def test_a_stranger_finds_no_group(stranger, group):
    assert resolve(stranger.client, group, "keep").status_code == 404


def test_a_group_of_which_deletions_have_left_one_product_is_gone(owner, group, portal):
    owner.client.delete("/v1/products/a")
    assert len(owner.client.get("/v1/duplicates").json()["data"]) == 1
    owner.client.delete("/v1/products/b")
    assert owner.client.get("/v1/duplicates").json()["data"] == []
    assert resolve(owner.client, group, "keep").status_code == 404
    context = portal.get("/duplicates").context
    assert (context["shown"], [count for _, _, count in context["tabs"]]) == ([], [0, 0, 0])


@pytest.mark.parametrize(
    ("bare", "full"),
    [
        ({"quality": 0.9, "price": None}, {"quality": 0.2}),
        ({"quality": 0.9, "in_stock": False}, {"quality": 0.2}),
        ({"quality": 0.9, "created_at": datetime(2026, 2, 1, tzinfo=UTC)}, {"quality": 0.2}),
        ({"quality": 0.2}, {"quality": 0.9}),
    ],
)
def test_the_product_that_is_proposed_to_stay_is_the_one_the_shop_tells_most_of(portal, owner, group, bare, full):
    told = {"brand": "Acme", "category": "shoes", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    owner.tenant.products.update(**told | bare)
    owner.tenant.products.filter(product_id="b").update(**told | {"price": 10, "in_stock": True} | full)
    [shown] = portal.get("/duplicates").context["shown"]
    assert [side.is_suggested for side in shown.sides] == [False, True, False]


def test_the_dialog_names_what_stays_and_what_goes(portal, owner, group):
    page = " ".join(portal.get("/duplicates").content.decode().split())
    stays = "<strong data-stays>Stays:</strong> <span data-goes hidden>Is deleted:</span> a <code>a</code>"
    goes = "<strong data-stays hidden>Stays:</strong> <span data-goes>Is deleted:</span> c <code>c</code>"
    assert stays in page
    assert goes in page
    assert page.count("data-closes autofocus>Cancel</button>") == 2


def test_after_a_decision_the_focus_is_on_the_next_group(portal, owner, group):
    other = [add_product(owner.tenant, name, direction(1)) for name in ("d", "e")]
    clusters = [
        Cluster(dict.fromkeys(group.members.values_list("product", flat=True), 0.97), 0.97),
        Cluster({product.pk: 0.96 for product in other}, 0.96),
    ]
    replace_open_groups(owner.tenant, clusters, is_complete=True)
    second = DuplicateGroup.objects.get(similarity=0.96)
    for decided, focused in ((group, second.group_id), (second, "duplicate-results")):
        response = portal.post("/duplicates/resolve?state=open", {"decision": f"keep {decided.group_id}"})
        assert response["Location"] == f"/duplicates?state=open#{focused}"
    assert portal.post("/duplicates/undo", {"group_id": group.group_id})["Location"] == "/duplicates#duplicate-results"
    page = " ".join(portal.get("/duplicates").content.decode().split())
    assert f'<article id="{group.group_id}" class="twins"' in page


def test_decisions_and_scans_lock_the_tenant_before_groups_and_products(portal, owner, group):
    job = start_scan(owner.tenant, "owner")
    compare(job, list(job.items.all()))
    for act in (
        lambda: portal.post("/duplicates/resolve", {"decision": f"keep {group.group_id}"}),
        lambda: portal.post("/duplicates/undo", {"group_id": group.group_id}),
        lambda: finish_scan(job),
    ):
        with CaptureQueriesContext(connection) as captured:
            act()
        locking = [query["sql"] for query in captured if query["sql"].endswith(("FOR UPDATE", "FOR NO KEY UPDATE"))]
        assert len(locking) > 1
        assert locking[0].startswith('SELECT "accounts_tenant"')


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


def test_the_page_shows_products_side_by_side_with_what_they_differ_in(portal, owner, group):
    Product.objects.filter(product_id="b").update(price="12.5")
    page = portal.get("/duplicates")
    [shown] = page.context["shown"]
    assert shown.differences == ["name", "price"]
    assert [[fact.value for fact in side.facts if fact.name == "Price"] for side in shown.sides] == [
        ["10.00 USD"],
        ["12.50 USD"],
        ["10.00 USD"],
    ]
    assert "97 % alike" in page.content.decode()


def test_the_page_decides_about_one_group_or_many_and_takes_it_back(portal, owner, group):
    other = [add_product(owner.tenant, name, direction(1)) for name in ("d", "e")]
    clusters = [
        Cluster(dict.fromkeys(group.members.values_list("product", flat=True), 0.97), 0.97),
        Cluster({product.pk: 0.99 for product in other}, 0.99),
    ]
    replace_open_groups(owner.tenant, clusters, is_complete=True)
    second = DuplicateGroup.objects.exclude(pk=group.pk).get()
    both = [group.group_id, second.group_id]
    portal.post("/duplicates/resolve", {"decision": "ignore", "group_id": both})
    assert set(DuplicateGroup.objects.values_list("state", "resolved_by")) == {("ignored", "alice@example.com")}
    portal.post("/duplicates/undo", {"group_id": group.group_id})
    assert dict(DuplicateGroup.objects.values_list("group_id", "state")) == {both[0]: "open", both[1]: "ignored"}
    chosen = {f"chosen-{group.group_id}": "c", f"chosen-{second.group_id}": "d"}
    portal.post("/duplicates/resolve", {"decision": f"delete_others {group.group_id}", "group_id": both} | chosen)
    assert [product_id for product_id, _ in remaining(owner.tenant)] == ["c", "d", "e"]
    response = portal.post("/duplicates/undo", {"group_id": group.group_id}, follow=True)
    assert "there is nothing to decide anew" in response.content.decode()
    assert sorted(AuditEntry.objects.values_list("action", flat=True)) == [
        "duplicates.reopened",
        "duplicates.resolved",
        "duplicates.resolved",
        "duplicates.resolved",
    ]


def test_the_page_scans_and_shows_how_far_it_is(portal, owner, django_capture_on_commit_callbacks):
    add_product(owner.tenant, "a", direction(0))
    add_product(owner.tenant, "b", direction(0))
    assert "Not scanned yet" in portal.get("/duplicates").content.decode()
    with django_capture_on_commit_callbacks() as waiting:
        portal.post("/duplicates/scan", {"threshold": "0.9"})
    page = portal.get("/duplicates").content.decode()
    assert "for a similarity of 90 % and more" in page
    assert 'hx-trigger="every 2s"' in page
    assert "0 of 1" in portal.get("/duplicates/progress").content.decode()
    for run in waiting:
        run()
    assert portal.get("/duplicates/progress")["HX-Refresh"] == "true"
    page = portal.get("/duplicates").content.decode()
    assert "2 products in 1 group, 1 of them new" in " ".join(page.split())
    assert "100 % alike" in page


def test_who_may_only_read_sees_no_decisions(client, reader, group):
    client.force_login(reader.user)
    page = client.get("/duplicates").content.decode()
    assert "97 % alike" in page
    assert "Keep all" not in page
    assert "Scan now" not in page
    assert client.post("/duplicates/resolve", {"decision": f"keep {group.group_id}"}).status_code == 403
