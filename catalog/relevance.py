"""How much a cosine is worth in a merchant's catalogue: learnt from a sample of it, and again when it has grown."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
from django.db.models import Count, Min

from accounts.models import Tenant
from catalog import models
from catalog.encoder_heads import heads_of
from catalog.encoders import encoder_row
from catalog.models import Embedding, RelevanceCalibration
from catalog.vision.encoder import Encoder
from catalog.vision.logistic import Logistic
from catalog.vision.relevance import (
    Calibration,
    Catalogue,
    Histogram,
    Picture,
    Relevance,
    calibrate_image,
    calibrate_text,
)

Mode = RelevanceCalibration.Mode

# A smaller catalogue tells too little of itself.
LEAST_PICTURES = 20
# A catalogue that has this many times the pictures, or has lost as much, is another one.
GROWTH = 1.25
# Products in a sample: 40,000 pairs are plenty for two numbers, and their names are encoded in a second.
SAMPLE = 200
# Further views look like the first ones.
VIEWS = 2
# Catalogues in one go, so that a worker is back at the products of others before long.
AT_A_TIME = 10

# Seconds that a process may go on with what it read before.
LIFETIME = 60.0
# Of what is remembered, so that a process that serves very many tenants does not grow.
REMEMBERED = 10_000

_remembered: dict[tuple[int, str], tuple[float, Relevance]] = {}


def relevance_of(tenant: Tenant, encoder: Encoder) -> Relevance:
    """Return what an encoder's cosines are worth for a tenant, read at most LIFETIME seconds ago."""
    key, now = (tenant.pk, encoder.name), time.monotonic()
    read_at, relevance = _remembered.get(key, (-np.inf, None))
    if relevance is None or now - read_at > LIFETIME:
        relevance = _read(tenant, encoder)
        if len(_remembered) >= REMEMBERED:
            _remembered.clear()
        _remembered[key] = (now, relevance)
    return relevance


def forget() -> None:
    """Read anew what cosines are worth, whatever its age."""
    _remembered.clear()


def calibrate_grown_catalogues(encoder: Encoder) -> list[Tenant]:
    """Calibrate some of the tenants whose catalogue is new to an encoder, or another than it was; return them."""
    row = encoder_row(encoder)
    due = _find_due(row)
    tenants = list(Tenant.objects.filter(pk__in=due).order_by("?")[:AT_A_TIME])
    for tenant in tenants:
        _calibrate(tenant, encoder, row, pictures=due[tenant.pk])
    return tenants


def calibrate(tenant: Tenant, encoder: Encoder) -> None:
    """Calibrate a tenant now, unless its catalogue is too small to tell anything."""
    row = encoder_row(encoder)
    pictures = Embedding.objects.filter(tenant=tenant, encoder=row).count()
    if pictures >= LEAST_PICTURES:
        _calibrate(tenant, encoder, row, pictures=pictures)
    _remembered.pop((tenant.pk, encoder.name), None)


def calibration_of(row: RelevanceCalibration) -> Calibration:
    """Return what a stored calibration says."""
    return Calibration(Logistic(row.slope, row.offset), row.queries, row.scores, Histogram.from_json(row.histogram))


def _read(tenant: Tenant, encoder: Encoder) -> Relevance:
    rows = RelevanceCalibration.objects.filter(tenant=tenant, encoder=encoder_row(encoder))
    own = {row.mode: calibration_of(row) for row in rows}
    usual = heads_of(encoder).relevance
    return Relevance(text=own.get(Mode.TEXT, usual.text), image=own.get(Mode.IMAGE, usual.image))


def _find_due(encoder: models.Encoder) -> Mapping[int, int]:
    """Return the pictures that each tenant has whose calibration is missing or out of date."""
    counts = Embedding.objects.filter(encoder=encoder).values_list("tenant").annotate(Count("pk"))
    known = RelevanceCalibration.objects.filter(encoder=encoder).values_list("tenant").annotate(Min("pictures"))
    before = dict(known.alias(modes=Count("pk")).filter(modes=len(Mode)))
    return {
        tenant: pictures
        for tenant, pictures in counts.filter(pk__count__gte=LEAST_PICTURES)
        if tenant not in before or not before[tenant] / GROWTH < pictures < before[tenant] * GROWTH
    }


def _calibrate(tenant: Tenant, encoder: Encoder, row: models.Encoder, *, pictures: int) -> None:
    catalogue = _sample(tenant, encoder, row)
    usual = heads_of(encoder).relevance
    RelevanceCalibration.objects.bulk_create(
        [
            _new_row(tenant, row, Mode.TEXT, calibrate_text(catalogue), usual.text, pictures),
            _new_row(tenant, row, Mode.IMAGE, calibrate_image(catalogue), usual.image, pictures),
        ],
        update_conflicts=True,
        unique_fields=["tenant", "encoder", "mode"],
        update_fields=["pictures", "is_own", "queries", "scores", "slope", "offset", "histogram", "computed_at"],
    )


def _sample(tenant: Tenant, encoder: Encoder, row: models.Encoder) -> Catalogue:
    """Return products drawn by lot, with their first pictures' vectors and those of their names and categories."""
    stored = Embedding.objects.filter(tenant=tenant, encoder=row)
    drawn = list(stored.filter(image__position=0).order_by("?").values_list("product_id", flat=True)[:SAMPLE])
    shown = stored.filter(product_id__in=drawn, image__position__lt=VIEWS).select_related("product")
    pictures = [(embedding.product, embedding.vector) for embedding in shown]
    texts = _texts([product for product, _ in pictures])
    return Catalogue(
        pictures=tuple(Picture(product.pk, product.category, product.product_type) for product, _ in pictures),
        picture_vectors=np.array([vector for _, vector in pictures], dtype=np.float32).reshape(-1, row.dimensions),
        meant=tuple(texts),
        text_vectors=encoder.encode_texts(list(texts.values())),
    )


def _texts(products: Sequence[models.Product]) -> dict[int | str, str]:
    """Return names by their product and categories by themselves."""
    texts: dict[int | str, str] = {product.pk: product.name for product in products if product.name}
    return texts | {product.category: product.category for product in products if product.category}


def _new_row(
    tenant: Tenant, encoder: models.Encoder, mode: str, own: Calibration | None, usual: Calibration, pictures: int
) -> RelevanceCalibration:
    calibration = own or usual
    return RelevanceCalibration(
        tenant=tenant,
        encoder=encoder,
        mode=mode,
        pictures=pictures,
        is_own=own is not None,
        queries=calibration.queries,
        scores=calibration.scores,
        slope=calibration.curve.slope,
        offset=calibration.curve.offset,
        histogram=asdict(calibration.histogram),
    )
