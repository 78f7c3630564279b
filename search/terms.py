"""On which terms a query is answered: what the tenant has configured, as far as it concerns this query now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import Tenant
from merchandising.rules import Rule, open_rules, rules_of
from search.configuration.config import config_of, threshold_rule
from search.experiments.lifecycle import Assignment, assign
from search.query import Query
from search.ranking import Weights


@dataclass(frozen=True)
class Terms:
    """How results are ranked, cut and moved: a threshold of None is the tenant's smart one, `rules` are open."""

    weights: Weights
    threshold: float | None
    rules: tuple[Rule, ...]
    assignment: Assignment | None
    at: datetime


def terms_of(tenant: Tenant, query: Query, rules: Sequence[Rule] | None = None) -> Terms:
    """Return the terms of a query; rules that are given stand in for the tenant's own."""
    now = timezone.now()
    config = config_of(tenant)
    assignment = assign(tenant, query.session_id or query.user_id)
    return Terms(
        weights=assignment.weights if assignment else config.weights,
        threshold=_threshold(query) if query.color else threshold_rule(config, query.threshold),
        rules=open_rules(rules_of(tenant) if rules is None else rules, query.text, now),
        assignment=assignment,
        at=now,
    )


def _threshold(query: Query) -> float:
    """Return the least similarity of colours: those that a tenant has configured are of looks."""
    return query.threshold if isinstance(query.threshold, float) else 0.0
