"""The worker's side of webhooks: rounds in which what is due is claimed, sent side by side and settled.

A delivery is claimed by moving its `due_at` ahead: if the worker dies, it is due again when that time comes, and goes
out with the same id. Every receiver has a lane of its own with few requests at once, and lanes of tenants that have
the fewest under way go first, so nobody waits for somebody else's slow server.
"""

import logging
import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import Tenant, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.messages import message_of
from accounts.webhooks.sending import INTERNAL_ERROR, TIMED_OUT, TIMEOUT, Answer, open_session, send
from accounts.webhooks.settling import Outcome, settle

logger = logging.getLogger(__name__)

# Requests under way: in all, for a tenant, for a receiver, and for one that has failed the last time.
AT_ONCE = 48
TENANT_AT_ONCE = 16
LANE_AT_ONCE = 5
FAILING_AT_ONCE = 1
# Deliveries that a lane claims in one go.
BATCH = 50
# Seconds for which a round begins requests, and after which it ends whatever a receiver does; with the time of the last
# request it stays within the task's limit (CELERY_TASK_TIME_LIMIT), and other work gets its turn in between.
ROUND = 10.0
LAST_CALL = ROUND + TIMEOUT + 1
# Seconds between two looks for lanes that have become due.
LOOK_EVERY = 0.5
# Longer than a task may run.
LEASE = timedelta(seconds=35)
_AT_WORK = "webhooks-at-work"


def deliver_in_turn() -> bool:
    """Deliver what is due, unless another process is at it; return whether there is more to do.

    One process has threads enough for all receivers, and leaves the other processes to other work.
    """
    if not cache.add(_AT_WORK, True, LEASE.total_seconds()):
        return False
    try:
        deliver_due()
    finally:
        cache.delete(_AT_WORK)
    return has_due(timezone.now())


def deliver_due() -> None:
    """Deliver what is due, for one round."""
    with closing(_Round()) as round_:
        round_.run()


def has_due(at: datetime) -> bool:
    """Return whether a delivery is due that may be sent."""
    return _due_endpoints(at).exists() or _due_callers(at).exists()


class _Lane:
    """What is due for one receiver: an endpoint, or the callback addresses of a tenant's jobs."""

    def __init__(self, tenant: Tenant, endpoint: WebhookEndpoint | None) -> None:
        self.tenant, self.endpoint = tenant, endpoint
        self.session = open_session()
        self.waiting: deque[tuple[WebhookDelivery, datetime]] = deque()
        self.at_work = 0
        self.has_more = True
        self.served_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether one more request may be made, and there may be something to send."""
        is_failing = self.endpoint is not None and self.endpoint.failing_since is not None
        at_once = FAILING_AT_ONCE if is_failing else LANE_AT_ONCE
        return self.at_work < at_once and (self.has_more or bool(self.waiting))

    @transaction.atomic
    def claim(self) -> None:
        """Claim the next deliveries."""
        now = timezone.now()
        due = _due(now).filter(tenant=self.tenant, endpoint=self.endpoint).select_related("event")
        claimed = list(due.order_by("due_at", "pk").select_for_update(skip_locked=True, of=("self",))[:BATCH])
        self.has_more = len(claimed) == BATCH
        WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in claimed]).update(due_at=now + LEASE)
        for delivery in claimed:
            self.waiting.append((delivery, delivery.due_at))
            delivery.due_at = now + LEASE
            delivery.tenant, delivery.endpoint = self.tenant, self.endpoint

    def close_if_refused(self) -> None:
        """Send nothing more in this round to an endpoint that was disabled or wants to be left in peace."""
        endpoint = self.endpoint
        if endpoint is None:
            return
        is_paused = endpoint.paused_until is not None and endpoint.paused_until > timezone.now()
        if is_paused or endpoint.state != WebhookEndpoint.State.ACTIVE:
            self.release()

    def release(self) -> None:
        """Give back what is claimed and not sent."""
        left = []
        for delivery, due_at in self.waiting:
            delivery.due_at = due_at
            left.append(delivery)
        WebhookDelivery.objects.bulk_update(left, ["due_at"])
        self.waiting.clear()
        self.has_more = False


class _Round:
    """A time of work with threads and kept-alive connections of its own."""

    def __init__(self) -> None:
        started = time.monotonic()
        self._begins_until, self._ends_at = started + ROUND, started + LAST_CALL
        self._look_at = started
        self._lanes: dict[tuple[int, int | None], _Lane] = {}
        self._at_work: dict[Future[Answer], tuple[_Lane, WebhookDelivery]] = {}
        self._of_tenant: Counter[int] = Counter()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")

    def run(self) -> None:
        """Send until nothing is due or the time is over."""
        self._begin()
        while self._at_work:
            done = self._finished()
            if all(outcome.answer.is_success for _, outcome in done):
                self._begin()  # so that no receiver waits for the database
            if done:
                settle([outcome for _, outcome in done])
            for lane, _ in done:
                lane.close_if_refused()
            self._begin()

    def close(self) -> None:
        """Give back what was not begun; whoever still waits for an answer ends by itself."""
        for lane in self._lanes.values():
            lane.release()
            lane.session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        """Begin as many requests as may be."""
        now = time.monotonic()
        if now >= self._begins_until:
            return
        if now >= self._look_at:
            self._look()
        while len(self._at_work) < AT_ONCE and (lane := self._next_lane()):
            if not lane.waiting:
                lane.claim()
            if lane.waiting:
                self._send(lane)

    def _look(self) -> None:
        """Open the lanes of all who have something due."""
        now = timezone.now()
        self._look_at = time.monotonic() + LOOK_EVERY
        for endpoint in _due_endpoints(now):
            lane = self._lane(endpoint.tenant, endpoint)
            lane.endpoint, lane.has_more = endpoint, True
        for tenant in _due_callers(now):
            self._lane(tenant, None).has_more = True

    def _lane(self, tenant: Tenant, endpoint: WebhookEndpoint | None) -> _Lane:
        key = (tenant.pk, endpoint.pk if endpoint else None)
        if key not in self._lanes:
            self._lanes[key] = _Lane(tenant, endpoint)
        return self._lanes[key]

    def _next_lane(self) -> _Lane | None:
        """Return the lane whose turn it is: of the tenant with the fewest requests, the one with the fewest."""
        lanes = [
            lane for lane in self._lanes.values() if lane.is_open and self._of_tenant[lane.tenant.pk] < TENANT_AT_ONCE
        ]
        return min(
            lanes, key=lambda lane: (self._of_tenant[lane.tenant.pk], lane.at_work, lane.served_at), default=None
        )

    def _send(self, lane: _Lane) -> None:
        delivery, _ = lane.waiting.popleft()
        self._at_work[self._threads.submit(send, lane.session, message_of(delivery))] = (lane, delivery)
        self._count(lane, 1)
        lane.served_at = time.monotonic()

    def _finished(self) -> list[tuple[_Lane, Outcome]]:
        """Wait a moment for answers and return them; after the last call also those that did not come."""
        done, waiting = wait(self._at_work, LOOK_EVERY, FIRST_COMPLETED)
        is_over = time.monotonic() >= self._ends_at
        outcomes = []
        for request in done | waiting if is_over else done:
            lane, delivery = self._at_work.pop(request)
            self._count(lane, -1)
            delivery.endpoint = lane.endpoint
            outcomes.append((lane, Outcome(delivery, _answer_of(request))))
        return outcomes

    def _count(self, lane: _Lane, change: int) -> None:
        lane.at_work += change
        self._of_tenant[lane.tenant.pk] += change


def _answer_of(request: Future[Answer]) -> Answer:
    if not request.done():
        return TIMED_OUT
    if (error := request.exception()) is not None:
        logger.error("a webhook was not sent", exc_info=error)
        return INTERNAL_ERROR
    return request.result()


def _due(at: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(status=WebhookDelivery.Status.PENDING, due_at__lte=at)


def _due_endpoints(at: datetime) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that may be sent something that is due."""
    open_ = WebhookEndpoint.objects.filter(state=WebhookEndpoint.State.ACTIVE, tenant__status=Tenant.Status.ACTIVE)
    due = open_.filter(Exists(_due(at).filter(endpoint=OuterRef("pk"))))
    return due.exclude(paused_until__gt=at).select_related("tenant")


def _due_callers(at: datetime) -> QuerySet[Tenant]:
    """Return the tenants with jobs whose callbacks are due."""
    due = _due(at).filter(endpoint=None, tenant=OuterRef("pk"))
    return Tenant.objects.filter(Exists(due), status=Tenant.Status.ACTIVE)
