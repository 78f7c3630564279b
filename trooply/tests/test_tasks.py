from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import WebhookEvent
from catalog.models import Job, JobItem
from trooply import tasks
from trooply.tasks import prune

LONG_AGO = timezone.now() - timedelta(days=500)


def test_pruning_ends_sessions_that_have_expired(db):
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(minutes=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(minutes=1))
    prune()
    assert [session.session_key for session in Session.objects.all()] == ["new"]


@pytest.fixture
def backlog(tenant):
    """A long finished job of three items and three old events, beside a job that is not finished."""
    finished = tenant.jobs.create(kind=Job.Kind.INDEX, total=3, finished_at=LONG_AGO)
    at_work = tenant.jobs.create(kind=Job.Kind.INDEX, total=1)
    for job, count in ((finished, 3), (at_work, 1)):
        JobItem.objects.bulk_create(JobItem(tenant=tenant, job=job, index=n, document={}) for n in range(count))
    WebhookEvent.objects.bulk_create(
        WebhookEvent(tenant=tenant, type="product.deleted", data={}, created_at=LONG_AGO) for _ in range(3)
    )


@pytest.mark.usefixtures("backlog")
def test_what_is_old_goes_and_what_is_at_work_stays(tenant):
    prune()
    assert (WebhookEvent.objects.count(), Job.objects.count(), JobItem.objects.count()) == (0, 1, 1)


@pytest.mark.usefixtures("backlog")
def test_what_one_time_is_too_short_for_is_pruned_by_the_next_ones(tenant, monkeypatch):
    calls = []

    def delete_one(rows, *, ends_at):
        calls.append(rows.model.__name__)
        return rows.filter(pk__in=rows.values("pk")[:1]).delete()[0]

    monkeypatch.setattr(tasks, "delete_in_batches", delete_one)
    prune()
    assert calls.count("WebhookEvent") == 3
    assert (WebhookEvent.objects.count(), Job.objects.count(), JobItem.objects.count()) == (0, 1, 1)
