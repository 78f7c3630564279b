import pytest
from django.core.management import call_command
from django.db import connection

from trooply.checks import check_pgvector


def test_this_server_is_fine(db):
    assert check_pgvector() == []


@pytest.mark.parametrize("option", ["hnsw.iterative_scan", "hnsw.ef_search"])
def test_a_lost_connection_option_is_found(db, option):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {option} TO DEFAULT")
        cursor.execute(f"SET LOCAL {option} = {'off' if option == 'hnsw.iterative_scan' else '40'}")
    errors = check_pgvector()
    assert [error.id for error in errors] == ["trooply.E003"]
    assert option in errors[0].msg


def test_an_old_pgvector_is_found(db, monkeypatch):
    monkeypatch.setattr("trooply.checks.MINIMUM_PGVECTOR", (99, 0, 0))
    errors = check_pgvector()
    assert [error.id for error in errors] == ["trooply.E002"]
    assert "99.0.0" in errors[0].hint


@pytest.mark.parametrize(("installed", "found"), [("0.7.4", ["trooply.E002"]), ("0.9.0-dev", []), ("0.10.0", [])])
def test_it_is_the_installed_pgvector_that_counts(db, installed, found):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_extension SET extversion = %s WHERE extname = 'vector'", [installed])
    assert [error.id for error in check_pgvector()] == found


def test_the_command_looks_at_it(db, capsys):
    call_command("check")
    assert "no issues" in capsys.readouterr().out
