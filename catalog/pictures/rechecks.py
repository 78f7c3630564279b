"""Pictures are looked for again at their addresses long after they were indexed: shops change them without a word.

    recheck_images:  pick those that nobody has looked for in long, the tenants in turn -> ask their servers whether
                     they have another version -> note when it was, or index the product again

A product whose picture is gone stays as it is, can be found by what was seen, and says what is wrong; its shop is told
once. A server that cannot be reached, or has too much to do, is asked again a day later.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Tenant
from catalog import locks
from catalog.documents import ProductDocument
from catalog.indexing import columns_of_version, record_failure
from catalog.jobs.lifecycle import reindex_products
from catalog.models import Product, ProductImage
from catalog.pictures.fetch import FetchError, NotModified, Version, fetch_if_changed

# Pictures of a round, of all tenants together, and how many tenants may share it.
ROUND = 200
TENANTS = 20
# They are asked for side by side, so many at a time; a round begins none after so many seconds, as a task has 30.
CONCURRENT = 8
ROUND_SECONDS = 12.0
FETCH_DEADLINE = 8.0
# When the server could not say, it is asked again after that.
PUT_OFF = timedelta(days=1)


@dataclass(frozen=True)
class Same:
    """The picture is still the same; this is what its server calls the version."""

    version: Version


class Other:
    """The picture is another than the stored one, or a product that has told of an error may be well again."""


Finding = Same | Other | FetchError


def recheck_images(at: datetime) -> None:
    """Look for a round of pictures that nobody has looked for in IMAGE_RECHECK_HOURS; others wait for the next one."""
    if not settings.IMAGE_RECHECK_HOURS:
        return
    with locks.tried(locks.RECHECK) as is_ours:
        if is_ours:
            _recheck(_in_turn(at - _period()), at)


def _recheck(images: Sequence[ProductImage], at: datetime) -> None:
    ends_at = time.monotonic() + ROUND_SECONDS
    changed: dict[Tenant, list[ProductImage]] = defaultdict(list)
    for start in range(0, len(images), CONCURRENT):
        if time.monotonic() > ends_at:
            break
        batch = images[start : start + CONCURRENT]
        with ThreadPoolExecutor(CONCURRENT) as pool:
            findings = list(pool.map(_look_for, batch))
        for image, finding in zip(batch, findings, strict=True):
            if isinstance(finding, Other):
                changed[image.tenant].append(image)
            else:
                _settle(image, finding, at)
    for tenant, others in changed.items():
        _index_again(tenant, others, at)


def _in_turn(before: datetime) -> list[ProductImage]:
    """Return pictures that were last seen before then, a few of each tenant, those of the tenants by turns."""
    due = ProductImage.objects.filter(checked_at__lt=before, product__is_demo=False)
    active = Tenant.objects.filter(Exists(due.filter(tenant=OuterRef("pk"))), status=Tenant.Status.ACTIVE)
    tenants = list(active.order_by("?")[:TENANTS])
    oldest = due.select_related("tenant", "product").order_by("checked_at", "pk")
    shares = [oldest.filter(tenant=tenant)[: ROUND // len(tenants)] for tenant in tenants]
    return [image for turn in zip_longest(*shares) for image in turn if image is not None]


def _look_for(image: ProductImage) -> Finding:
    version, url = Version(image.etag, image.last_modified), _address(image)
    if not url:
        return Same(version)
    try:
        fetched = fetch_if_changed(url, version, deadline=FETCH_DEADLINE)
    except FetchError as error:
        return error
    is_same = isinstance(fetched, NotModified) or hashlib.sha256(fetched.data).hexdigest() == image.sha256
    if not is_same or image.product.error_code:
        return Other()
    return Same(version if isinstance(fetched, NotModified) else fetched.version)


def _address(image: ProductImage) -> str:
    """Return where a picture is to be looked for: nowhere, unless its product can be indexed again from addresses."""
    product = image.product
    if product.status != Product.Status.INDEXED or not all(product.image_urls):
        return ""
    return dict(enumerate(product.image_urls)).get(image.position, "")


def _settle(image: ProductImage, finding: Same | FetchError, at: datetime) -> None:
    # Unless it is another picture by now.
    row = ProductImage.objects.filter(pk=image.pk, sha256=image.sha256)
    if isinstance(finding, Same):
        row.update(checked_at=at, **columns_of_version(finding.version))
    elif finding.retryable:
        row.update(checked_at=at - _period() + PUT_OFF)
    else:
        product = image.product
        record_failure(
            image.tenant,
            ProductDocument(product.product_id, tuple(product.image_urls), metadata=None),
            finding,
            image_url=_address(image),
        )
        row.update(checked_at=at)


@transaction.atomic
def _index_again(tenant: Tenant, images: Sequence[ProductImage], at: datetime) -> None:
    reindex_products(tenant, {image.product_id: image.product for image in images}.values())
    ProductImage.objects.filter(pk__in=[image.pk for image in images]).update(checked_at=at)


def _period() -> timedelta:
    return timedelta(hours=settings.IMAGE_RECHECK_HOURS)
