"""What a shopper may want to type, at every key."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.utils import timezone

from accounts.models import Tenant
from analytics.tasks import call_vocabulary
from analytics.vocabulary import Entry, Vocabulary, make_vocabulary, recall_vocabulary, words_of

FRESH_FOR = timedelta(minutes=1)
# How many of ten completions are of which kind, where there are enough of each.
SHARES = {"query": 4, "category": 2, "brand": 2, "product": 2}


@dataclass(frozen=True)
class Completion:
    """What typing may lead to: `count` is of searches for it or of products in it, None for a product."""

    text: str
    kind: str
    count: int | None = None
    product_id: str | None = None


def suggest_queries(tenant: Tenant, *, limit: int) -> list[Completion]:
    """Return what most shoppers asked of late and found."""
    queries = (entry for entry in _vocabulary_of(tenant).entries if entry[2] == "query")
    return [_completion(entry) for entry in islice(queries, limit)]


def complete(tenant: Tenant, typed: str, *, limit: int) -> list[Completion]:
    """Return what the typed words may become: each starts a word of it, whatever its accents and case."""
    words = words_of(typed)
    if not words:
        return []
    fitting = _vocabulary_of(tenant).entries
    for word in words:
        fitting = [entry for entry in fitting if f" {word}" in entry[0]]
    return [_completion(entry) for entry in _mix(fitting, limit=limit)]


def _vocabulary_of(tenant: Tenant) -> Vocabulary:
    """Return a tenant's vocabulary as it was about a minute ago, or at the shop's last visit."""
    now = timezone.now()
    known = recall_vocabulary(tenant.pk)
    if known is None:
        return make_vocabulary(tenant.pk, at=now)
    if now - known.made_at >= FRESH_FOR:
        call_vocabulary(tenant.pk)
    return known


def _mix(entries: list[Entry], *, limit: int) -> list[Entry]:
    """Return the first entries of each kind up to its share, so that no kind hides the others, and then more."""
    first = [
        entry
        for kind, share in SHARES.items()
        for entry in islice((entry for entry in entries if entry[2] == kind), share)
    ]
    more = islice((entry for entry in entries if entry not in first), limit)
    return [*first, *more][:limit]


def _completion(entry: Entry) -> Completion:
    _, text, kind, count, product_id = entry
    return Completion(text, kind, count, product_id)
