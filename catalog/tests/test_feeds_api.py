import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry
from catalog.feeds import staging as feed_staging
from catalog.feeds.sync_steps import replace_metadata
from catalog.jobs.worker import work_on
from catalog.models import AttributeDecision, CustomField, Embedding, Job, JobItem, Product
from conftest import picture

IMPORT, SYNC = "/v1/products/import", "/v1/products/sync"
HEADER = "id,title,image,price\n"


@pytest.fixture
def send(owner, django_capture_on_commit_callbacks):
    """Send a feed as the body, and let its job run."""

    def run(url, data, content_type="text/csv", client=owner.client, **headers):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(url, data, content_type=content_type, **headers)

    return run


@pytest.fixture
def shop(owner):
    """Ten products as rows alone, p0 to p9, indexed an hour ago; and one of the demo shop."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    products = [row(owner.tenant, f"p{n}") for n in range(10)]
    products.append(row(owner.tenant, "demo", is_demo=True))
    Product.objects.bulk_create(products)
    Product.objects.update(created_at=an_hour_ago, updated_at=an_hour_ago, indexed_at=an_hour_ago)
    return owner


def row(tenant, product_id, **columns):
    metadata = {"name": product_id.upper(), "price": 10.0}
    urls = [f"https://shop.example/{product_id}.jpg"]
    return Product(
        tenant=tenant, product_id=product_id, image_urls=urls, metadata=metadata, status="indexed", **columns
    )


def line(product_id, *, title="", price="10.00", image=""):
    return f"{product_id},{title or product_id.upper()},{image or f'https://shop.example/{product_id}.jpg'},{price}\n"


def lines(*numbers):
    return "".join(line(f"p{n}") for n in numbers)


def ids(tenant):
    return set(tenant.products.values_list("product_id", flat=True))


def diff_of(response):
    body = response.json()
    return tuple(body[name] for name in ("added", "updated", "metadata_only", "unchanged", "removed"))


def test_an_import_indexes_the_products_of_a_file_and_says_which_lines_are_wrong(owner, send, pictures):
    url = pictures.serve("/a.jpg", picture())
    response = send(IMPORT, HEADER + line("a", image=url) + "b,No picture,,5\n" + line("c", image=url, price="free"))
    assert response.status_code == 202
    job = owner.client.get(response["Location"]).json()
    assert (job["total"], job["succeeded"], job["failed"]) == (3, 1, 2)
    assert [(e["product_id"], e["code"], e["message"]) for e in job["errors"]] == [
        ("b", "validation_failed", "Line 3: It has no picture."),
        ("c", "validation_failed", "Line 4: price: 'free' is no price."),
    ]
    product = Product.objects.get()
    assert (product.product_id, product.metadata) == ("a", {"name": "A", "price": 10.0})
    assert AuditEntry.objects.get(action="products.imported").after["products"] == 1


def test_a_file_may_come_in_a_form(owner, pictures, django_capture_on_commit_callbacks):
    csv = HEADER + line("a", image=pictures.serve("/a.jpg", picture()))
    file = SimpleUploadedFile("spring.csv", csv.encode("utf-16"), content_type="application/vnd.ms-excel")
    with django_capture_on_commit_callbacks(execute=True):
        response = owner.client.post(IMPORT, {"file": file}, format="multipart")
    assert response.status_code == 202
    assert (Job.objects.get().source, Product.objects.get().name) == ("spring.csv", "A")


def test_a_dry_run_tells_what_is_in_a_file_and_changes_nothing(owner, send):
    response = send(f"{IMPORT}?dry_run=true", HEADER + lines(*range(7)) + ",No id,https://shop.example/x.jpg,1\n")
    body = response.json()
    assert response.status_code == 200
    assert (body["format"], body["products"], body["skipped"], body["invalid"]) == ("csv", 7, 0, 1)
    assert body["errors"] == [{"line": 9, "message": "This row has no id.", "product_id": ""}]
    assert [product["product_id"] for product in body["sample"]] == ["p0", "p1", "p2", "p3", "p4"]
    assert body["columns"][0] == {"name": "id", "field": "product_id"}
    assert not Job.objects.exists()


def test_cells_are_what_the_shop_has_declared_its_fields_to_be(owner, send):
    for key, type_ in (("heel", "number"), ("vegan", "boolean"), ("uses", "string[]"), ("size", "string")):
        CustomField.objects.create(tenant=owner.tenant, key=key, display_name=key, type=type_)
    data = 'id,image,heel,vegan,uses,size\n1,https://shop.example/1.jpg,"7,5",yes,"run, walk",38\n'
    data += "2,https://shop.example/2.jpg,high,,,\n"
    body = send(f"{IMPORT}?dry_run=true", data).json()
    assert body["sample"][0]["metadata"] == {"heel": 7.5, "vegan": True, "uses": ["run", "walk"], "size": "38"}
    assert (body["errors"][0]["line"], body["errors"][0]["message"].split(":")[0]) == (3, "metadata.heel")


@pytest.mark.parametrize("url", [IMPORT, SYNC])
@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("words\n", "Expected a table whose first line names its columns"),
        ("id,title\n1,Bag\n", "a column for the picture's address"),
        (HEADER, "There is no product in this feed"),
        (HEADER + "1,Bag,,5\n", "It was read as csv. Line 2: It has no picture."),
    ],
)
def test_what_is_no_feed_or_has_no_product_does_nothing(shop, send, url, data, told):
    response = send(f"{url}?force=true" if url == SYNC else url, data)
    error = response.json()["errors"][0]
    assert (response.status_code, error["field"]) == (422, "file")
    assert told in error["message"]
    assert len(ids(shop.tenant)) == 11
    assert not Job.objects.exists()


def test_an_import_respects_the_plan(owner, send):
    plan = owner.tenant.subscription.plan
    plan.max_products = 2
    plan.save()
    response = send(IMPORT, HEADER + lines(1, 2, 3))
    assert (response.status_code, response.json()["error"]) == (403, "plan_limit_reached")
    assert not Job.objects.exists()


@pytest.mark.parametrize("url", [f"{IMPORT}?dry_run=true", IMPORT, SYNC])
def test_a_feed_of_more_products_than_the_plan_has_is_not_read_to_its_end(shop, send, url, monkeypatch):
    plan = shop.tenant.subscription.plan
    plan.max_products, plan.max_batch_size = 20, 5
    plan.save()
    read = []
    products_of = feed_staging.read_products

    def counted(*given):
        for entry in products_of(*given):
            read.append(entry)
            yield entry

    monkeypatch.setattr(feed_staging, "read_products", counted)
    response = send(url, HEADER + lines(*range(1_000)))
    error = response.json()["errors"][0]
    assert (response.status_code, error["field"], error["code"]) == (422, "file", "feed_too_long")
    assert "feeds of 20 products" in error["message"]
    assert len(read) == 21
    assert not Job.objects.exists()


def test_lines_that_repeat_a_product_are_told_and_the_last_one_counts(owner, send):
    data = HEADER + line("a", price="1") + line("b") + line("a", price="free") + line("a", price="2")
    body = send(f"{IMPORT}?dry_run=true", data).json()
    assert (body["products"], body["repeated"], body["invalid"]) == (2, 1, 1)
    assert body["repeats"] == [
        {"line": 2, "product_id": "a", "message": "a also stands in line 5; the last one counts."}
    ]
    assert [product["product_id"] for product in body["sample"]] == ["b", "a"]
    assert send(IMPORT, data).json()["total"] == 3
    assert Job.objects.get().result["repeated"] == 1
    assert [i.document.get("metadata", {}).get("price") for i in JobItem.objects.order_by("index")] == [10.0, None, 2.0]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (json.dumps({"product_id": "a", "image_url": "not a url"}), "application/x-ndjson"),
        ("id,image\na,not-a-url\n", "text/csv"),
    ],
)
def test_a_picture_in_a_file_is_an_address(owner, send, data, content_type):
    body = send(f"{IMPORT}?dry_run=true", data, content_type).json()
    assert (body["products"], body["invalid"], body["errors"][0]["product_id"]) == (0, 1, "a")
    assert body["errors"][0]["message"].endswith("is no address of a picture: it begins with https://.")


def test_a_picture_in_a_file_may_be_a_data_uri(owner, send):
    data = json.dumps({"product_id": "a", "image_url": "data:image/png;base64,iVBORw0KGgo="})
    assert send(f"{IMPORT}?dry_run=true", data, "application/x-ndjson").json()["products"] == 1


@pytest.mark.parametrize(
    ("own", "diff", "material"),
    [
        ("", (0, 0, 0, 10, 0), "leather"),
        ("cloth", (0, 1, 1, 9, 0), "cloth"),
    ],
)
def test_what_was_accepted_stays_where_the_feed_says_nothing(shop, send, own, diff, material):
    accept(shop.tenant, "p0", material="leather")
    rows = "".join(line(f"p{n}")[:-1] + f",{own if n == 0 else ''}\n" for n in range(10))
    data = "id,title,image,price,material\n" + rows
    assert diff_of(send(f"{SYNC}?dry_run=true", data)) == diff
    send(SYNC, data)
    assert Product.objects.get(product_id="p0").metadata["material"] == material


def test_what_was_accepted_stays_when_other_facts_are_replaced(shop, send):
    accept(shop.tenant, "p0", material="leather")
    data = HEADER + lines(*range(1, 10)) + line("p0", price="5")
    assert diff_of(send(f"{SYNC}?dry_run=true", data)) == (0, 1, 1, 9, 0)
    send(SYNC, data)
    assert Product.objects.get(product_id="p0").metadata == {"name": "P0", "price": 5.0, "material": "leather"}
    assert diff_of(send(f"{SYNC}?dry_run=true", data)) == (0, 0, 0, 10, 0)


def accept(tenant, product_id, **attributes):
    product = tenant.products.get(product_id=product_id)
    product.metadata |= attributes
    product.save()
    for attribute, value in attributes.items():
        AttributeDecision.objects.create(
            tenant=tenant, product=product, attribute=attribute, value=value, accepted=True, decided_by="alice"
        )


def test_a_sync_tells_first_what_it_would_do(shop, send):
    data = HEADER + lines(*range(7)) + line("p7", price="12") + line("p8", image="https://shop.example/new.jpg")
    response = send(f"{SYNC}?dry_run=true", data + line("new"))
    assert response.status_code == 200
    assert diff_of(response) == (1, 2, 1, 7, 1)
    body = response.json()
    assert (body["removed_sample"], body["removal_share"], body["would_be_refused"]) == (["p9"], 0.1, False)
    assert not Job.objects.exists()
    assert len(ids(shop.tenant)) == 11


def test_a_sync_makes_the_catalogue_what_the_feed_says(owner, send, pictures, index):
    index(same=(255, 0, 0), cheaper=(0, 255, 0), repainted=(0, 0, 255), gone=(9, 9, 9))
    kept = dict(Embedding.objects.values_list("product__product_id", "pk"))
    urls = {product.product_id: product.image_urls[0] for product in Product.objects.all()}
    pictures.requests.clear()
    header = "product_id,name,image,price\n"
    feed = header + f"same,same,{urls['same']},\ncheaper,cheaper,{urls['cheaper']},5\n"
    feed += f"repainted,repainted,{pictures.serve('/other.jpg', picture((9, 200, 9)))},\n"
    feed += f"new,new,{pictures.serve('/new.jpg', picture((200, 200, 9)))},\n"
    response = send(f"{SYNC}?max_removal_share=0.25", feed)
    assert response.status_code == 202
    assert {name: response.json()[name] for name in ("added", "updated", "unchanged", "removed", "total")} == {
        "added": 1,
        "updated": 2,
        "unchanged": 1,
        "removed": 1,
        "total": 4,
    }
    job = owner.client.get(response["Location"]).json()
    assert (job["type"], job["status"], job["succeeded"]) == ("sync", "completed", 4)
    assert ids(owner.tenant) == {"same", "cheaper", "repainted", "new"}
    cheaper = Product.objects.get(product_id="cheaper")
    assert (cheaper.metadata, str(cheaper.price)) == ({"name": "cheaper", "price": 5.0}, "5.00")
    now = dict(Embedding.objects.values_list("product__product_id", "pk"))
    assert (now["same"], now["cheaper"]) == (kept["same"], kept["cheaper"])
    assert sorted(pictures.requests) == ["/new.jpg", "/other.jpg"]
    entry = AuditEntry.objects.get(action="products.synced")
    assert (entry.target, entry.after["removed"]) == (job["job_id"], 1)


def test_a_sync_that_would_remove_too_much_is_refused_with_the_diff(shop, send):
    response = send(SYNC, HEADER + lines(*range(7)))
    body = response.json()
    assert (response.status_code, body["error"]) == (409, "too_many_removals")
    assert (body["diff"]["removed"], body["diff"]["removal_share"]) == (3, 0.3)
    assert "3 products, 30.0% of your catalogue" in body["message"]
    assert not Job.objects.exists()
    assert send(f"{SYNC}?max_removal_share=0.3", HEADER + lines(*range(7))).status_code == 202
    assert ids(shop.tenant) == {*(f"p{n}" for n in range(7)), "demo"}
    assert send(f"{SYNC}?force=true", HEADER + lines(0)).status_code == 202
    assert ids(shop.tenant) == {"p0", "demo"}


def test_lines_that_cannot_be_read_may_be_of_any_product_so_nothing_is_removed(shop, send):
    data = HEADER + lines(*range(9)) + ",Lost its id,https://shop.example/p9.jpg,10\n"
    response = send(SYNC, data)
    assert (response.status_code, response.json()["error"]) == (409, "too_many_removals")
    assert response.json()["diff"]["lines_without_id"] == 1
    assert send(f"{SYNC}?force=true", data).status_code == 202
    assert "p9" not in ids(shop.tenant)


def test_a_product_whose_line_is_wrong_is_not_removed(shop, send):
    response = send(SYNC, HEADER + lines(*range(9)) + line("p9", price="free"))
    assert (response.status_code, response.json()["removed"], response.json()["invalid"]) == (202, 0, 1)
    assert "p9" in ids(shop.tenant)
    assert JobItem.objects.get().product_id == "p9"


def test_a_product_that_failed_is_tried_again_though_its_line_is_the_same(shop, send):
    Product.objects.filter(product_id="p3").update(status=Product.Status.FAILED)
    assert diff_of(send(f"{SYNC}?dry_run=true", HEADER + lines(*range(10)))) == (0, 1, 0, 9, 0)


def test_of_several_lines_of_a_product_the_last_one_counts(shop, send):
    data = HEADER + line("p0", price="1") + lines(*range(10))
    assert diff_of(send(f"{SYNC}?dry_run=true", data)) == (0, 0, 0, 10, 0)


def test_what_happens_to_a_product_after_the_comparison_stands(shop):
    shop.client.post(SYNC, HEADER + lines(*range(8)) + line("p8", price="3"), content_type="text/csv")
    job = Job.objects.get()
    Product.objects.filter(product_id="p9").update(sent_at=timezone.now())
    shop.client.patch("/v1/products/p8", {"metadata": {"price": 4}})
    while work_on(job):
        pass
    report = shop.client.get(f"/v1/jobs/{job.job_id}").json()
    assert [(e["product_id"], e["code"]) for e in report["errors"]] == [
        ("p8", "changed_meanwhile"),
        ("p9", "changed_meanwhile"),
    ]
    assert Product.objects.get(product_id="p8").metadata["price"] == 4
    assert "p9" in ids(shop.tenant)


def test_what_we_look_at_again_ourselves_is_removed_and_changed_all_the_same(shop):
    shop.client.post(SYNC, HEADER + lines(*range(8)) + line("p8", price="3"), content_type="text/csv")
    now = timezone.now()
    Product.objects.update(indexed_at=now, updated_at=now)
    job = Job.objects.get()
    while work_on(job):
        pass
    assert Product.objects.get(product_id="p8").metadata["price"] == 3
    assert "p9" not in ids(shop.tenant)


def test_removals_come_last_unless_the_plan_has_no_room_for_both(shop):
    feed = HEADER + lines(*range(9)) + line("new")
    shop.client.post(SYNC, feed, content_type="text/csv")
    plan = shop.tenant.subscription.plan
    plan.max_products = 10
    plan.save()
    assert shop.client.post(SYNC, feed, content_type="text/csv").status_code == 202
    orders = [[i.action for i in job.items.order_by("index")] for job in Job.objects.order_by("pk")]
    assert orders == [["index", "delete"], ["delete", "index"]]


def test_the_metadata_step_can_be_done_twice(shop):
    shop.client.post(SYNC, HEADER + lines(*range(9)) + line("p9", price="3"), content_type="text/csv")
    job = Job.objects.get()
    items = list(job.items.all())
    assert [item.action for item in items] == ["patch"]
    assert [replace_metadata(job, items) for _ in range(2)] == [[None], [None]]


def test_each_needs_its_rights(owner, reader, stranger, send, shop):
    user = reader.user
    for permissions, expected in ((["products:bulk"], (200, 403)), (["products:delete"], (403, 403))):
        user.user_groups.update(permissions=permissions)
        answers = [send(f"{url}?dry_run=true", HEADER + lines(0), client=reader.client) for url in (IMPORT, SYNC)]
        assert tuple(answer.status_code for answer in answers) == expected
    user.user_groups.update(permissions=["products:delete", "products:bulk"])
    assert send(f"{SYNC}?dry_run=true", HEADER + lines(0), client=reader.client).status_code == 200
    foreign = send(f"{SYNC}?dry_run=true", HEADER + lines(0), client=stranger.client)
    assert diff_of(foreign) == (1, 0, 0, 0, 0)


def test_the_same_key_starts_one_job(owner, send):
    answers = [send(IMPORT, HEADER + lines(1), HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Job.objects.count() == 1
    other = send(IMPORT, HEADER + lines(2), HTTP_IDEMPOTENCY_KEY="k")
    assert (other.status_code, other.json()["error"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("query", "field"),
    [("format=xls", "format"), ("max_removal_share=2", "max_removal_share"), ("callback_url=x", "callback_url")],
)
def test_options_are_checked(owner, send, query, field):
    response = send(f"{SYNC}?{query}", HEADER + lines(1))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


def test_a_feed_of_json_lines_is_synced_too(shop, send):
    products = [
        {"product_id": p.product_id, "image_url": p.image_urls[0], "metadata": p.metadata}
        for p in Product.objects.filter(is_demo=False)
    ]
    data = "\n".join(map(json.dumps, products))
    assert diff_of(send(f"{SYNC}?dry_run=true", data, "application/x-ndjson")) == (0, 0, 0, 10, 0)
