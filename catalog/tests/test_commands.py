import json
import stat

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Tenant, User
from catalog import encoders
from catalog.models import Encoder, Job


def test_create_tenant_prints_credentials_that_work(db, client, capsys):
    call_command("create_tenant", "New Shop", "new@example.com")
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    form = {name: printed[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    assert client.post("/oauth/token", form).status_code == 400  # multipart is not the form of RFC 6749
    body = "&".join(f"{name}={value}" for name, value in form.items())
    assert client.post("/oauth/token", body, content_type="application/x-www-form-urlencoded").status_code == 200
    assert client.login(username="new@example.com", password=printed["password"])


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [("bob@example.com", None, "exists already"), ("new@example.com", "12345678", "too common")],
)
def test_create_tenant_refuses_what_cannot_be(reader, email, password, message):
    before = Tenant.objects.count()
    with pytest.raises(CommandError, match=message):
        call_command("create_tenant", "New Shop", email, password=password)
    assert Tenant.objects.count() == before


def test_ensure_demo_creates_what_is_missing_and_changes_nothing_else(tenant, settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    # The demo's pictures are served by the web process, which a test without one does not have.
    with pytest.raises(CommandError, match="after 0 s"):
        call_command("ensure_demo", timeout=0)
    file = tmp_path / "demo-credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    credentials = json.loads(file.read_text())
    assert set(credentials) == {
        "base_url",
        "client_id",
        "client_secret",
        "api_key",
        "email",
        "password",
        "staff_email",
        "staff_password",
    }
    demo = Tenant.objects.get(client_id=credentials["client_id"])
    assert demo.subscription.plan.max_products == 50_000
    assert User.objects.get(email=credentials["staff_email"]).is_superuser
    assert Job.objects.get(tenant=demo).total >= 60
    with pytest.raises(CommandError):
        call_command("ensure_demo", timeout=0)
    assert json.loads(file.read_text()) == credentials


def test_ensure_demo_replaces_an_encoder_whose_bundle_is_gone(owner, index, settings, tmp_path, capsys):
    index(a=(255, 0, 0))
    settings.VAR_DIR = tmp_path
    Encoder.objects.update(name="scout-0", bundle="scout-0")
    encoders.forget()
    with pytest.raises(CommandError, match="after 0 s"):
        call_command("ensure_demo", timeout=0)
    printed = capsys.readouterr().out
    assert printed.startswith("The encoder that serves, scout-0, cannot be loaded.")
    assert f"{settings.ENCODER} serves now" in printed
    response = owner.client.post("/v1/search/text", {"query": "red ball"})
    assert [result["product_id"] for result in response.json()["results"]] == ["a"]
