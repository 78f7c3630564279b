"""The demo shop: products whose pictures we draw ourselves, to try everything without a catalogue of one's own."""

from django.conf import settings

from accounts.models import Tenant
from catalog.demo.products import DEMO_PRODUCTS, DemoProduct
from catalog.documents import ProductDocument
from catalog.jobs.items import item_of_document
from catalog.jobs.lifecycle import create_job
from catalog.models import Job
from catalog.products import delete_products


def install_demo(tenant: Tenant) -> Job:
    """Start a job that indexes the demo products, which do not count towards the plan."""
    return create_job(tenant, Job.Kind.DEMO, [item_of_document(_document(product)) for product in DEMO_PRODUCTS])


def remove_demo(tenant: Tenant) -> int:
    """Delete the demo products; return how many."""
    return delete_products(tenant.products.filter(is_demo=True))


def _document(product: DemoProduct) -> ProductDocument:
    address = f"{settings.BASE_URL}{settings.STATIC_URL}demo/{product.product_id}.webp"
    return ProductDocument(product_id=product.product_id, images=(address,), metadata=product.metadata, is_demo=True)
