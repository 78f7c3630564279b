"""How fast a feed of prices and stock is taken: one request to `POST /v1/products/patch-batch`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Tenant
from accounts.tokens import issue_token
from bench.client import Client, json_request


@dataclass(frozen=True)
class PatchSpeed:
    """`products` whose price and stock were changed by one request, and the seconds until it was answered."""

    products: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.products / self.seconds


def measure_patch_batch(tenant: Tenant, product_ids: Sequence[str]) -> PatchSpeed:
    """Give each product another price and stock, all of them in one request of at most 10,000."""
    changes = [
        {"product_id": product_id, "price": 1000 + number / 100, "stock_quantity": number % 7}
        for number, product_id in enumerate(product_ids)
    ]
    request = json_request("/v1/products/patch-batch", {"products": changes})
    with Client(issue_token(tenant)) as client:
        started = time.perf_counter()
        answer = client.post(request)
        seconds = time.perf_counter() - started
    if answer["updated"] != len(product_ids):
        raise RuntimeError(f"Only {answer['updated']} of {len(product_ids)} were updated: {answer['errors'][:3]}")
    return PatchSpeed(products=len(product_ids), seconds=seconds)
