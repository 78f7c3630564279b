import json

import pytest
from kombu.exceptions import OperationalError

from catalog.demo.products import DEMO_PRODUCTS
from catalog.indexing import index_products
from catalog.job_worker import MAX_ATTEMPTS, work_on, work_on_next_job
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
        {"product_id": "down", "image_url": pictures.serve("/down.jpg", b"", status=503)},
        {"product_id": "no-picture"},
        "not an object",
    ]
    body = post("/v1/products/bulk", {"products": sent}).json()
    job = owner.client.get(f"/v1/jobs/{body['job_id']}").json()
    assert (job["status"], job["succeeded"], job["failed"]) == ("completed", 1, 4)
    assert [(e["index"], e["product_id"], e["code"], e["retryable"]) for e in job["errors"]] == [
        (1, "gone", "image_fetch_failed", False),
        (2, "down", "image_fetch_failed", True),
        (3, "no-picture", "validation_failed", False),
        (4, "", "validation_failed", False),
    ]
    listed = owner.client.get(job["errors_url"]).json()
    assert listed["data"] == job["errors"]


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
    pictures.serve("/late.jpg", b"", status=503)
    sent = [{"product_id": "late", "image_url": pictures.url("/late.jpg")}, {"product_id": "never"}]
    job_id = post("/v1/products/bulk", {"products": sent}).json()["job_id"]
    pictures.serve("/late.jpg", picture())
    assert post(f"/v1/jobs/{job_id}/retry-failed").status_code == 202
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["succeeded"], job["failed"]) == ("completed", 1, 1)
    assert owner.client.get("/v1/products/late").json()["status"] == "indexed"


def test_ndjson_takes_a_product_a_line(owner, post, pictures):
    lines = [json.dumps(product) for product in products(pictures, "a", "b")]
    body = post("/v1/products/bulk", "\n".join([*lines, "{broken", ""]), content_type="application/x-ndjson").json()
    job = owner.client.get(f"/v1/jobs/{body['job_id']}").json()
    assert (job["total"], job["succeeded"], job["failed"]) == (3, 2, 1)
    assert "no JSON" in job["errors"][0]["message"]


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
    again = owner.client.post(f"/v1/jobs/{body['job_id']}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "conflict")


def test_a_running_job_is_not_retried(owner, pictures):
    body = owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")}).json()
    response = owner.client.post(f"/v1/jobs/{body['job_id']}/retry-failed")
    assert (response.status_code, response.json()["error"]) == (409, "conflict")


def test_in_the_background_a_single_product_becomes_a_job(owner, post, pictures):
    response = post("/v1/products?async=true", products(pictures, "a")[0])
    assert (response.status_code, response.json()["status"]) == (202, "processing")
    assert owner.client.get(f"/v1/jobs/{response.json()['job_id']}").json()["status"] == "completed"


def test_the_callback_is_called_when_the_job_is_done(owner, post, pictures):
    url = pictures.serve("/hook", b"ok", content_type="text/plain")
    post("/v1/products/bulk", {"products": products(pictures, "a"), "callback_url": url})
    resume_jobs()
    assert pictures.requests["/hook"] == 1
    assert Job.objects.get().callback_due_at is None
    resume_jobs()
    assert pictures.requests["/hook"] == 1


def test_a_callback_that_fails_is_tried_again_later(owner, post, pictures):
    url = pictures.serve("/hook", b"", status=500)
    post("/v1/products/bulk", {"products": products(pictures, "a"), "callback_url": url})
    resume_jobs()
    job = Job.objects.get()
    assert (job.callback_attempts, job.callback_due_at > job.finished_at) == (1, True)


def test_the_items_of_a_lost_worker_are_taken_up_again(owner, pictures, django_capture_on_commit_callbacks):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "a", "b")})
    job = Job.objects.get()
    # A worker that claimed both and was killed: its lease is over, nobody has claimed since.
    JobItem.objects.update(status="processing", attempts=1, leased_until=job.created_at)
    Job.objects.update(status="processing")
    resume_jobs()
    job.refresh_from_db()
    assert job.status == "completed"
    assert Product.objects.count() == 2


def test_a_late_worker_settles_nothing(owner, pictures, monkeypatch):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "a")})

    def index_slowly(tenant, documents):
        JobItem.objects.update(attempts=2)  # its lease has run out, and another worker has claimed the item
        return index_products(tenant, documents)

    monkeypatch.setattr("catalog.job_worker.index_products", index_slowly)
    work_on(Job.objects.get())
    item, job = JobItem.objects.get(), Job.objects.get()
    assert (item.status, item.attempts, job.finished_at) == ("processing", 2, None)


def test_an_item_that_kills_its_workers_is_given_up_and_takes_no_other_with_it(owner, pictures):
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "bomb", "other")})
    job = Job.objects.get()
    # Both were claimed together by a worker that died; since then the first has died with its worker alone.
    JobItem.objects.update(status="processing", attempts=1, leased_until=job.created_at)
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
    JobItem.objects.filter(index__lt=2).update(status="processing", attempts=1, leased_until=job.created_at)
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


def test_jobs_take_turns_whatever_their_size(owner, pictures):
    large = [{"product_id": f"large-{n}", "image_url": pictures.serve("/l.jpg", picture())} for n in range(40)]
    owner.client.post("/v1/products/bulk", {"products": large})
    owner.client.post("/v1/products/bulk", {"products": products(pictures, "small")})
    for _ in range(2):
        work_on_next_job()
    assert Product.objects.filter(product_id="small").exists()
    assert Product.objects.count() == 9


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
    JobItem.objects.update(status="processing", attempts=1, leased_until=Job.objects.get().created_at)
    owner.client.post(f"/v1/jobs/{body['job_id']}/cancel")
    resume_jobs()
    assert JobItem.objects.get().status == "canceled"


def test_a_second_failure_keeps_the_latest_facts(owner, post, pictures):
    gone = {"product_id": "gone", "image_url": pictures.serve("/gone.jpg", b"", status=404)}
    post("/v1/products/bulk", {"products": [gone | {"metadata": {"name": "Old"}}]})
    post("/v1/products/bulk", {"products": [gone | {"metadata": {"name": "New"}}]})
    assert owner.client.get("/v1/products/gone").json()["metadata"] == {"name": "New"}
