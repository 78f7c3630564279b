import csv
import json

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from catalog.jobs.worker import work_on_next_job
from catalog.models import Job, JobItem
from conftest import PASSWORD, picture


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


@pytest.fixture
def failed(owner, pictures):
    """A job of the owner of which three products failed, for two causes, and one succeeded."""
    return run(
        owner,
        {"product_id": "good", "image_url": pictures.serve("/good.jpg", picture())},
        {"product_id": "gone-1", "image_url": pictures.url("/gone-1.jpg")},
        {"product_id": "gone-2", "image_url": pictures.url("/gone-2.jpg")},
        {"product_id": "bare"},
    )


def run(owner, *products):
    """Let a job of these products finish."""
    job_id = owner.client.post("/v1/products/bulk", {"products": products}).json()["job_id"]
    while work_on_next_job():
        pass
    return Job.objects.get(job_id=job_id)


def text_of(response):
    return " ".join(response.content.decode().split())


def path(job, act=""):
    return f"/jobs/{job.job_id}{act}"


def test_jobs_are_listed_with_their_progress(portal, failed):
    page = portal.get("/jobs").content.decode()
    assert f'href="{path(failed)}"' in page
    assert "4 of 4" in page
    assert "hx-trigger" not in page


def test_pages_ask_again_only_while_something_is_unfinished(portal, owner):
    owner.client.post("/v1/products/bulk", {"products": [{"product_id": "bare"}]})
    job = Job.objects.get()
    assert all('hx-trigger="every 3s"' in portal.get(url).content.decode() for url in ("/jobs", path(job)))
    while work_on_next_job():
        pass
    assert all("hx-trigger" not in portal.get(url).content.decode() for url in ("/jobs", path(job)))


def test_failures_are_grouped_by_cause_and_host_the_most_frequent_first(portal, failed, pictures):
    response = portal.get(path(failed))
    groups = response.context["groups"]
    assert [(group.code, group.host, group.products, group.can_retry) for group in groups] == [
        ("image_fetch_failed", pictures.host, 2, True),
        ("validation_failed", "", 1, False),
    ]
    assert "Picture could not be downloaded" in response.content.decode()
    assert pictures.url("/gone-1.jpg") in response.content.decode()


def test_causes_of_one_code_are_told_apart(portal, owner, pictures):
    forbidden = [pictures.serve(f"/{n}.jpg", b"", status=403) for n in range(2)]
    page = pictures.serve("/page.jpg", b"<html></html>", content_type="text/html")
    urls = [*forbidden, pictures.url("/gone.jpg"), page]
    sent = [{"product_id": f"p{n}", "image_url": url} for n, url in enumerate(urls)]
    malformed = [
        {"image_url": "https://one.example/a.jpg"},
        {"product_id": "x", "image_url": "https://two.example/b.jpg", "metadata": 1},
    ]
    job = run(owner, *sent, *malformed)
    groups = portal.get(path(job)).context["groups"]
    host = pictures.host.split(":")[0]
    assert [(group.code, group.reason, group.products) for group in groups] == [
        ("image_fetch_failed", f"{host} answered with HTTP status 403 instead of a picture", 2),
        ("validation_failed", "", 2),
        ("image_fetch_failed", f"{host} answered with HTTP status 404 instead of a picture", 1),
        ("image_fetch_failed", "The address leads to a web page, not to a picture", 1),
    ]
    chosen = {name: getattr(groups[0], name) for name in ("code", "host", "reason")}
    shown = portal.get(path(job), chosen)
    assert [item.product_id for item in shown.context["page"]] == ["p0", "p1"]
    assert 'class="what"' not in text_of(shown)  # what they share stands above them once
    for n in range(2):
        pictures.serve(f"/{n}.jpg", picture())
    portal.post(path(job, "/retry"), chosen)
    while work_on_next_job():
        pass
    assert job.items.filter(status="succeeded").count() == 2


def test_a_job_with_failures_is_not_plainly_completed(portal, failed):
    for url in ("/jobs", path(failed)):
        text = text_of(portal.get(url))
        assert "Completed, with failures" in text
        assert 'aria-label="1 succeeded, 3 failed, of 4"' in text


def test_jobs_that_have_finished_are_listed_without_a_look_at_their_products(portal, failed):
    JobItem.objects.all().delete()
    assert "4 of 4" in text_of(portal.get("/jobs"))


def test_what_has_failed_can_be_retried_while_the_rest_waits(portal, owner, pictures):
    down = pictures.serve("/down.jpg", b"", status=500)
    job = run(
        owner,
        {"product_id": "gone", "image_url": pictures.url("/gone.jpg")},
        {"product_id": "down", "image_url": down},
    )
    assert "Retry failed" in text_of(portal.get(path(job)))


def test_who_may_not_start_a_job_is_not_offered_to_change_it(owner, reader, client):
    group = owner.tenant.user_groups.create(name="Bulk", permissions=["products:read", "products:bulk"])
    reader.user.user_groups.set([group])
    client.force_login(reader.user)
    job = Job.objects.create(tenant=owner.tenant, kind=Job.Kind.DELETE, total=1)
    job.items.create(tenant=owner.tenant, index=0, document={}, action="delete")
    page = client.get(path(job))
    assert (page.status_code, "Cancel …" in page.content.decode()) == (200, False)
    assert [client.post(path(job, act)).status_code for act in ("/cancel", "/retry")] == [403, 403]


def test_a_group_shows_its_products_alone(portal, failed, pictures):
    response = portal.get(path(failed), {"code": "validation_failed", "host": ""})
    assert [item.product_id for item in response.context["page"]] == ["bare"]
    response = portal.get(path(failed), {"code": "image_fetch_failed", "host": pictures.host})
    assert [item.product_id for item in response.context["page"]] == ["gone-1", "gone-2"]


def test_a_group_that_is_repaired_is_retried_by_itself(portal, failed, pictures):
    for n in (1, 2):
        pictures.serve(f"/gone-{n}.jpg", picture())
    response = portal.post(path(failed, "/retry"), {"code": "image_fetch_failed", "host": pictures.host}, follow=True)
    assert "2 products are tried again." in response.content.decode()
    while work_on_next_job():
        pass
    assert list(failed.items.order_by("index").values_list("status", flat=True)) == ["succeeded"] * 3 + ["failed"]
    nothing = portal.post(path(failed, "/retry"), follow=True)
    assert "nothing that another try could help" in nothing.content.decode()
    assert AuditEntry.objects.get(action="job.retried").actor == "alice@example.com"


def test_a_job_is_cancelled_once(portal, owner):
    owner.client.post("/v1/products/bulk", {"products": [{"product_id": "bare"}]})
    job = Job.objects.get()
    assert "The job is cancelled" in portal.post(path(job, "/cancel"), follow=True).content.decode()
    assert "nothing to cancel" in portal.post(path(job, "/cancel"), follow=True).content.decode()
    job.refresh_from_db()
    assert job.status == "canceled"


def test_all_failures_are_downloaded_as_lines(portal, failed):
    response = portal.get(path(failed, "/errors.ndjson"))
    assert response["Content-Disposition"] == f'attachment; filename="{failed.job_id}-errors.ndjson"'
    errors = [json.loads(line) for line in response.getvalue().splitlines()]
    assert [(error["index"], error["product_id"]) for error in errors] == [(1, "gone-1"), (2, "gone-2"), (3, "bare")]
    table = portal.get(path(failed, "/errors.csv"))
    assert table["Content-Disposition"] == f'attachment; filename="{failed.job_id}-errors.csv"'
    rows = list(csv.DictReader(table.getvalue().decode().splitlines()))
    assert [(row["index"], row["product_id"]) for row in rows] == [("1", "gone-1"), ("2", "gone-2"), ("3", "bare")]


def test_what_a_merchant_sends_is_shown_and_never_run(portal, owner):
    job = run(owner, {"product_id": "<script>", "image_url": "javascript:alert(1)"})
    page = portal.get(path(job)).content.decode()
    assert "&lt;script&gt;" in page
    assert 'href="javascript' not in page


def test_a_reader_looks_and_a_stranger_sees_nothing(failed, reader, stranger, client):
    client.force_login(reader.user)
    page = client.get(path(failed))
    assert (page.status_code, "Retry failed" in page.content.decode()) == (200, False)
    assert client.post(path(failed, "/retry")).status_code == 403
    assert client.post(path(failed, "/cancel")).status_code == 403
    other = User.objects.create_user("charlie@example.com", PASSWORD, tenant=stranger.tenant)
    other.user_groups.add(stranger.tenant.user_groups.get(name="Admin"))
    foreign = Client()
    foreign.force_login(other)
    assert path(failed) not in foreign.get("/jobs").content.decode()
    assert [foreign.get(path(failed, act)).status_code for act in ("", "/errors.ndjson")] == [404, 404]
    assert [foreign.post(path(failed, act)).status_code for act in ("/retry", "/cancel")] == [404, 404]
