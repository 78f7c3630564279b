import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from trooply.settings import flag, number
from trooply.testing.database import database_url


@pytest.mark.parametrize(("text", "value"), [("true", True), ("On", True), ("1", True), ("no", False), ("0", False)])
def test_a_flag_is_true_or_false(monkeypatch, text, value):
    monkeypatch.setenv("SOME_FLAG", text)
    assert flag("SOME_FLAG", default=not value) is value


@pytest.mark.parametrize("text", ["required", "ture", ""])
def test_a_flag_of_another_value_is_named(monkeypatch, text):
    monkeypatch.setenv("SOME_FLAG", text)
    with pytest.raises(ImproperlyConfigured, match=f"^SOME_FLAG is '{text}'; say true or false.$"):
        flag("SOME_FLAG", default=True)


@pytest.mark.parametrize("text", ["two", "-1", "1.5", ""])
def test_a_number_of_another_value_is_named(monkeypatch, text):
    monkeypatch.setenv("SOME_NUMBER", text)
    with pytest.raises(ImproperlyConfigured, match=f"^SOME_NUMBER is '{text}'; say a whole number such as 8.$"):
        number("SOME_NUMBER", default=8)


def test_what_is_not_set_has_its_default():
    assert (flag("NOT_SET", default=True), flag("NOT_SET", default=False), number("NOT_SET", default=8)) == (
        True,
        False,
        8,
    )


def test_a_slip_in_a_variable_stops_the_start():
    result = run("import trooply.settings", STAFF_REQUIRE_2FA="required")
    assert result.returncode == 1
    assert "STAFF_REQUIRE_2FA is 'required'; say true or false." in result.stderr


def test_the_web_process_of_a_new_installation_does_not_start_without_its_encoder(db):
    result = run("import trooply.wsgi", ENCODER="no-such-bundle", DATABASE_URL=database_url())
    assert result.returncode == 1
    assert "EncoderError" in result.stderr
    assert "no-such-bundle" in result.stderr


@pytest.mark.parametrize(
    ("loaded", "variables", "timeout"),
    [
        ("trooply.wsgi", {"STATEMENT_TIMEOUT_SECONDS": "7"}, "7s"),
        ("trooply.wsgi", {}, "30s"),
        ("trooply.celery", {"STATEMENT_TIMEOUT_SECONDS": "7"}, "0"),
    ],
)
def test_only_web_processes_have_statements_cancelled(db, loaded, variables, timeout):
    result = run(
        f"import {loaded}, django; django.setup()\n"
        "from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute('SHOW statement_timeout')\n"
        "    print(cursor.fetchone()[0])\n",
        DATABASE_URL=database_url(),
        **variables,
    )
    assert result.stdout == f"{timeout}\n", result.stderr


def test_messages_of_the_schedule_expire_when_the_next_ones_come():
    expires = {name: entry["options"]["expires"] for name, entry in settings.CELERY_BEAT_SCHEDULE.items()}
    assert expires == {
        "resume jobs": 10,
        "build vector indexes": 60,
        "calibrate relevance": 60,
        "flush search events": 5,
        "update popularity": 600,
        "resume revalidations": 60,
        "prune": 3600,
        "deliver webhooks": 5,
        "flush moderation scans": 5,
        "recheck images": 60,
        "translate products": 60,
    }


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "trooply.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
