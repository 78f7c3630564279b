"""The threshold that a tenant's own catalogue recommends, and putting it to use."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from accounts.models import Tenant
from catalog.encoders import encoder_row
from catalog.models import RelevanceCalibration
from catalog.relevance import calibrate, relevance_of
from catalog.vision.encoder import Encoder
from catalog.vision.relevance import HISTOGRAM_EDGES, JUNK, Calibration, Relevance
from search.configuration.config import Config, change_config, config_of, threshold_rule

METHOD = (
    f"The similarity at which a result is what was meant with a chance of {JUNK:g}, by a logistic curve (Platt 1999) "
    "through the similarities of what belongs together in the catalogue and of what does not, both weighing the same."
)


@dataclass(frozen=True)
class Recommendation:
    """What a catalogue's scores recommend by mode, what searches were cut at before, and whether it is in use now.

    `own` says which modes the catalogue tells itself and when that was computed; the demo shop tells the others.
    """

    relevance: Relevance
    own: Mapping[str, datetime]
    cut_before: Mapping[str, float]
    applied: bool


def recommend(tenant: Tenant, encoder: Encoder, *, apply: bool) -> Recommendation:
    """Learn anew what a tenant's scores recommend, and with `apply` have its searches cut by it."""
    cut_before = _cuts(config_of(tenant), relevance_of(tenant, encoder))
    calibrate(tenant, encoder)
    if apply:
        _use_smart_threshold(tenant)
    return replace(last_recommendation(tenant, encoder), cut_before=cut_before)


def last_recommendation(tenant: Tenant, encoder: Encoder) -> Recommendation:
    """Return what a tenant's scores recommended when they were last learnt."""
    config, relevance = config_of(tenant), relevance_of(tenant, encoder)
    return Recommendation(
        relevance=relevance,
        own=_computed_at(tenant, encoder),
        cut_before=_cuts(config, relevance),
        applied=threshold_rule(config, None) is None,
    )


def describe_recommendation(found: Recommendation) -> dict[str, Any]:
    """Return a recommendation as the API tells it."""
    text, image = found.relevance.text, found.relevance.image
    return {
        "recommended": {"text": round(text.threshold, 4), "image": round(image.threshold, 4)},
        "current": {mode: round(cut, 4) for mode, cut in found.cut_before.items()},
        "method": METHOD,
        "sample_size": text.scores + image.scores,
        "distribution": {
            "edges": [round(float(edge), 2) for edge in HISTOGRAM_EDGES],
            "text": _describe_scores(text),
            "image": _describe_scores(image),
        },
        "is_own": {mode: mode in found.own for mode in ("text", "image")},
        "applied": found.applied,
        "computed_at": max(found.own.values(), default=None),
    }


def _cuts(config: Config, relevance: Relevance) -> dict[str, float]:
    """Return where searches that name no threshold are cut, by mode."""
    cut = threshold_rule(config, None)
    if cut is None:
        return {"text": relevance.text.threshold, "image": relevance.image.threshold}
    return {"text": cut, "image": cut}


def _use_smart_threshold(tenant: Tenant) -> None:
    change_config(tenant, {"default_threshold": None, "smart_threshold_enabled": True})


def _computed_at(tenant: Tenant, encoder: Encoder) -> dict[str, datetime]:
    rows = RelevanceCalibration.objects.filter(tenant=tenant, encoder=encoder_row(encoder), is_own=True)
    return {row.mode: row.computed_at for row in rows}


def _describe_scores(calibration: Calibration) -> dict[str, Any]:
    return {
        "hits": list(calibration.histogram.hits),
        "misses": list(calibration.histogram.misses),
        "queries": calibration.queries,
        "scores": calibration.scores,
    }
