from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from trooply.tasks import prune


def test_pruning_ends_sessions_that_have_expired(db):
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(minutes=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(minutes=1))
    prune()
    assert [session.session_key for session in Session.objects.all()] == ["new"]
