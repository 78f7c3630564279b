"""What a tenant's shoppers may want to type: what others asked, and what there is.

Reading it takes a second in a large shop, so that it is read in the background and remembered for all processes.
"""

import logging
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.core.cache import cache
from django.db.models import Aggregate, CharField, Count, F, Max, Min, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf, Trim
from django.utils import timezone

from analytics.models import SearchEvent
from catalog.models import Product

logger = logging.getLogger(__name__)

# Searches that consist of a shopper's words; beside a picture words make sense with that picture only.
WORD_MODES = ("text", "nl", "voice")
ASKED_WITHIN = timedelta(days=30)
# An e-mail address; the number of an order; that of a telephone or a card, however it is spaced.
PRIVATE = re.compile(r"\S@\S|\d{6}|(\d[ .()/-]*){9}")

MAX_QUERIES = 1_000
MAX_LABELS = 500
MAX_PRODUCTS = 2_000

# One that has grown old is still shown while a worker makes the next one; one of a shop that slept is made anew.
REMEMBERED_FOR = timedelta(days=1)

# Its words, folded, each after a space; its text and kind; the searches for it or products in it; a product's id.
Entry = tuple[str, str, str, int | None, str | None]


@dataclass(frozen=True)
class Vocabulary:
    """Queries, categories, brands and products of a tenant, of each kind the most wanted first."""

    made_at: datetime
    entries: list[Entry]


class Mode(Aggregate):
    """The commonest value."""

    function = "MODE"
    template = "MODE() WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = CharField()


def recall_vocabulary(tenant_pk: int) -> Vocabulary | None:
    """Return the vocabulary that was made last, or None when there is none or Redis cannot be reached.

    One that was being read while searches were forgotten may have their words: it is none.
    """
    try:
        kept = cache.get_many([_key(tenant_pk), _forgotten_key(tenant_pk)])
    except redis.RedisError as error:
        logger.warning("vocabulary cannot be recalled", extra={"error": str(error)})
        return None
    known: Vocabulary | None = kept.get(_key(tenant_pk))
    if known is None or _is_outdated(known, kept.get(_forgotten_key(tenant_pk))):
        return None
    return known


def make_vocabulary(tenant_pk: int, *, at: datetime) -> Vocabulary:
    """Read a tenant's vocabulary, and remember it."""
    entries = [*_query_entries(tenant_pk, at=at), *_catalogue_entries(tenant_pk)]
    vocabulary = Vocabulary(made_at=at, entries=entries)
    try:
        if not _is_outdated(vocabulary, cache.get(_forgotten_key(tenant_pk))):
            cache.set(_key(tenant_pk), vocabulary, REMEMBERED_FOR.total_seconds())
    except redis.RedisError as error:
        logger.warning("vocabulary is not remembered", extra={"error": str(error)})
    return vocabulary


def forget_vocabulary(tenant_pk: int) -> None:
    """Have the vocabulary made anew when it is next asked for, and what is being read now remembered no more."""
    cache.set(_forgotten_key(tenant_pk), timezone.now(), REMEMBERED_FOR.total_seconds())
    cache.delete(_key(tenant_pk))


def count_queries(events: QuerySet[SearchEvent]) -> QuerySet[Any, Any]:
    """Return how often each text was asked, the commonest first.

    They are counted without regard to case, as `count`, and shown as most wrote them, as `query`.
    """
    return (
        events.annotate(spelling=Trim("text"))
        .exclude(spelling="")
        .values(folded=Lower("spelling"))
        .annotate(query=Mode("spelling"), count=Count("pk"))
        .order_by("-count", "folded")
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(letter for letter in decomposed if not unicodedata.combining(letter)))


def _query_entries(tenant_pk: int, *, at: datetime) -> list[Entry]:
    """Return what several shoppers asked of late and found.

    A shopper is known by session or id, and one search by neither is a shopper of its own. Several are they who differ
    in both: one of many visits is one shopper, and so is one who signs in during a visit.
    """
    found = SearchEvent.objects.filter(
        tenant=tenant_pk, created_at__gte=at - ASKED_WITHIN, mode__in=WORD_MODES, results__gt=0
    )
    session, user = (NullIf(name, Value("")) for name in ("session_id", "user_id"))
    asked = count_queries(found)
    # One shopper's words might tell who they are.
    for shopper in (Coalesce(session, user, "search_id"), Coalesce(user, session, "search_id")):
        asked = asked.alias(least=Min(shopper), greatest=Max(shopper)).exclude(least=F("greatest"))
    asked = asked.values_list("query", "count")[:MAX_QUERIES]
    return [(_fold(query), query, "query", count, None) for query, count in asked if not PRIVATE.search(query)]


def _catalogue_entries(tenant_pk: int) -> list[Entry]:
    indexed = Product.objects.filter(tenant=tenant_pk, status=Product.Status.INDEXED)
    return [*_labels(indexed, "category"), *_labels(indexed, "brand"), *_names(indexed)]


def _labels(products: QuerySet[Product], column: str) -> list[Entry]:
    rows = products.exclude(**{column: ""}).values_list(column).annotate(count=Count("pk")).order_by("-count", column)
    return [(_fold(label), label, column, count, None) for label, count in rows[:MAX_LABELS]]


def _names(products: QuerySet[Product]) -> Iterable[Entry]:
    """Return the most popular names, each once: variants share theirs."""
    rows = products.exclude(name="").order_by("-popularity", "-created_at", "-pk").values_list("name", "product_id")
    once: dict[str, Entry] = {}
    for name, product_id in rows[:MAX_PRODUCTS]:
        folded = _fold(name)
        once.setdefault(folded, (folded, name, "product", None, product_id))
    return once.values()


def _fold(text: str) -> str:
    return "".join(f" {word}" for word in words_of(text))


def _is_outdated(vocabulary: Vocabulary, forgotten_at: datetime | None) -> bool:
    return forgotten_at is not None and vocabulary.made_at <= forgotten_at


def _key(tenant_pk: int) -> str:
    return f"vocabulary:{tenant_pk}"


def _forgotten_key(tenant_pk: int) -> str:
    return f"vocabulary-forgotten:{tenant_pk}"
