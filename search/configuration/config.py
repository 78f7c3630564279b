"""How a tenant's searches rank and cut: its weights, its default threshold, its smart threshold."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.http import parse_etags
from rest_framework import exceptions, status

from accounts.models import Tenant
from accounts.revisions import bump_revision, until_changed
from search.models import WEIGHTS, SearchConfig
from search.ranking import FULL_WEIGHT, Weights


@dataclass(frozen=True)
class Config:
    """What a tenant has configured: weights in per cent, the least similarity 0 to 1 if any, or that it is smart."""

    weights: Weights = field(default_factory=Weights)
    default_threshold: float | None = None
    smart_threshold_enabled: bool = True


class WeightsMustTotal100(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "weights_must_total_100"


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "Somebody else has changed this since you read it. Read it again, then send your change."


@until_changed
def config_of(tenant: Tenant) -> Config:
    """Return what a tenant has configured, or the defaults."""
    return _read(SearchConfig.objects.filter(tenant=tenant).first())


def threshold_rule(config: Config, query_threshold: float | str | None) -> float | None:
    """Return the least similarity of a result, 0 to 1, or None where the smart threshold decides.

    What the query says, a number or "auto" for the smart one, goes before the tenant's default, and that before the
    smart threshold; without any of them nothing is cut.
    """
    if isinstance(query_threshold, str):
        return None
    if query_threshold is not None:
        return query_threshold
    if config.default_threshold is not None:
        return config.default_threshold
    return None if config.smart_threshold_enabled else 0.0


@transaction.atomic
def change_config(tenant: Tenant, changes: Mapping[str, Any], *, if_match: str = "") -> Config:
    """Change the fields named and leave the others; raises PreconditionFailed unless `if_match` fits what is there."""
    # This locks the tenant: of two changes at once the later one sees the earlier one.
    bump_revision(tenant)
    row, _ = SearchConfig.objects.get_or_create(tenant=tenant, defaults=asdict(Weights()))
    _require_match(if_match, _read(row))
    for name, value in changes.items():
        setattr(row, name, value)
    require_full_weight({name: getattr(row, name) for name in WEIGHTS})
    row.save(update_fields=[*changes, "updated_at"])
    return _read(row)


def require_full_weight(weights: Mapping[str, Decimal], *, owner: str = "The weights") -> None:
    """Raise WeightsMustTotal100, which tells what they total, unless they total 100."""
    total = sum(weights.values())
    if total != FULL_WEIGHT:
        raise WeightsMustTotal100(f"{owner} total {float(total):g}; they must total {FULL_WEIGHT}.")


def describe_config(config: Config) -> dict[str, Any]:
    """Return what a tenant has configured as the API tells it."""
    return {
        "weights": {name: float(getattr(config.weights, name)) for name in WEIGHTS},
        "default_threshold": config.default_threshold,
        "smart_threshold_enabled": config.smart_threshold_enabled,
    }


def etag_of(config: Config) -> str:
    """Return the name of this very content, so that two merchandisers notice each other."""
    text = json.dumps(describe_config(config))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def _read(row: SearchConfig | None) -> Config:
    if row is None:
        return Config()
    weights = Weights(**{name: float(getattr(row, name)) for name in WEIGHTS})
    return Config(weights, row.default_threshold, row.smart_threshold_enabled)


def _require_match(if_match: str, config: Config) -> None:
    # An answer that was compressed on its way has a weak tag, `W/"…"`, of the same content.
    tags = [tag.removeprefix("W/") for tag in parse_etags(if_match)]
    if if_match and "*" not in tags and etag_of(config) not in tags:
        raise PreconditionFailed
