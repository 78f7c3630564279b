"""The parts of an export, as files that only its link leads to, and what stands in them."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.models import Tenant
from billing.limits import plan_of
from catalog.models import Job, Product
from catalog.translation.products import shown_translations

FOLDER = "exports"
LIFETIME = timedelta(hours=24)
READ_SIZE = 64 * 1024


def write_part(job: Job, index: int, products: Iterable[Product]) -> None:
    """Write a part of an export, in place of what an earlier attempt may have left: a product a line."""
    lines = [_line(product) for product in products]
    storage, name = _storage(), _name(job, index)
    storage.delete(name)
    storage.save(name, ContentFile(b"".join(lines)))


def read_export(job: Job) -> Iterator[bytes]:
    """Yield an export as one JSON object, `profile` and `products`, a piece at a time."""
    profile = json.dumps(_profile(job.tenant), cls=DjangoJSONEncoder, ensure_ascii=False)
    yield f'{{"profile": {profile},\n"products": [\n'.encode()
    separator = b""
    for index in job.items.order_by("index").values_list("index", flat=True):
        with _storage().open(_name(job, index)) as file:
            for line in file:
                yield separator + line.rstrip(b"\n")
                separator = b",\n"
    yield b"\n]}\n"


def discard_expired_exports() -> int:
    """Delete the files of exports whose link has expired, or whose job is gone; return of how many exports."""
    storage = _storage()
    folders = [
        f"{FOLDER}/{tenant}/{job}"
        for tenant in _folders(storage, FOLDER)
        for job in _folders(storage, f"{FOLDER}/{tenant}")
    ]
    job_ids = [folder.rsplit("/", 1)[1] for folder in folders]
    kept = Job.objects.filter(job_id__in=job_ids).exclude(finished_at__lt=timezone.now() - LIFETIME)
    kept_ids = set(kept.values_list("job_id", flat=True))
    expired = [folder for folder, job_id in zip(folders, job_ids, strict=True) if job_id not in kept_ids]
    for folder in expired:
        discard_folder(storage, folder)
    return len(expired)


def discard_folder(storage: Storage, folder: str) -> None:
    """Delete a folder of a storage with all that is in it."""
    if not storage.exists(folder) and not _folders(storage, folder):
        return
    folders, files = storage.listdir(folder)
    for name in files:
        storage.delete(f"{folder}/{name}")
    for name in folders:
        discard_folder(storage, f"{folder}/{name}")
    storage.delete(folder)


def _folders(storage: Storage, folder: str) -> list[str]:
    try:
        return list(storage.listdir(folder)[0])
    except FileNotFoundError:
        return []


def _storage() -> Storage:
    return storages["private"]


def _name(job: Job, index: int) -> str:
    return f"{FOLDER}/{job.tenant_id}/{job.job_id}/{index:06}.ndjson"


def _line(product: Product) -> bytes:
    facts = {
        "product_id": product.product_id,
        "status": product.status,
        "image_urls": product.image_urls,
        "metadata": product.metadata,
        "translations": shown_translations(product.translations, product.metadata),
        "is_demo": product.is_demo,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "indexed_at": product.indexed_at,
    }
    return json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _profile(tenant: Tenant) -> dict[str, Any]:
    return {
        "client_id": tenant.client_id,
        "client_name": tenant.name,
        "plan": plan_of(tenant).name,
        "status": tenant.status,
        "created_at": tenant.created_at,
    }
