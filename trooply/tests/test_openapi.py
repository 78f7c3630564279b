"""The OpenAPI document is complete, and the API keeps what it promises."""

import socket

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.permissions import ALL_PERMISSIONS
from accounts.tokens import issue_token
from search.modes import MODES

OPEN_TO_ALL = {"create_token", "create_login"}
# Of each operation so many cases, beside its examples and those at the bounds of its fields.
FUZZING = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PROMISES = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def document(db):
    return Client().get("/openapi.json").json()


def operations(document):
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_names_its_permission(document):
    for name, operation in operations(document):
        if operation["operationId"] not in OPEN_TO_ALL:
            assert operation.get("x-permission") in ALL_PERMISSIONS, name


def test_every_operation_tells_what_it_does_and_how_it_fails(document):
    for name, operation in operations(document):
        assert operation["summary"], name
        assert {"400", "401", "403", "404", "422"} <= operation["responses"].keys(), name


def test_every_operation_shows_an_example(document):
    for name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        media = [content for body in bodies for content in body.get("content", {}).values()]
        is_empty = set(operation["responses"]) & {"204"}
        assert is_empty or any("examples" in content for content in media), name


def test_the_pages_of_the_document_load_nothing_from_elsewhere(db):
    html = Client().get("/docs").content.decode()
    assert "https://" not in html
    assert "/static/drf_spectacular_sidecar/" in html


def test_the_document_is_made_without_a_warning(db, tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))


@pytest.fixture
def api(db, monkeypatch):
    # The database's connection holds the test's transaction: it must outlive each request.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    # Invented names have no address; to ask for each takes seconds.
    monkeypatch.setattr("accounts.outbound.socket.getaddrinfo", find_no_address)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", get_wsgi_application())
    yield schema
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def phases_for(operation):
    """Return all phases; but the modes of search share their fields, and one goes to the bounds of them for all."""
    is_like_text = operation.path in {f"/v1/search/{mode}" for mode in MODES if mode != "text"}
    return [phase for phase in HypothesisTestMode if not (is_like_text and phase is HypothesisTestMode.COVERAGE)]


def find_no_address(host, *args, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_the_api_keeps_what_the_document_promises(api, tenant):
    headers = {"Authorization": f"Bearer {issue_token(tenant)}", "Accept-Encoding": "identity"}

    def keeps_its_promises(case):
        case.call_and_validate(headers=headers, checks=PROMISES)

    broken = {}
    for result in api.get_all_operations():
        operation = result.ok()
        config = HypothesisTestConfig(project=api.config, modes=phases_for(operation), settings=FUZZING)
        try:
            with transaction.atomic():
                create_test(operation=operation, test_func=keeps_its_promises, config=config)()
        except FailureGroup as failures:
            broken[operation.label] = [str(failure) for failure in failures.exceptions]
    assert broken == {}
