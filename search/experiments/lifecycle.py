"""Two sets of weights, each on half of the shoppers, and which of them sells better.

Shoppers are split by their session (or their user id, where there is no session), so that each sees one variant only;
so a session with its clicks, not a single search, is what the comparison counts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.aggregates import BoolOr
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, status

from accounts.models import Tenant
from accounts.revisions import bump_revision, lock_configuration, until_changed
from analytics.models import FeedbackEvent, SearchEvent
from search.configuration.config import change_config
from search.experiments.statistics import (
    Difference,
    Proportion,
    Verdict,
    difference_of,
    judge,
    needed_sample,
    sample_ratio_p_value,
)
from search.models import Experiment
from search.ranking import Weights

Action = FeedbackEvent.Action
Variant = Experiment.Variant

# The change of the click-through, as a share of it, that an experiment is planned to notice.
NOTICED = 0.1
# The sessions before an experiment that tell how often shoppers click, and how many of them are plenty.
BASELINE_DAYS = 30
BASELINE_SESSIONS = 10_000
# Fewer tell too little; then one session in five is taken to click.
LEAST_SESSIONS = 100
ASSUMED_RATE = 0.2
# Rates beyond these would make the plan endless, or its goal more than all.
BASELINE_RANGE = (0.01, 0.9)


class ExperimentConflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


@dataclass(frozen=True)
class Assignment:
    """The variant, a or b, of an experiment that a shopper sees, and the weights it ranks by."""

    experiment_id: str
    variant: str
    weights: Weights


@dataclass(frozen=True)
class Figures:
    """What became of one variant's searches; revenue is by currency, each order counted once."""

    sessions: int
    searches: int
    clicks: int
    purchases: int
    revenue: Mapping[str, Decimal]


@dataclass(frozen=True)
class Results:
    """All that happened by variant, and the comparison: the first planned sessions of each and how many clicked.

    `sample_ratio` is the p-value of the split; there is no difference while a variant has no session.
    """

    figures: Mapping[str, Figures]
    compared: Mapping[str, Proportion]
    difference: Difference | None
    sample_ratio: float
    verdict: Verdict


@dataclass(frozen=True)
class _Running:
    experiment_id: str
    seed: str
    weights: Mapping[str, Weights]


def assign(tenant: Tenant, session_or_user_id: str) -> Assignment | None:
    """Return the variant that a shopper sees, always the same; None without an id or without an experiment."""
    running = _running_experiment(tenant)
    if running is None or not session_or_user_id:
        return None
    digest = hashlib.sha256(f"{running.seed}:{session_or_user_id}".encode()).digest()
    variant = Variant.B if digest[0] & 1 else Variant.A
    return Assignment(running.experiment_id, variant.value, running.weights[variant])


def access_experiment(tenant: Tenant, experiment_id: str) -> Experiment:
    """Return a tenant's experiment, or raise Http404."""
    experiment = tenant.experiments.filter(experiment_id=experiment_id).first()
    if experiment is None:
        raise Http404
    return experiment


@transaction.atomic
def start_experiment(
    tenant: Tenant,
    *,
    name: str,
    variant_a: Mapping[str, float],
    variant_b: Mapping[str, float],
    planned_sample: int | None,
) -> Experiment:
    """Start an experiment; raises ExperimentConflict while another one runs."""
    bump_revision(tenant)
    try:
        with transaction.atomic():
            return tenant.experiments.create(
                name=name,
                variant_a=variant_a,
                variant_b=variant_b,
                planned_sample=planned_sample or plan_sample(tenant, at=timezone.now()),
            )
    except IntegrityError as error:
        raise ExperimentConflict("Another experiment is running. Stop it first: one runs at a time.") from error


@transaction.atomic
def stop_experiment(experiment: Experiment, *, winner: str, apply: bool) -> Experiment:
    """Stop an experiment; a winner's weights become those of all searches with `apply`."""
    lock_configuration(experiment.tenant)
    experiment = Experiment.objects.select_for_update(of=["self"]).select_related("tenant").get(pk=experiment.pk)
    if experiment.status != Experiment.Status.RUNNING:
        raise ExperimentConflict("This experiment has been stopped already.")
    experiment.status = Experiment.Status.STOPPED
    experiment.winner = winner
    experiment.stopped_at = timezone.now()
    experiment.save(update_fields=["status", "winner", "stopped_at"])
    if winner and apply:
        weights = {"a": experiment.variant_a, "b": experiment.variant_b}[winner]
        change_config(experiment.tenant, {name: Decimal(str(weight)) for name, weight in weights.items()})
    else:
        bump_revision(experiment.tenant)
    return experiment


def plan_sample(tenant: Tenant, *, at: datetime) -> int:
    """Return the sessions of each variant that show whether a tenant's click-through changes by the share NOTICED."""
    since = at - timedelta(days=BASELINE_DAYS)
    before = _count_clicked(SearchEvent.objects.filter(tenant=tenant, created_at__gte=since), BASELINE_SESSIONS)
    low, high = BASELINE_RANGE
    baseline = ASSUMED_RATE if before.trials < LEAST_SESSIONS else min(max(before.rate, low), high)
    return needed_sample(baseline, effect=baseline * NOTICED)


def results_of(experiment: Experiment) -> Results:
    """Return what happened in an experiment until now, and what can be said of it."""
    searches = _searches_of(experiment)
    figures = _count_by_variant(searches, experiment.tenant)
    compared = {
        variant: _count_clicked(searches.filter(variant=variant), experiment.planned_sample)
        for variant in Variant.values
    }
    a, b = compared["a"], compared["b"]
    sample_ratio = sample_ratio_p_value(figures["a"].sessions, figures["b"].sessions)
    return Results(
        figures=figures,
        compared=compared,
        difference=difference_of(a, b) if a.trials and b.trials else None,
        sample_ratio=sample_ratio,
        verdict=judge(a, b, planned=experiment.planned_sample, sample_ratio=sample_ratio),
    )


@until_changed
def _running_experiment(tenant: Tenant) -> _Running | None:
    experiment = tenant.experiments.filter(status=Experiment.Status.RUNNING).first()
    if experiment is None:
        return None
    weights = {"a": Weights(**experiment.variant_a), "b": Weights(**experiment.variant_b)}
    return _Running(experiment.experiment_id, experiment.seed, weights)


def _searches_of(experiment: Experiment) -> QuerySet[SearchEvent]:
    # The time is only there for the index, which is by tenant and time.
    return SearchEvent.objects.filter(
        tenant_id=experiment.tenant_id,
        created_at__gte=experiment.started_at,
        experiment=experiment.experiment_id,
    )


def _count_clicked(searches: QuerySet[SearchEvent], sessions: int) -> Proportion:
    """Return how many of the first so many sessions clicked a result of these searches.

    Later sessions would let the verdict change from day to day, and whoever waits long enough finds a winner.
    """
    clicks = FeedbackEvent.objects.filter(
        tenant_id=OuterRef("tenant_id"), search_id=OuterRef("search_id"), action=Action.CLICK
    )
    clicked = (
        _with_session(searches)
        .order_by()
        .annotate(is_clicked=Exists(clicks))
        .values("session")
        .annotate(first=Min("created_at"), has_clicked=BoolOr("is_clicked"))
        .order_by("first", "session")
        .values_list("has_clicked", flat=True)[:sessions]
    )
    outcomes = list(clicked)
    return Proportion(sum(outcomes), len(outcomes))


def _with_session(searches: QuerySet[SearchEvent]) -> QuerySet[Any]:
    session = Coalesce(NullIf("session_id", Value("")), "user_id")
    return searches.annotate(session=session).exclude(session="")


def _count_by_variant(searches: QuerySet[SearchEvent], tenant: Tenant) -> dict[str, Figures]:
    counts = {
        row["variant"]: row
        for row in _with_session(searches)
        .order_by()
        .values("variant")
        .annotate(searches=Count("pk"), sessions=Count("session", distinct=True))
    }
    feedback = _feedback_of(searches, tenant)
    clicks = dict(feedback.filter(action=Action.CLICK).order_by().values_list("variant").annotate(Count("pk")))
    orders = _orders_of(feedback)
    return {
        variant: Figures(
            sessions=counts.get(variant, {}).get("sessions", 0),
            searches=counts.get(variant, {}).get("searches", 0),
            clicks=clicks.get(variant, 0),
            purchases=len(orders[variant]),
            revenue=_revenue(orders[variant]),
        )
        for variant in Variant.values
    }


def _feedback_of(searches: QuerySet[SearchEvent], tenant: Tenant) -> QuerySet[Any]:
    variant = searches.filter(search_id=OuterRef("search_id")).order_by().values("variant")[:1]
    feedback = FeedbackEvent.objects.filter(tenant=tenant, search_id__in=searches.order_by().values("search_id"))
    return feedback.annotate(variant=Subquery(variant))


def _orders_of(feedback: QuerySet[Any]) -> dict[str, dict[str, tuple[str, Decimal]]]:
    """Return currency and value of each order by variant; a purchase without an order's id is an order of its own."""
    orders: dict[str, dict[str, tuple[str, Decimal]]] = {variant: {} for variant in Variant.values}
    bought = feedback.filter(action=Action.PURCHASE)
    for row in bought.values("variant", "pk", "order_id", "currency", "order_value").order_by("pk"):
        order = row["order_id"] or f"purchase {row['pk']}"
        orders[row["variant"]].setdefault(order, (row["currency"], row["order_value"] or Decimal(0)))
    return orders


def _revenue(orders: Mapping[str, tuple[str, Decimal]]) -> dict[str, Decimal]:
    revenue: dict[str, Decimal] = {}
    for currency, value in orders.values():
        revenue[currency] = revenue.get(currency, Decimal(0)) + value
    return revenue
