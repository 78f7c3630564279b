"""What the catalogue keeps of a tenant beside its rows, and rows that are too many for one statement."""

from django.core.files.storage import default_storage, storages

from accounts.erasure import erases
from accounts.models import Tenant
from catalog.export.parts import FOLDER, discard_folder
from catalog.models import Product
from catalog.vector_index import drop_tenant_indexes

BATCH = 1_000


@erases
def erase_catalogue(tenant: Tenant) -> None:
    """Erase a tenant's vector indexes, products, thumbnails and exports."""
    tenant.jobs.all().delete()
    drop_tenant_indexes(tenant)
    while pks := list(tenant.products.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        Product.objects.filter(pk__in=pks).delete()
    discard_folder(default_storage, f"thumbnails/{tenant.pk}")
    discard_folder(storages["private"], f"{FOLDER}/{tenant.pk}")
