import json
import shutil
import stat

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Tenant, User
from catalog.models import Embedding, Encoder, Job, ProductImage


@pytest.fixture
def second_encoder(settings, tmp_path):
    """The shipped bundle under another name: another encoder as far as vectors are concerned."""
    folder = tmp_path / "second"
    shutil.copytree(settings.ENCODER_DIR / settings.ENCODER, folder)
    manifest = folder / "encoder.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": "second"}))
    return str(folder)


def vectors_of(name):
    return Embedding.objects.filter(encoder__name=name).count()


def test_reindex_fills_in_a_new_encoder_beside_the_old(owner, index, pictures, second_encoder, capsys):
    index(a=(255, 0, 0), b=(0, 0, 255))
    before = pictures.requests.total()
    call_command("reindex", encoder=second_encoder, verbosity=0)
    assert (vectors_of("scout-1"), vectors_of("second")) == (2, 2)
    assert pictures.requests.total() == before
    assert "2 pictures embedded with second" in capsys.readouterr().out
    call_command("reindex", encoder=second_encoder, verbosity=0)
    assert "0 pictures embedded" in capsys.readouterr().out


def test_reindex_stays_with_one_tenant(owner, stranger, index, second_encoder):
    index(a=(255, 0, 0))
    call_command("reindex", encoder=second_encoder, tenant=stranger.tenant.client_id, verbosity=0)
    assert vectors_of("second") == 0
    call_command("reindex", encoder=second_encoder, tenant=owner.tenant.client_id, verbosity=0)
    assert vectors_of("second") == 1


def test_a_dry_run_only_counts(owner, index, second_encoder, capsys):
    index(a=(255, 0, 0))
    call_command("reindex", encoder=second_encoder, dry_run=True)
    assert "1 pictures have no vector of second" in capsys.readouterr().out
    assert vectors_of("second") == 0


def test_reindex_names_what_it_could_not_read(owner, index, second_encoder, settings, capsys):
    index(a=(255, 0, 0), b=(0, 0, 255))
    (settings.MEDIA_ROOT / ProductImage.objects.get(product__product_id="a").thumbnail.name).unlink()
    with pytest.raises(CommandError, match="1 pictures could not be read"):
        call_command("reindex", encoder=second_encoder, verbosity=0)
    assert capsys.readouterr().err.startswith("a: its stored picture is gone")
    assert vectors_of("second") == 1


@pytest.mark.parametrize("arguments", [{"encoder": "no-such-bundle"}, {"tenant": "no-such-tenant"}])
def test_reindex_refuses_what_does_not_exist(db, arguments):
    with pytest.raises(CommandError, match="no-such"):
        call_command("reindex", **arguments)


def test_searches_after_a_switch_use_the_new_vectors(owner, index, pictures, second_encoder, settings):
    index(a=(255, 0, 0))
    call_command("reindex", encoder=second_encoder, verbosity=0)
    settings.ENCODER = second_encoder
    response = owner.client.post("/v1/search/text", {"query": "red ball"})
    assert [result["product_id"] for result in response.json()["results"]] == ["a"]
    assert Encoder.objects.count() == 2


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
