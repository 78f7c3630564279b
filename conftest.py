"""What tests share: three characters with clients of their own, a picture server, and tasks that run at once.

The owner has a shop; the reader works in it with few rights; the stranger has a shop of their own.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from PIL import Image, ImageDraw
from rest_framework.test import APIClient

from accounts.models import Tenant, User
from accounts.tokens import issue_token
from billing.models import Plan, Subscription
from catalog import encoders, relevance
from catalog.models import Encoder
from trooply.celery import app as celery_app
from trooply.testing.language_model import Endpoint
from trooply.testing.picture_server import PictureServer

PASSWORD = "a-long-enough-passphrase"


def pytest_configure() -> None:
    """Give every xdist worker a Redis database of its own, as pytest-django gives it a PostgreSQL database."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    settings.REDIS_URL += f"?db={number}"
    settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL
    settings.PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")  # quick
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


@dataclass(frozen=True)
class Character:
    """Somebody who calls the API: their tenant, their user (None for an owner's token), their client."""

    tenant: Tenant
    client: APIClient
    user: User | None = None


@pytest.fixture(autouse=True)
def _tasks_run_at_once():
    celery_app.conf.task_always_eager = True
    celery_app.conf.task_eager_propagates = True


@pytest.fixture(autouse=True)
def _no_rows_of_other_tests():
    encoders.forget()
    relevance.forget()


@pytest.fixture(autouse=True)
def _plans(request):
    """The plans that migrations create, and that a test with real transactions flushes when it ends."""
    database = {"transactional_db", "db"} & set(request.fixturenames)
    if database:
        request.getfixturevalue(max(database))
        if not Plan.objects.exists():
            import_module("billing.migrations.0002_plans").create_plans(apps, None)
            import_module("billing.migrations.0003_catalog_batch_size").set_sizes(apps, None)


@pytest.fixture(autouse=True)
def _no_encoder_of_other_tests(request, _plans):
    """No encoder serves when a test begins, though a thread of an earlier one may have let one serve, and committed."""
    if {"transactional_db", "db"} & set(request.fixturenames):
        Encoder.objects.all().delete()


@pytest.fixture
def tenant(db) -> Tenant:
    return create_tenant("Alice's shop")


@pytest.fixture
def owner(tenant) -> Character:
    return Character(tenant, signed_in(tenant))


@pytest.fixture
def reader(tenant) -> Character:
    """A member of the team who may read products, and nothing else."""
    user = User.objects.create_user("bob@example.com", PASSWORD, tenant=tenant, full_name="Bob")
    user.user_groups.add(tenant.user_groups.create(name="Readers", permissions=["products:read"]))
    return Character(tenant, signed_in(user), user)


@pytest.fixture
def stranger(db) -> Character:
    tenant = create_tenant("Charlie's shop")
    return Character(tenant, signed_in(tenant))


@pytest.fixture
def admin_user(tenant) -> User:
    """A member of the team with all rights, who signs in to the portal."""
    user = User.objects.create_user("alice@example.com", PASSWORD, tenant=tenant, full_name="Alice")
    user.user_groups.add(tenant.user_groups.get(name="Admin"))
    return user


@pytest.fixture
def pictures(settings) -> Iterator[PictureServer]:
    """A web server of pictures on loopback that fetching is allowed to reach."""
    with PictureServer() as server:
        settings.FETCH_ALLOWED_HOSTS = [server.host]
        yield server


@pytest.fixture
def endpoint(settings) -> Iterator[Endpoint]:
    """A language model on loopback."""
    with Endpoint() as server:
        settings.LANGUAGE_MODEL_URL = server.url
        settings.LANGUAGE_MODEL_KEY = "secret-key"
        settings.LANGUAGE_MODEL_NAME = "small"
        yield server


@pytest.fixture(autouse=True)
def _media_in_tmp(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def index(owner, pictures) -> Callable[..., None]:
    """Index products of the owner by name of colour: `index(red=(255, 0, 0), blue=(0, 0, 255))`."""

    def run(metadata=None, **colors):
        for name, color in colors.items():
            url = pictures.serve(f"/{name}.jpg", picture(color), content_type="image/jpeg")
            body = {"product_id": name, "image_url": url, "metadata": {"name": name} | (metadata or {})}
            response = owner.client.post("/v1/products", body)
            assert response.status_code == 201, response.content

    return run


def create_tenant(name: str, *, plan: str = "premium") -> Tenant:
    tenant, _ = Tenant.objects.create_tenant(name=name)
    Subscription.objects.create(tenant=tenant, plan=Plan.objects.get(name=plan))
    return tenant


def signed_in(owner: Tenant | User) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {issue_token(owner)}")


def picture(color=(200, 30, 30), *, size=(400, 400), file_format="JPEG") -> bytes:
    """Return the bytes of a picture: a disc of this colour on white."""
    image = Image.new("RGB", size, "white")
    width, height = size
    ImageDraw.Draw(image).ellipse((width // 5, height // 5, width * 4 // 5, height * 4 // 5), fill=color)
    out = io.BytesIO()
    image.save(out, file_format)
    return out.getvalue()
