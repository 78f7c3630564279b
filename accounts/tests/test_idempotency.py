from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import IdempotentRequest
from catalog.models import Job


def bulk(client, key, product_id="a"):
    body = {"products": [{"product_id": product_id, "image_url": "data:image/png;base64,AAAA"}]}
    return client.post("/v1/products/bulk", body, headers={"idempotency-key": key})


def test_a_repeated_request_gets_the_first_answer_and_writes_once(owner):
    first, second = bulk(owner.client, "k1"), bulk(owner.client, "k1")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_a_repeated_answer_says_where_the_job_is(owner):
    first, second = bulk(owner.client, "k1"), bulk(owner.client, "k1")
    assert first["Location"] == second["Location"] == f"/v1/jobs/{first.json()['job_id']}"


def test_another_body_under_the_same_key_is_refused(owner):
    bulk(owner.client, "k1")
    response = bulk(owner.client, "k1", product_id="b")
    assert (response.status_code, response.json()["error"]) == (409, "idempotency_key_reused")


def test_keys_of_two_tenants_do_not_meet(owner, stranger):
    bulk(owner.client, "k1")
    assert bulk(stranger.client, "k1", product_id="b").status_code == 202


def test_an_error_is_not_kept(owner):
    bad = owner.client.post("/v1/products/bulk", {"products": []}, headers={"idempotency-key": "k1"})
    assert bad.status_code == 422
    assert bulk(owner.client, "k1").status_code == 202


def test_a_request_at_work_is_waited_for_until_it_is_abandoned(owner):
    bulk(owner.client, "k1")
    IdempotentRequest.objects.update(status=None, body=None)
    response = bulk(owner.client, "k1")
    assert (response.status_code, response.json()["error"]) == (409, "request_in_progress")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    assert bulk(owner.client, "k1").status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(owner, key):
    response = bulk(owner.client, key)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_parameter")


def test_answers_are_forgotten_after_a_day(owner):
    bulk(owner.client, "k1")
    assert not IdempotentRequest.expired().exists()
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert IdempotentRequest.expired().count() == 1
