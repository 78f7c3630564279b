"""A case: a shop whose server loses a program in the middle of a bulk job, and what became of the shop."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from django.core.management import call_command
from django.db import close_old_connections
from django.db.models import Count

from accounts.models import Tenant
from accounts.tokens import issue_token
from bench.catalogue import create_tenant
from bench.chaos.victims import kill
from bench.client import Client, json_request
from bench.pictures import draw_pictures, served
from bench.programs import running
from trooply.testing.webhook_receiver import Received, WebhookReceiver

# A lease of 35 s, a look every 10 s whether somebody must be sent for, and what is left to do by then.
PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.2
# Nothing may arrive for so long before we believe that nothing will: longer than a lost delivery's lease.
QUIET_SECONDS = 50.0
# The share of the products that is indexed when the killing begins.
KILL_AFTER = 0.25
HOOKS, CALLBACK = "/hooks", "/callback"


@dataclass(frozen=True)
class Outcome:
    """What became of a shop whose `victim` was killed: counts of products and of events, and seconds to the end."""

    victim: str
    killed: int
    sent: int
    seconds: float
    products_lost: int
    products_twice: int
    events_lost: int
    events_with_two_ids: int
    deliveries_repeated: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost, and nothing made twice."""
        return not (self.products_lost or self.products_twice or self.events_lost or self.events_with_two_ids)


def run(victims: Sequence[str], *, products: int) -> list[Outcome]:
    """Run a case for each program, in an empty database."""
    call_command("migrate", verbosity=0)
    _say(f"Drawing {products} pictures")
    drawn = draw_pictures(products)
    with served(drawn) as addresses, running("web", "worker", "beat") as supervisor:
        return [_run_case(victim, addresses, supervisor.tick) for victim in victims]


def _run_case(victim: str, addresses: Sequence[str], tick: Callable[[], None]) -> Outcome:
    tenant = create_tenant(f"Killed {victim}")
    products = [
        {"product_id": f"{victim}-{number}", "image_url": address, "metadata": {"name": f"Product {number}"}}
        for number, address in enumerate(addresses)
    ]
    with WebhookReceiver() as receiver:
        shop = Shop(tenant, tick)
        shop.post("/v1/search/webhooks", {"url": receiver.url(HOOKS), "events": ["product.indexed", "bulk.completed"]})
        started = time.monotonic()
        body = {"products": products, "callback_url": receiver.url(CALLBACK)}
        job_id = shop.post("/v1/products/bulk", body)["job_id"]
        shop.wait(lambda: shop.get(f"/v1/jobs/{job_id}")["processed"] >= KILL_AFTER * len(products))
        _say(f"Killing {victim}")
        killed = kill(victim)
        shop.wait(lambda: shop.get(f"/v1/jobs/{job_id}")["finished_at"])
        seconds = _wait_for_quiet(receiver, shop) - started
        return _judge(victim, tenant, job_id, products, receiver.received, killed=killed, seconds=seconds)


def _wait_for_quiet(receiver: WebhookReceiver, shop: "Shop") -> float:
    """Wait until nothing has arrived for a while; return when the last event did."""
    count, last_at = len(receiver.received), time.monotonic()

    def is_quiet() -> bool:
        nonlocal count, last_at
        if len(receiver.received) > count:
            count, last_at = len(receiver.received), time.monotonic()
        return time.monotonic() - last_at > QUIET_SECONDS

    shop.wait(is_quiet)
    return last_at


def _judge(
    victim: str,
    tenant: Tenant,
    job_id: str,
    products: Sequence[dict[str, Any]],
    received: Sequence[Received],
    *,
    killed: int,
    seconds: float,
) -> Outcome:
    close_old_connections()
    indexed = tenant.products.filter(status="indexed").annotate(vectors=Count("embeddings"))
    vectors = dict(indexed.values_list("product_id", "vectors"))
    names = [product["product_id"] for product in products]
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for request in received:
        ids[_what_is_told(request)].append(request.headers["webhook-id"])
    expected = [*names, job_id, f"callback of {job_id}"]
    return Outcome(
        victim=victim,
        killed=killed,
        sent=len(products),
        seconds=seconds,
        products_lost=sum(not vectors.get(name) for name in names),
        products_twice=sum(count > 1 for count in vectors.values()),
        events_lost=sum(what not in ids for what in expected),
        events_with_two_ids=sum(len(set(of_one)) > 1 for of_one in ids.values()),
        deliveries_repeated=sum(len(of_one) - len(set(of_one)) for of_one in ids.values()),
    )


def _what_is_told(request: Received) -> str:
    """Return the product that an event tells of, the job that has finished, or the job whose callback this is."""
    if request.path == CALLBACK:
        return f"callback of {request.payload['job_id']}"
    data = request.payload["data"]
    name: str = data.get("product_id") or data["job_id"]
    return name


class Shop:
    """A merchant's program: it asks again while our server is away, and lets dead programs be started meanwhile."""

    def __init__(self, tenant: Tenant, tick: Callable[[], None]) -> None:
        self._token = issue_token(tenant)
        self._tick = tick
        self._deadline = time.monotonic() + PATIENCE_SECONDS

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON at a path."""
        return self._persist(lambda client: client.get(path))

    def post(self, path: str, document: Any) -> dict[str, Any]:
        """Send a document and return the answer's JSON."""
        return self._persist(lambda client: client.post(json_request(path, document)))

    def wait(self, condition: Callable[[], Any]) -> None:
        """Wait until something is so. Raises RuntimeError when it takes too long."""
        while not condition():
            self._pause("nothing more happens")

    def _persist(self, call: Callable[[Client], dict[str, Any]]) -> dict[str, Any]:
        while True:
            try:
                with Client(self._token) as client:
                    return call(client)
            except (OSError, HTTPException, RuntimeError) as error:
                self._pause(str(error))

    def _pause(self, reason: str) -> None:
        if time.monotonic() > self._deadline:
            raise RuntimeError(f"After {PATIENCE_SECONDS:g} s: {reason}")
        self._tick()
        time.sleep(POLL_SECONDS)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
