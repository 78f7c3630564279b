"""When a delivery that failed is tried again, and when an endpoint that fails is left in peace."""

import random
from datetime import datetime, timedelta

from accounts.webhooks.sending import Answer

# After the first attempt, the second …: about three days in all (the example of the Standard Webhooks specification).
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
# What failed together shall not come back together: up to this share of a wait is added to it.
JITTER = 0.1

# Too Many Requests, and what gateways say when there is nobody behind them.
SLOW_DOWN = frozenset({429, 502, 504})
LEAST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
# An endpoint that cannot be reached is asked again after this share of the time that it has been failing: an
# endpoint that is down costs an attempt every quarter of an hour, however many deliveries wait for it.
PAUSE_SHARE = 0.1
UNREACHABLE = frozenset({"timeout", "connection"})

DISABLED_AFTER = timedelta(days=5)


def next_attempt(attempts: int, answer: Answer, now: datetime) -> datetime | None:
    """Return when a delivery that has failed so many times is due again, or None when it is given up."""
    if attempts >= MAX_ATTEMPTS:
        return None
    wait = RETRY_AFTER[attempts - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311
    return now + max(wait, answer.retry_after or timedelta())


def pause_after(answer: Answer, failing_for: timedelta) -> timedelta:
    """Return how long an endpoint is left in peace after a failure, by how long it has been failing."""
    if answer.retry_after is not None:
        return answer.retry_after
    growing = min(failing_for * PAUSE_SHARE, LONGEST_PAUSE)
    if answer.status in SLOW_DOWN:
        return max(growing, LEAST_PAUSE)
    return growing if answer.error in UNREACHABLE else timedelta()
