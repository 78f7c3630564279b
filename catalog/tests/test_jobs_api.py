import csv
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import AuditEntry, WebhookDelivery, WebhookEvent
from catalog.demo.products import DEMO_PRODUCTS
from catalog.errors import PictureError
from catalog.indexing import Outcome, index_products
from catalog.jobs.items import item_of_sent
from catalog.jobs.lifecycle import create_job, retry_failed
from catalog.jobs.retries import MAX_RETRY_AFTER, RETRY_AFTER
from catalog.jobs.worker import MAX_ATTEMPTS, finish_if_done, work_on, work_on_next_job
from catalog.models import Job, JobItem, Product
from catalog.tasks import index_items, resume_jobs
from conftest import picture


@pytest.fixture
def post(owner, django_capture_on_commit_callbacks):
    """Send something that starts a job, and let the job run."""

    def run(path, body=None, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return owner.client.post(path, body, **kwargs)

    return run


def products(pictures, *names):
    return [
        {"product_id": name, "image_url": pictures.serve(f"/{name}.jpg", picture((10 * n, 0, 0)))}
        for n, name in enumerate(names)
    ]


def let_retries_come():
    """Let the time pass that failed items wait for, as often as they are tried again."""
    for _ in RETRY_AFTER:
        JobItem.objects.filter(status="queued").update(due_at=timezone.now())
        resume_jobs()


def bulk(character, sent):
    """Send products, and let no worker see them yet."""
    return Job.objects.get(job_id=character.client.post("/v1/products/bulk", {"products": sent}).json()["job_id"])


def test_a_bulk_request_answers_at_once_and_its_job_completes(owner, post, pictures):
    response = post("/v1/products/bulk", {"products": products(pictures, *"abcdefghijkl")})
    body = response.json()
    assert response.status_code == 202
    assert (body["status"], body["total"]) == ("processing", 12)
    assert response["Location"] == f"/v1/jobs/{body['job_id']}"
    job = owner.client.get(f"/v1/jobs/{body['job_id']}").json()
    assert (job["status"], job["processed"], job["succeeded"], job["failed"]) == ("completed", 12, 12, 0)
    assert Product.objects.count() == 12


def test_each_failure_says_which_product_and_why(owner, post, pictures):
    sent = [
        *products(pictures, "good"),
        {"product_id": "gone", "image_url": pictures.serve("/gone.jpg", b"", status=404)},
        {"product_id": "down", "image_url": pictures.serve("/down.jpg", b"", status=500)},
        {"product_id": "no-picture"},
        "not an object",
    ]
    body = post("/v1/products/bulk", {"products": sent}).json()
    let_retries_come()
    job = owner.client.get(f"/v1/jobs/{body['job_id']}").json()
    assert (job["status"], job["succeeded"], job["failed"]) == ("completed", 1, 4)
    assert [(e["index"], e["product_id"], e["code"], e["retryable"]) for e in job["errors"]] == [
        (1, "gone", "image_fetch_failed", False),
        (2, "down", "image_fetch_failed", True),
        (3, "no-picture", "validation_failed", False),
        (4, "", "validation_failed", False),
    ]
    assert "500" in job["errors"][1]["message"]
    assert owner.client.get(job["errors_url"]).json()["data"] == job["errors"]
    streamed = owner.client.get(job["errors_url"], HTTP_ACCEPT="application/x-ndjson")
    assert streamed["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line) for line in streamed.getvalue().splitlines()] == job["errors"]


def test_a_product_that_failed_is_kept_with_its_reason(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.serve("/gone.jpg", b"", status=404)}
    post("/v1/products/bulk", {"products": [gone]})
    product = owner.client.get("/v1/products/gone").json()
    assert (product["status"], product["error_code"]) == ("failed", "image_fetch_failed")
    assert product["image_url"] == gone["image_url"]


def test_a_job_of_which_nothing_was_usable_has_failed(owner, post):
    body = post("/v1/products/bulk", {"products": [{}]}).json()
    assert owner.client.get(f"/v1/jobs/{body['job_id']}").json()["status"] == "failed"


def test_failed_products_are_retried(owner, post, pictures):
    late, gone = pictures.serve("/late.jpg", b"", status=404), pictures.serve("/gone.jpg", b"", status=404)
    sent = [{"product_id": "late", "image_url": late}, {"product_id": "gone", "image_url": gone}, {"product_id": "no"}]
    job_id = post("/v1/products/bulk", {"products": sent}).json()["job_id"]
    pictures.serve("/late.jpg", picture())
    response = post(f"/v1/jobs/{job_id}/retry-failed")
    assert (response.status_code, response.json()["status"], response.json()["failed"]) == (202, "queued", 1)
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["succeeded"], job["failed"]) == ("completed", 1, 2)
    assert [(error["product_id"], error["code"]) for error in job["errors"]] == [
        ("gone", "image_fetch_failed"),
        ("no", "validation_failed"),
    ]
    assert owner.client.get("/v1/products/late").json()["status"] == "indexed"


def test_what_trying_again_cannot_help_is_not_retried(owner, post):
    job_id = post("/v1/products/bulk", {"products": [{"product_id": "no-picture"}]}).json()["job_id"]
    response = post(f"/v1/jobs/{job_id}/retry-failed")
    assert (response.status_code, response.json()["status"], response.json()["failed"]) == (202, "failed", 1)


def test_a_fault_that_time_may_mend_is_tried_again_later_and_later(owner, post, pictures):
    url = pictures.serve("/down.jpg", b"", status=500)
    job_id = post("/v1/products/bulk", {"products": [{"product_id": "down", "image_url": url}]}).json()["job_id"]
    for wait in RETRY_AFTER:
        job, item = owner.client.get(f"/v1/jobs/{job_id}").json(), JobItem.objects.get()
        assert (job["status"], job["waiting"], job["failed"], item.code) == ("processing", 1, 0, "image_fetch_failed")
        assert wait - timedelta(seconds=5) < item.due_at - timezone.now() <= wait
        resume_jobs()  # before its time nothing happens
        assert JobItem.objects.get() == item
        assert not Product.objects.exists()
        JobItem.objects.update(due_at=timezone.now())
        resume_jobs()
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["waiting"], job["failed"], job["next_attempt_at"]) == ("failed", 0, 1, None)
    assert pictures.requests["/down.jpg"] == 1 + len(RETRY_AFTER)
    assert owner.client.get("/v1/products/down").json()["status"] == "failed"


def test_a_picture_that_comes_at_the_second_try_is_a_success(owner, post, pictures):
    url = pictures.serve("/late.jpg", b"", status=500)
    job_id = post("/v1/products/bulk", {"products": [{"product_id": "late", "image_url": url}]}).json()["job_id"]
    pictures.serve("/late.jpg", picture())
    let_retries_come()
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["succeeded"], job["errors"]) == ("completed", 1, [])
    assert pictures.requests["/late.jpg"] == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_fault_that_time_does_not_mend_is_final_at_once(owner, post, pictures, status):
    url = pictures.serve("/no.jpg", b"", status=status)
    job_id = post("/v1/products/bulk", {"products": [{"product_id": "no", "image_url": url}]}).json()["job_id"]
    assert owner.client.get(f"/v1/jobs/{job_id}").json()["status"] == "failed"
    assert pictures.requests["/no.jpg"] == 1


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (timedelta(seconds=1), RETRY_AFTER[0]),
        (timedelta(minutes=2), timedelta(minutes=2)),
        (timedelta(days=1), MAX_RETRY_AFTER),
    ],
)
def test_a_shop_that_asks_for_patience_gets_it_within_reason(owner, pictures, monkeypatch, asked, wait):
    def refuse(tenant, documents, **kwargs):
        error = PictureError("image_fetch_failed", "Too many requests.", retryable=True, retry_after=asked)
        return [Outcome(document, error=error) for document in documents]

    job = bulk(owner, products(pictures, "a"))
    monkeypatch.setattr("catalog.jobs.steps.index_products", refuse)
    work_on(job)
    assert wait - timedelta(seconds=5) < JobItem.objects.get().due_at - timezone.now() <= wait


def test_a_request_larger_than_the_plan_takes_is_refused(owner, post):
    plan = owner.tenant.subscription.plan
    plan.max_batch_size = 2
    plan.save()
    response = post("/v1/products/bulk", {"products": [{}] * 3})
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert Job.objects.count() == 0


def test_a_request_that_the_plan_has_no_room_for_is_refused_whole(owner, post, pictures):
    plan = owner.tenant.subscription.plan
    plan.max_products = 1
    plan.save()
    response = post("/v1/products/bulk", {"products": products(pictures, "a", "b")})
    assert (response.status_code, response.json()["error"]) == (403, "plan_limit_reached")
    assert Job.objects.count() == 0


def test_a_waiting_job_is_cancelled(owner, pictures):
    body = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a", "b")}).json()
    job = owner.client.post(f"/v1/jobs/{body['job_id']}/cancel").json()
    assert (job["status"], job["canceled"], job["processed"]) == ("canceled", 2, 2)
    resume_jobs()
    assert not Product.objects.exists()
    again = owner.client.post(f"/v1/jobs/{body['job_id']}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "conflict")


def test_what_has_failed_is_retried_while_others_still_wait(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.url("/gone.jpg")}
    down = {"product_id": "down", "image_url": pictures.serve("/down.jpg", b"", status=500)}
    job_id = post("/v1/products/bulk", {"products": [gone, down]}).json()["job_id"]
    pictures.serve("/gone.jpg", picture())
    response = post(f"/v1/jobs/{job_id}/retry-failed")
    assert (response.status_code, response.json()["status"], response.json()["failed"]) == (202, "processing", 0)
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["succeeded"], job["waiting"]) == ("processing", 1, 1)


def test_a_product_that_is_cancelled_before_it_was_tried_again_keeps_its_failure(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.url("/gone.jpg")}
    job_id = post("/v1/products/bulk", {"products": [gone]}).json()["job_id"]
    failed = owner.client.get(f"/v1/jobs/{job_id}").json()["errors"]
    owner.client.post(f"/v1/jobs/{job_id}/retry-failed")
    job = owner.client.post(f"/v1/jobs/{job_id}/cancel").json()
    assert (job["status"], job["failed"], job["canceled"], job["errors"]) == ("canceled", 1, 0, failed)


def test_cancelling_and_retrying_are_written_down(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.url("/gone.jpg")}
    job_id = post("/v1/products/bulk", {"products": [gone]}).json()["job_id"]
    owner.client.post(f"/v1/jobs/{job_id}/retry-failed")
    owner.client.post(f"/v1/jobs/{job_id}/cancel")
    entries = AuditEntry.objects.filter(target=job_id).order_by("pk")
    assert [(entry.actor, entry.action, entry.after) for entry in entries] == [
        ("owner", "job.retried", {"items": 1}),
        ("owner", "job.canceled", None),
    ]


@pytest.mark.parametrize(
    ("kind", "permissions", "status"),
    [
        ("index", ["products:bulk"], 409),
        ("sync", ["products:bulk"], 403),
        ("sync", ["products:bulk", "products:delete"], 409),
        ("delete", ["products:bulk"], 403),
        ("delete", ["products:bulk", "products:delete"], 409),
        ("export", ["products:bulk", "products:read"], 403),
        ("translate", ["products:bulk"], 403),
    ],
)
def test_who_may_not_start_a_job_may_not_change_it(owner, reader, kind, permissions, status):
    reader.user.user_groups.set([owner.tenant.user_groups.create(name="Some", permissions=permissions)])
    job = Job.objects.create(tenant=owner.tenant, kind=kind, total=0, finished_at=timezone.now())
    answers = [reader.client.post(f"/v1/jobs/{job.job_id}/{act}").status_code for act in ("retry-failed", "cancel")]
    assert answers == [status, status]


def test_errors_are_filtered_by_code_and_answered_as_a_table(owner, post, pictures):
    sent = [{"product_id": "=gone", "image_url": pictures.url("/gone.jpg")}, {"product_id": "bare"}]
    job_id = post("/v1/products/bulk", {"products": sent}).json()["job_id"]
    address = f"/v1/jobs/{job_id}/errors?code=image_fetch_failed"
    [error] = owner.client.get(address).json()["data"]
    table = owner.client.get(address, HTTP_ACCEPT="text/csv")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(table.getvalue().decode().splitlines())) == [
        ["index", "product_id", "code", "message", "retryable"],
        ["0", "'=gone", "image_fetch_failed", error["message"], "False"],
    ]


@pytest.mark.parametrize(("kind", "told"), [("index", 1), ("sync", 1), ("demo", 0), ("export", 0), ("delete", 0)])
def test_endpoints_are_told_of_jobs_that_bring_products_in(owner, kind, told):
    owner.tenant.webhook_endpoints.create(url="https://shop.example/hook", events=["bulk.completed"], secret="s")
    create_job(owner.tenant, kind, (), callback_url="https://shop.example/done")
    resume_jobs()
    assert WebhookEvent.objects.filter(type="bulk.completed").count() == told
    assert WebhookEvent.objects.filter(type="job.callback").count() == 1


def test_a_job_that_cannot_be_finished_holds_up_no_other_and_fails_in_the_end(owner, pictures, monkeypatch, caplog):
    def refuse(job):
        raise ValueError("a scan that cannot be joined")

    monkeypatch.setattr("catalog.jobs.worker.FINISHERS", {"duplicates": refuse})
    stuck = create_job(owner.tenant, Job.Kind.DUPLICATES, ())
    waiting = bulk(owner, products(pictures, "a"))
    resume_jobs()
    stuck.refresh_from_db()
    waiting.refresh_from_db()
    assert (stuck.finished_at, waiting.status) == (None, "completed")
    assert "a job cannot be finished" in caplog.messages
    Job.objects.filter(pk=stuck.pk).update(created_at=timezone.now() - timedelta(hours=2))
    resume_jobs()
    stuck.refresh_from_db()
    assert (stuck.status, stuck.finished_at is not None) == ("failed", True)


@pytest.mark.django_db(transaction=True)
def test_a_job_is_not_finished_while_its_failures_are_queued_again(owner, monkeypatch):
    monkeypatch.setattr("catalog.jobs.lifecycle.call_workers", lambda count: None)
    job = create_job(owner.tenant, Job.Kind.INDEX, [item_of_sent({"product_id": "a"})])
    job.items.update(status="failed", code="image_fetch_failed", due_at=None)
    finishing = threading.Thread(target=finish_on_own_connection, args=[job])
    with transaction.atomic():
        retry_failed(job)
        finishing.start()
        # It waits for this transaction.
        with connection.cursor() as cursor:
            cursor.execute("SELECT 0")
            while not cursor.fetchone()[0]:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    finishing.join()
    job.refresh_from_db()
    assert (job.finished_at, job.items.get().status) == (None, "queued")


def finish_on_own_connection(job):
    finish_if_done(job)
    connection.close()


def test_a_job_of_which_nothing_has_failed_is_not_retried(owner, pictures):
    body = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")}).json()
    response = owner.client.post(f"/v1/jobs/{body['job_id']}/retry-failed")
    assert (response.status_code, response.json()["error"]) == (409, "conflict")


def test_in_the_background_a_single_product_becomes_a_job(owner, post, pictures):
    response = post("/v1/products?async=true", products(pictures, "a")[0])
    assert (response.status_code, response.json()["status"]) == (202, "processing")
    assert owner.client.get(f"/v1/jobs/{response.json()['job_id']}").json()["status"] == "completed"


def test_a_job_that_is_done_tells_its_callback_once(owner, pictures):
    url = pictures.serve("/hook", b"ok", content_type="text/plain")
    body = {"products": products(pictures, "a"), "callback_url": url}
    job_id = owner.client.post("/v1/products/bulk", body).json()["job_id"]
    while work_on_next_job():
        pass
    resume_jobs()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.callback_url, delivery.event.type) == (url, "job.callback")
    assert delivery.event.data == owner.client.get(f"/v1/jobs/{job_id}").json()


def test_the_items_of_a_lost_worker_are_taken_up_again(owner, pictures, django_capture_on_commit_callbacks):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "a", "b")})
    job = Job.objects.get()
    # A worker that claimed both and was killed: its lease is over, nobody has claimed since.
    JobItem.objects.update(status="processing", attempts=1, due_at=job.created_at)
    Job.objects.update(status="processing")
    resume_jobs()
    job.refresh_from_db()
    assert job.status == "completed"
    assert Product.objects.count() == 2


def test_a_late_worker_settles_nothing(owner, pictures, monkeypatch):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")})

    def index_slowly(tenant, documents, **kwargs):
        JobItem.objects.update(attempts=2)  # its lease has run out, and another worker has claimed the item
        return index_products(tenant, documents, **kwargs)

    monkeypatch.setattr("catalog.jobs.steps.index_products", index_slowly)
    work_on(Job.objects.get())
    item, job = JobItem.objects.get(), Job.objects.get()
    assert (item.status, item.attempts, job.finished_at) == ("processing", 2, None)


def test_an_item_that_kills_its_workers_is_given_up_and_takes_no_other_with_it(owner, pictures):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "bomb", "other")})
    job = Job.objects.get()
    # Both were claimed together by a worker that died; since then the first has died with its worker alone.
    JobItem.objects.update(status="processing", attempts=1, due_at=job.created_at)
    JobItem.objects.filter(product_id="bomb").update(attempts=MAX_ATTEMPTS)
    while work_on(job):
        pass
    bomb, other = JobItem.objects.order_by("index")
    assert (bomb.status, bomb.code) == ("failed", "worker_lost")
    assert other.status == "succeeded"
    job.refresh_from_db()
    assert job.status == "completed"


def test_items_whose_worker_was_lost_are_tried_one_at_a_time(owner, pictures):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "a", "b", "c")})
    job = Job.objects.get()
    JobItem.objects.filter(index__lt=2).update(status="processing", attempts=1, due_at=job.created_at)
    work_on(job)
    assert list(JobItem.objects.order_by("index").values_list("attempts", flat=True)) == [2, 1, 0]


def test_the_same_product_twice_in_a_job_is_one_product(owner, post, pictures):
    twice = products(pictures, "a") * 2
    body = post("/v1/products/bulk", {"products": twice}).json()
    assert owner.client.get(f"/v1/jobs/{body['job_id']}").json()["succeeded"] == 2
    assert Product.objects.count() == 1


def test_the_demo_shop_is_installed_and_removed_beside_the_plan(owner, post, pictures, settings):
    settings.BASE_URL = pictures.url("")
    for product in DEMO_PRODUCTS:
        pictures.serve(f"/static/demo/{product.product_id}.webp", picture())
    body = post("/v1/products/demo").json()
    assert body["installed"] == len(body["product_ids"]) == len(DEMO_PRODUCTS)
    assert owner.client.get(f"/v1/jobs/{body['job_id']}").json()["type"] == "demo"
    stats = owner.client.get("/v1/products/stats").json()
    assert (stats["demo_products"], stats["total_products"]) == (len(DEMO_PRODUCTS), 0)
    assert owner.client.delete("/v1/products/demo").json() == {"deleted": len(DEMO_PRODUCTS)}


def test_jobs_of_others_are_not_there(owner, stranger, pictures):
    job_id = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")}).json()["job_id"]
    assert stranger.client.get("/v1/jobs").json()["data"] == []
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/errors"):
        assert stranger.client.get(path).status_code == 404
    for action in ("cancel", "retry-failed"):
        assert stranger.client.post(f"/v1/jobs/{job_id}/{action}").status_code == 404


def test_what_the_plan_has_no_room_for_leaves_no_row(owner, pictures, django_capture_on_commit_callbacks):
    job_id = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a", "b")}).json()["job_id"]
    plan = owner.tenant.subscription.plan
    plan.max_products = 1
    plan.save()
    work_on(Job.objects.get())
    work_on(Job.objects.get())
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["succeeded"], [error["code"] for error in job["errors"]]) == (1, ["plan_limit_reached"])
    assert Product.objects.count() == 1


def test_tenants_take_turns_whatever_the_number_and_size_of_their_jobs(owner, stranger, pictures):
    url = pictures.serve("/p.jpg", picture())
    crowd = [bulk(owner, [{"product_id": f"{n}-{m}", "image_url": url} for m in range(8)]) for n in range(5)]
    large = bulk(owner, [{"product_id": f"large-{n}", "image_url": url} for n in range(40)])
    ten = bulk(stranger, [{"product_id": f"own-{n}", "image_url": url} for n in range(10)])
    for _ in range(4):
        work_on_next_job()
    ten.refresh_from_db()
    assert (ten.status, Product.objects.filter(tenant=owner.tenant).count()) == ("completed", 16)
    # The owner's own jobs take turns, too.
    for _ in range(4):
        work_on_next_job()
    assert [job.items.filter(status="succeeded").count() for job in [*crowd, large]] == [8] * 6


def test_products_of_a_shop_that_is_left_alone_for_a_while_do_not_fail_for_having_waited(owner, post, pictures):
    busy = pictures.serve("/busy.jpg", b"", status=429, headers={"Retry-After": "600"})
    urls = [busy, *(pictures.serve(f"/{n}.jpg", picture()) for n in range(12))]
    sent = [{"product_id": f"p{n}", "image_url": url} for n, url in enumerate(urls)]
    job_id = post("/v1/products/bulk", {"products": sent}).json()["job_id"]
    for _ in range(2 * len(RETRY_AFTER)):
        let_retries_come()
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["failed"], pictures.requests["/busy.jpg"]) == ("processing", 0, 1)
    waiting = JobItem.objects.filter(status="queued")
    assert {item.retries for item in waiting.exclude(index=0)} == {0}
    assert all(timedelta(minutes=9) < item.due_at - timezone.now() <= timedelta(minutes=10) for item in waiting)


def test_an_item_that_waits_for_its_next_try_holds_up_no_other(owner, post, pictures):
    down = {"product_id": "down", "image_url": pictures.serve("/down.jpg", b"", status=500)}
    post("/v1/products/bulk", {"products": [down, *products(pictures, *"abcdefghij")]})
    assert Product.objects.filter(status="indexed").count() == 10


def test_without_a_broker_a_job_waits_until_it_is_resumed(owner, post, pictures, monkeypatch, caplog):
    def refuse(**options):
        raise OperationalError("no broker")

    monkeypatch.setattr(index_items, "apply_async", refuse)
    assert post("/v1/products/bulk", {"products": products(pictures, "a")}).status_code == 202
    assert "jobs wait for the broker" in caplog.messages
    monkeypatch.undo()
    resume_jobs()
    assert Job.objects.get().status == "completed"


def test_a_price_that_changes_during_a_re_index_stays(owner, post, pictures, admin_user, client):
    post("/v1/products", products(pictures, "a")[0] | {"metadata": {"price": 10}})
    client.force_login(admin_user)
    client.post("/products/reindex", {"product_id": "a"})
    owner.client.patch("/v1/products/a", {"metadata": {"price": 20}})
    work_on_next_job()
    assert Job.objects.get().items.get().status == "succeeded"
    assert Product.objects.get().metadata == {"price": 20}


def test_a_product_deleted_before_its_turn_is_not_brought_back(owner, post, pictures, admin_user, client):
    post("/v1/products", products(pictures, "a")[0])
    client.force_login(admin_user)
    client.post("/products/reindex", {"product_id": "a"})
    owner.client.delete("/v1/products/a")
    work_on_next_job()
    assert (Job.objects.get().items.get().code, Product.objects.count()) == ("not_found", 0)


def test_a_chunk_has_no_more_pictures_than_are_downloaded_at_once(owner, pictures):
    url = pictures.serve("/a.jpg", picture())
    views = [pictures.serve(f"/{n}.jpg", picture()) for n in range(6)]
    sent = [{"product_id": f"p{n}", "images": [url, *views[1:]]} for n in range(3)]
    owner.client.post("/v1/products/bulk", {"products": sent})
    work_on(Job.objects.get())
    assert Product.objects.count() == 1


def test_what_a_cancelled_jobs_worker_leaves_behind_is_closed(owner, pictures):
    body = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")}).json()
    JobItem.objects.update(status="processing", attempts=1, due_at=Job.objects.get().created_at)
    owner.client.post(f"/v1/jobs/{body['job_id']}/cancel")
    resume_jobs()
    assert JobItem.objects.get().status == "canceled"


def test_a_second_failure_keeps_the_latest_facts(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.serve("/gone.jpg", b"", status=404)}
    post("/v1/products/bulk", {"products": [gone | {"metadata": {"name": "Old"}}]})
    post("/v1/products/bulk", {"products": [gone | {"metadata": {"name": "New"}}]})
    assert owner.client.get("/v1/products/gone").json()["metadata"] == {"name": "New"}
