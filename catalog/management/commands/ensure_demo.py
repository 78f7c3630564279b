"""`manage.py ensure_demo`: an encoder that loads, staff, a demo shop and its credentials, for `make up`."""

import json
import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.crypto import get_random_string
from tqdm import tqdm

from accounts.models import ApiKey, Tenant, User
from accounts.permissions import ALL_PERMISSIONS
from billing.models import Plan, Subscription
from catalog.demo_shop import install_demo
from catalog.encoder_heads import heads_of
from catalog.encoders import LostEncoderError, active_encoder
from catalog.jobs.report import with_progress
from catalog.models import Job, Product

CREDENTIALS_FILE = "demo-credentials.json"
STAFF_EMAIL = "staff@trooply.example"
OWNER_EMAIL = "demo@trooply.example"
PLAN = "premium"


class Command(BaseCommand):
    help = (
        "Create a staff user, a demo tenant with credentials and the demo products. What is there already stays, but "
        "an encoder whose bundle is gone gives way to the one that ENCODER names."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--timeout", type=int, default=120, help="seconds to wait for the demo products")

    def handle(self, *, timeout: int, **options: Any) -> None:
        self._replace_lost_encoder()
        # Here there is time for it; a worker has half a minute for its first products and all that they need.
        heads_of(active_encoder())
        path = settings.VAR_DIR / CREDENTIALS_FILE
        if not path.exists():
            _write_private(path, _create_accounts())
        credentials = json.loads(path.read_text())
        tenant = Tenant.objects.get(client_id=credentials["client_id"])
        has_moved = credentials["base_url"] != settings.BASE_URL
        if has_moved or not tenant.products.filter(is_demo=True, status=Product.Status.INDEXED).exists():
            self._wait(install_demo(tenant), timeout)
            _write_private(path, credentials | {"base_url": settings.BASE_URL})

    def _replace_lost_encoder(self) -> None:
        """Embed everything anew when the encoder that served came with an older version of Trooply."""
        try:
            active_encoder()
        except LostEncoderError as error:
            self.stdout.write(f"{error} Switching now.")
            call_command("reindex", encoder=settings.ENCODER, skip_unreadable=True)

    def _wait(self, job: Job, timeout: int) -> None:
        deadline = time.monotonic() + timeout
        with tqdm(total=job.total, unit=" products", desc="demo products") as progress:
            while True:
                job = with_progress(Job.objects.filter(pk=job.pk)).get()
                progress.update(job.processed - progress.n)  # type: ignore[attr-defined]  # annotated
                if job.finished_at is not None:
                    break
                if time.monotonic() > deadline:
                    raise CommandError(f"The demo products are not indexed after {timeout} s. Does the worker run?")
                time.sleep(0.5)
        if job.status != Job.Status.COMPLETED:
            raise CommandError(f"No demo product could be indexed; see job {job.job_id} in the admin.")


@transaction.atomic
def _create_accounts() -> dict[str, str]:
    tenant, client_secret = Tenant.objects.create_tenant(name="Demo Shop")
    Subscription.objects.create(tenant=tenant, plan=Plan.objects.get(name=PLAN))
    _, api_key = ApiKey.objects.create_key(tenant=tenant, name="Demo", scopes=sorted(ALL_PERMISSIONS))
    password, staff_password = get_random_string(20), get_random_string(20)
    owner = _replace_user(OWNER_EMAIL, password, tenant=tenant, full_name="Demo Merchant")
    owner.user_groups.add(tenant.user_groups.get(name="Admin"))
    _replace_user(STAFF_EMAIL, staff_password, is_staff=True, is_superuser=True)
    return {
        "base_url": settings.BASE_URL,
        "client_id": tenant.client_id,
        "client_secret": client_secret,
        "api_key": api_key,
        "email": OWNER_EMAIL,
        "password": password,
        "staff_email": STAFF_EMAIL,
        "staff_password": staff_password,
    }


def _replace_user(email: str, password: str, **fields: Any) -> User:
    """Create a demo user, in place of one whose password was lost with the credentials file."""
    User.objects.filter(email=email).delete()
    return User.objects.create_user(email, password, **fields)


def _write_private(path: Path, credentials: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump(credentials, file, indent=2)
    draft.replace(path)
