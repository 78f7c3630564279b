"""What products are called in other languages: stored with each product, and with what it was translated from."""

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.endpoints import EndpointError
from accounts.models import Tenant
from accounts.revisions import until_changed
from catalog.models import CatalogSettings, Product
from catalog.translation.translators import TIMEOUT_SECONDS, Translator, translator

FIELDS = ("name", "category")
# Under which `Product.translations` keeps what they were made from, beside the languages.
SOURCE = "source"
# The same while some of the languages are still to come: nothing of it is shown until then.
UNFINISHED = "unfinished"
# Products whose texts a translator gets at once.
BATCH = 50
# The very text of the condition of the index `product_untranslated` (migration 0008).
STALE = (
    "coalesce(translations #>> '{source,name}', '') <> name"
    " OR coalesce(translations #>> '{source,category}', '') <> category"
)

Translations = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Draft:
    """A product's name and category, and what has been said of them so far, by language."""

    source: dict[str, str]
    said: Translations


@until_changed
def languages_of(tenant: Tenant) -> tuple[str, ...]:
    """Return the languages that a tenant's products are translated to; none while it is off."""
    row = CatalogSettings.objects.filter(tenant=tenant, is_multilingual=True).first()
    return tuple(row.languages) if row is not None else ()


def shown_translations(stored: Mapping[str, Mapping[str, str]], metadata: Mapping[str, Any]) -> Translations:
    """Return a product's translations as others see them: none while they are of a former name or category."""
    source = stored.get(SOURCE)
    if not source or any(_text(metadata.get(field)) != source.get(field, "") for field in FIELDS):
        return {}
    return {language: dict(said) for language, said in stored.items() if language != SOURCE and said}


def translations_of(tenant: Tenant, product: Product, columns: Mapping[str, Any]) -> Translations:
    """Return the translations of a product that is about to get these columns.

    Where a translator takes its time they stay those of the former name and category until a task has made others.
    """
    languages = languages_of(tenant)
    stored: Translations = product.translations
    source = {field: text for field in FIELDS if (text := columns.get(field, getattr(product, field)))}
    if not languages or _is_current(stored, source, languages) or not (by := translator()).is_instant:
        return stored
    draft = Draft(source, {})
    for language in languages:
        _say([draft], language, by, math.inf)
    return _stored(draft, languages)


def translate(tenant: Tenant, products: QuerySet[Product], *, deadline: float) -> None:
    """Bring the translations of products up to date with the tenant's languages.

    Nothing is locked while a translator is asked: a product that has another name by then is left for the next time.
    Raises EndpointError, also at `deadline` (by `time.monotonic`); what has been said by then is kept.
    """
    languages, by = languages_of(tenant), translator()
    wanted = products.only("pk", "translations", *FIELDS)
    stale = [product for product in wanted if not _is_current(product.translations, _source(product), languages)]
    for start in range(0, len(stale), BATCH):
        _store(stale[start : start + BATCH], languages, by, deadline)


def stale_products(tenant: Tenant, count: int) -> QuerySet[Product, int]:
    """Return the rows of some products whose translations are of a former name or category, or were never made."""
    # Django would write the condition in other words than the index has, which is then not used.
    stale = tenant.products.extra(where=[STALE])  # noqa: S610
    return stale.order_by("pk").values_list("pk", flat=True)[:count]


def _store(products: Sequence[Product], languages: Sequence[str], by: Translator, deadline: float) -> None:
    drafts = {product.pk: _begun(product, languages) for product in products}
    try:
        for language in languages:
            _say(drafts.values(), language, by, deadline)
    finally:
        # What was said before a translator failed need not be asked for again.
        _write(drafts, languages)


def _begun(product: Product, languages: Sequence[str]) -> Draft:
    """Return what has been said already of a product's present name and category."""
    source, stored = _source(product), product.translations
    if source not in (stored.get(SOURCE), stored.get(UNFINISHED)):
        return Draft(source, {})
    return Draft(source, {language: stored[language] for language in languages if language in stored})


def _say(drafts: Collection[Draft], language: str, by: Translator, deadline: float) -> None:
    """Add a language to those that lack it; what cannot be said in it is left out."""
    lacking = [draft for draft in drafts if language not in draft.said]
    texts = list(dict.fromkeys(text for draft in lacking for text in draft.source.values()))
    if not texts:
        said: dict[str, str | None] = {}
    elif (left := deadline - time.monotonic()) > 0:
        said = dict(zip(texts, by.translate(texts, "auto", language, timeout=min(TIMEOUT_SECONDS, left)), strict=True))
    else:
        raise EndpointError("It took too long.")
    for draft in lacking:
        draft.said[language] = {field: text for field, original in draft.source.items() if (text := said[original])}


@transaction.atomic
def _write(drafts: Mapping[int, Draft], languages: Sequence[str]) -> None:
    rows = Product.objects.select_for_update().filter(pk__in=drafts).order_by("pk").only("pk", *FIELDS)
    current = [product for product in rows if _source(product) == drafts[product.pk].source]
    for product in current:
        product.translations = _stored(drafts[product.pk], languages)
    Product.objects.bulk_update(current, ["translations"])


def _stored(draft: Draft, languages: Sequence[str]) -> dict[str, dict[str, str]]:
    if not languages:
        return {}
    is_finished = draft.said.keys() >= set(languages)
    return {SOURCE if is_finished else UNFINISHED: draft.source, **draft.said}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _source(product: Product) -> dict[str, str]:
    return {field: text for field in FIELDS if (text := getattr(product, field))}


def _is_current(stored: Mapping[str, Any], source: Mapping[str, str], languages: Iterable[str]) -> bool:
    """Tell whether translations are of this name and category, and to just these languages."""
    if not (wanted := set(languages)):
        return not stored
    return stored.get(SOURCE) == source and stored.keys() == wanted | {SOURCE}
