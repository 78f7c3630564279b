"""The stored files of pictures: one for the same bytes, however many products of a tenant show them."""

from collections.abc import Collection

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import Tenant
from catalog.models import ProductImage


def store_thumbnail(tenant: Tenant, sha256: str, thumbnail: bytes) -> str:
    """Store the thumbnail of a picture, a JPEG, unless it is there, and return its name."""
    name = f"thumbnails/{tenant.pk}/{sha256[:2]}/{sha256}.jpg"
    if default_storage.exists(name):
        return name
    return default_storage.save(name, ContentFile(thumbnail))


def discard_thumbnails(tenant_pk: int, names: Collection[str]) -> None:
    """Delete those of these files that no picture of their tenant shows any more, when the transaction commits."""

    def delete_unused() -> None:
        shown = ProductImage.objects.filter(tenant=tenant_pk, thumbnail__in=names).values_list("thumbnail", flat=True)
        for name in set(names).difference(shown):
            default_storage.delete(name)

    if names:
        transaction.on_commit(delete_unused)
