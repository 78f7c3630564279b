import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from catalog.duplicates import comparing, joining
from catalog.duplicates.comparing import LINKS, blocks_of, find_links
from catalog.duplicates.covers import forget, load_covers
from catalog.duplicates.tests.catalogue import add_product, direction
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.models import DuplicateBlock, DuplicateGroup, JobItem, Product

SCAN = "/v1/duplicates/scan"


@pytest.fixture
def scan(owner, django_capture_on_commit_callbacks):
    """Scan the owner's catalogue and return the job as it is told of when it has finished."""

    def run(**body):
        with django_capture_on_commit_callbacks(execute=True):
            response = owner.client.post(SCAN, body)
        assert response.status_code == 202, response.content
        return owner.client.get(f"/v1/jobs/{response.json()['job_id']}").json()

    return run


@pytest.fixture
def near():
    """Return a vector that lies so near to an axis that the two are called that similar."""

    def make(number, similarity, *, towards):
        cosine = heads_of(active_encoder()).duplicates.cosine(similarity)
        return direction(number, towards=towards, cosine=cosine)

    return make


def groups_of(client, **query):
    """Return the products of each group that is listed."""
    answer = client.get("/v1/duplicates", query).json()
    return [[product["product_id"] for product in group["products"]] for group in answer["data"]]


def test_a_scan_groups_what_is_nearly_the_same_and_tells_how_much(owner, scan, near):
    add_product(owner.tenant, "shoe", direction(0), price="79.99", currency="USD")
    add_product(owner.tenant, "hat", direction(1))
    add_product(owner.tenant, "shoe-again", near(0, 0.98, towards=2))
    add_product(owner.tenant, "shoe-like", near(0, 0.93, towards=3))
    job = scan()
    assert (job["status"], job["type"], job["total"], job["failed"]) == ("completed", "duplicates", 1, 0)
    assert job["result"] == {"groups": 1, "products": 2, "new": 1}
    [group] = owner.client.get("/v1/duplicates").json()["data"]
    assert (group["state"], group["action"]) == ("open", "")
    assert group["similarity"] == pytest.approx(0.98, abs=0.002)
    assert {
        key: group["products"][0][key] for key in ("product_id", "name", "price", "currency", "width", "height")
    } == {
        "product_id": "shoe",
        "name": "shoe",
        "price": 79.99,
        "currency": "USD",
        "width": 800,
        "height": 600,
    }
    assert group["products"][0]["image_url"] == "https://shop.example/shoe.jpg"
    assert group["products"][0]["thumbnail_url"].endswith(f"/thumbnails/{owner.tenant.pk}/shoe.webp")
    assert [product["product_id"] for product in group["products"]] == ["shoe", "shoe-again"]
    assert not DuplicateBlock.objects.exists()
    assert scan(threshold=0.9)["result"] == {"groups": 1, "products": 3, "new": 1}
    assert groups_of(owner.client) == [["shoe", "shoe-again", "shoe-like"]]


def test_variants_of_one_product_are_no_duplicates(owner, scan):
    add_product(owner.tenant, "shirt", direction(0))
    add_product(owner.tenant, "shirt-m", direction(0), parent_id="shirt")
    add_product(owner.tenant, "same-picture", direction(1), sha256="0" * 64, parent_id="coat")
    add_product(owner.tenant, "same-picture-too", direction(1), sha256="0" * 64, parent_id="coat")
    assert scan()["result"] == {"groups": 0, "products": 0, "new": 0}
    add_product(owner.tenant, "copied", direction(1), parent_id="another-coat")
    scan()
    assert groups_of(owner.client) == [["same-picture", "same-picture-too", "copied"]]


def test_thousands_of_placeholders_cost_no_pairs(owner, scan, monkeypatch):
    monkeypatch.setattr(joining, "MAX_MEMBERS", 10)
    for number in range(25):
        add_product(owner.tenant, f"p{number:02}", direction(0), sha256="0" * 64)
    stored = []
    monkeypatch.setattr(
        joining, "join_links", lambda links, join=joining.join_links: stored.extend(links) or join(links)
    )
    scan()
    assert len(stored) == 24
    assert sorted(map(len, groups_of(owner.client))) == [8, 8, 9]


def test_blocks_find_what_one_comparison_of_all_with_all_finds(owner, scan, monkeypatch):
    random = np.random.default_rng(1)
    vectors = random.normal(size=(40, active_encoder().dimensions)).astype(np.float32)
    vectors[20:] = vectors[random.permutation(20)] + 0.2 * vectors[20:]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors):
        add_product(owner.tenant, f"p{number:02}", vector)
    stored = load_covers(owner.tenant, encoder_row(active_encoder()))
    cosines = stored.vectors.astype(np.float32) @ stored.vectors.astype(np.float32).T
    threshold = 0.95
    near = np.triu(cosines >= heads_of(active_encoder()).duplicates.cosine(threshold), 1)
    monkeypatch.setattr(comparing, "STEP_OPERATIONS", 2 * 40 * active_encoder().dimensions * 7)
    monkeypatch.setattr(comparing, "TILE", 11)
    assert len(list(blocks_of(owner.tenant, encoder_row(active_encoder())))) == 6
    job = scan()
    assert job["total"] == 6
    expected = sorted([f"p{one:02}", f"p{other:02}"] for one, other in zip(*np.nonzero(near), strict=True))
    assert len(expected) == 20
    assert sorted(groups_of(owner.client, limit=100)) == expected


def test_of_one_picture_only_the_strongest_links_are_kept(owner):
    for number in range(30):
        add_product(owner.tenant, f"p{number:02}", direction(0, towards=number + 1, cosine=1 - number / 1e5))
    links = find_links(load_covers(owner.tenant, encoder_row(active_encoder())), 0, 1, cosine=0.9)
    assert links.one.tolist() == [0] * LINKS
    assert links.other.tolist() == list(range(1, LINKS + 1))


def test_a_group_that_is_found_again_keeps_its_id_and_what_is_no_more_is_closed(owner, scan):
    for product_id, axis in (("a", 0), ("b", 0), ("c", 1), ("d", 1)):
        add_product(owner.tenant, product_id, direction(axis))
    scan()
    before = dict(DuplicateGroup.objects.values_list("members__product__product_id", "group_id"))
    Product.objects.get(product_id="d").delete()
    assert scan()["result"] == {"groups": 1, "products": 2, "new": 0}
    assert dict(DuplicateGroup.objects.values_list("members__product__product_id", "group_id")) == {
        product_id: before[product_id] for product_id in ("a", "b")
    }


def test_what_was_decided_stays_decided_until_another_product_joins(owner, scan):
    for product_id in ("a", "b", "c"):
        add_product(owner.tenant, product_id, direction(0))
    scan()
    group_id = DuplicateGroup.objects.get().group_id
    owner.client.post(f"/v1/duplicates/{group_id}/resolve", {"action": "ignore"})
    assert scan()["result"]["groups"] == 0
    Product.objects.get(product_id="c").delete()
    assert scan()["result"]["groups"] == 0
    add_product(owner.tenant, "d", direction(0))
    assert scan()["result"] == {"groups": 1, "products": 3, "new": 1}
    assert groups_of(owner.client, state="ignored") == [["a", "b"]]
    assert groups_of(owner.client) == [["a", "b", "d"]]


def test_products_that_go_while_a_scan_is_under_way_do_no_harm(owner, tenant, monkeypatch):
    for product_id in ("a", "b", "c"):
        add_product(tenant, product_id, direction(0))
    job_id = owner.client.post(SCAN).json()["job_id"]
    job = tenant.jobs.get(job_id=job_id)
    item = job.items.get()
    assert comparing.compare(job, [item]) == [None]
    Product.objects.get(product_id="a").delete()
    add_product(tenant, "e", direction(0))
    # A worker that was killed is followed by another, which does the same again.
    forget()
    comparing.compare(job, [item])
    Product.objects.get(product_id="b").delete()
    job.items.update(status=JobItem.Status.SUCCEEDED, due_at=None)
    joining.finish_scan(job)
    assert groups_of(owner.client) == [["c", "e"]]


def test_a_scan_that_missed_a_part_closes_no_group(owner, tenant, scan):
    for product_id in ("a", "b"):
        add_product(tenant, product_id, direction(0))
    scan()
    job = tenant.jobs.get(job_id=owner.client.post(SCAN).json()["job_id"])
    job.items.update(status=JobItem.Status.FAILED, due_at=None)
    joining.finish_scan(job)
    assert groups_of(owner.client) == [["a", "b"]]


def test_when_a_part_is_tried_again_what_the_others_have_found_counts_too(owner, tenant, monkeypatch):
    monkeypatch.setattr(comparing, "STEP_OPERATIONS", 2 * 4 * active_encoder().dimensions * 2)
    for product_id, axis in (("a", 0), ("b", 0), ("c", 1), ("d", 1)):
        add_product(tenant, product_id, direction(axis))
    job = tenant.jobs.get(job_id=owner.client.post(SCAN).json()["job_id"])
    first, second = job.items.order_by("index")
    comparing.compare(job, [first])
    joining.finish_scan(job)
    assert groups_of(owner.client) == [["a", "b"]]
    forget()
    comparing.compare(job, [second])
    joining.finish_scan(job)
    assert sorted(groups_of(owner.client)) == [["a", "b"], ["c", "d"]]
    assert not DuplicateBlock.objects.exists()


def test_a_scan_is_written_down_once(owner):
    job_id = owner.client.post(SCAN, {"threshold": 0.9}).json()["job_id"]
    owner.client.post(SCAN, {"threshold": 0.9})
    [entry] = AuditEntry.objects.filter(action="duplicates.scanned")
    assert (entry.actor, entry.target, entry.after) == ("owner", job_id, {"threshold": 0.9})


def test_one_scan_at_a_time(owner):
    first = owner.client.post(SCAN, {"threshold": 0.9})
    assert owner.client.post(SCAN, {"threshold": 0.9}).json()["job_id"] == first.json()["job_id"]
    refused = owner.client.post(SCAN, {"threshold": 0.95})
    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    assert first.json()["job_id"] in refused.json()["message"]


def test_an_empty_catalogue_is_scanned_too(scan):
    assert scan()["result"] == {"groups": 0, "products": 0, "new": 0}


@pytest.mark.parametrize("threshold", [0.79, 1, "high", None, True])
def test_a_threshold_out_of_range_is_refused(owner, threshold):
    response = owner.client.post(SCAN, {"threshold": threshold})
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, ["threshold"])


def test_shops_are_scanned_apart(owner, stranger, scan):
    add_product(owner.tenant, "a", direction(0))
    add_product(stranger.tenant, "b", direction(0))
    assert scan()["result"]["groups"] == 0


def test_it_requires_the_permission(reader):
    assert reader.client.post(SCAN).status_code == 403
    assert reader.client.get("/v1/duplicates").status_code == 200


def test_the_command_scans_by_itself(owner, stranger, capsys):
    for product_id in ("a", "b"):
        add_product(owner.tenant, product_id, direction(0))
        add_product(stranger.tenant, product_id, direction(0))
    call_command("scan_duplicates", tenant=owner.tenant.client_id, verbosity=0)
    assert capsys.readouterr().out == f"{owner.tenant.client_id}: 2 products in 1 groups, 1 of them new.\n"
    assert DuplicateGroup.objects.get().tenant == owner.tenant
    call_command("scan_duplicates", threshold=0.9, no_wait=True, verbosity=0)
    assert "has 1 steps to do" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is under way"):
        call_command("scan_duplicates", threshold=0.95, verbosity=0)
    with pytest.raises(CommandError, match="There is no tenant with the client id nobody"):
        call_command("scan_duplicates", tenant="nobody")
    with pytest.raises(CommandError, match=r"from 0\.8 to 0\.999"):
        call_command("scan_duplicates", "--threshold", "0.5")
