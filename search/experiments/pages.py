"""The portal's pages of experiments: starting one, what it shows, stopping it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages import PortalRequest, portal_page
from search.configuration.config import WeightsMustTotal100, config_of, require_full_weight
from search.configuration.weight_fields import sent_weights, shown_weights, weight_errors, weight_fields
from search.experiments.api import ExperimentInput, StopFields, full_weights
from search.experiments.lifecycle import (
    ExperimentConflict,
    Figures,
    access_experiment,
    plan_sample,
    results_of,
    start_experiment,
    stop_experiment,
)
from search.experiments.statistics import CONFIDENCE, SAMPLE_RATIO_ALARM, Difference, Proportion
from search.models import WEIGHTS, Experiment
from search.pages import SIGNALS

VARIANTS = ("a", "b")


@dataclass(frozen=True)
class VariantRow:
    """A variant's name, all that happened, and of its first planned sessions how many clicked."""

    name: str
    figures: Figures
    compared: Proportion

    @property
    def click_through(self) -> float | None:
        """Sessions that clicked, per cent, or None before the first session."""
        return self.compared.rate * 100 if self.compared.trials else None


@dataclass(frozen=True)
class Interval:
    """A difference of click-through in percentage points, and where it is drawn, per cent of a line around zero."""

    value: float
    low: float
    high: float
    start: float
    length: float
    point: float


def describe_experiment(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment and its results as the portal shows them."""
    results = results_of(experiment)
    rows = [VariantRow(name.upper(), results.figures[name], results.compared[name]) for name in VARIANTS]
    return {
        "experiment": experiment,
        "variants": rows,
        "weights": [(SIGNALS[name], experiment.variant_a[name], experiment.variant_b[name]) for name in WEIGHTS],
        "interval": _interval(results.difference) if results.difference else None,
        "confidence": round(CONFIDENCE * 100),
        "alarm": results.sample_ratio < SAMPLE_RATIO_ALARM,
        "verdict": results.verdict,
    }


@require_http_methods(["GET", "POST"])
@portal_page("settings:write")
def new_experiment(request: PortalRequest) -> HttpResponse:
    """Show the form of an experiment, which begins with today's weights on both sides, and start it."""
    tenant = request.caller.tenant
    if request.method == "GET":
        weights = asdict(config_of(tenant).weights)
        values = shown_weights(weights, prefix="a.") | shown_weights(weights, prefix="b.")
        return _form(request, values, {})
    posted = request.POST.dict()
    form = ExperimentInput(data=_sent(posted))
    if not form.is_valid():
        return _form(request, posted, _errors_of(form.errors), status=422)
    fields = form.validated_data
    if wrong := _totals(fields):
        return _form(request, posted, wrong, status=422)
    try:
        start_experiment(
            tenant,
            name=fields["name"],
            variant_a=full_weights(fields["variant_a"], "The weights of A"),
            variant_b=full_weights(fields["variant_b"], "The weights of B"),
            planned_sample=fields.get("planned_sample"),
        )
    except ExperimentConflict as error:
        messages.error(request, str(error.detail))
        return redirect("search-settings")
    messages.success(request, "Started. Every shopper sees A or B from the next search on, and always the same one.")
    return redirect("search-settings")


@require_GET
@portal_page("settings:read")
def experiment_page(request: PortalRequest, experiment_id: str) -> HttpResponse:
    """Show what an experiment has shown."""
    experiment = access_experiment(request.caller.tenant, experiment_id)
    return render(request, "search/settings_experiment_page.html", {"shown": describe_experiment(experiment)})


@require_POST
@portal_page("settings:write")
def stop(request: PortalRequest, experiment_id: str) -> HttpResponse:
    """Stop an experiment with or without a winner, whose weights become those of all searches if wanted."""
    experiment = access_experiment(request.caller.tenant, experiment_id)
    form = StopFields(data={"winner": request.POST.get("winner") or None, "apply": "apply" in request.POST})
    if not form.is_valid():
        raise BadRequest("winner is a, b or empty.")
    fields = form.validated_data
    try:
        stop_experiment(experiment, winner=fields["winner"] or "", apply=fields["apply"])
    except ExperimentConflict as error:
        messages.error(request, str(error.detail))
        return redirect("search-settings")
    messages.success(request, _outcome(fields["winner"], is_applied=fields["apply"]))
    return redirect("search-settings")


def _outcome(winner: str | None, *, is_applied: bool) -> str:
    if winner is None:
        return "Stopped. All searches are ranked by your weights again."
    if is_applied:
        return f"Stopped. All searches are ranked by the weights of {winner.upper()} from now on."
    return f"Stopped, {winner.upper()} has won. All searches are ranked by your weights again."


def _form(
    request: PortalRequest, values: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
) -> HttpResponse:
    tenant = request.caller.tenant
    context = {
        "values": values,
        "errors": errors,
        "sets": [
            {
                "name": name.upper(),
                "weights": weight_fields(values, errors, prefix=f"{name}."),
                "error": errors.get(name),
            }
            for name in VARIANTS
        ],
        "plan": plan_sample(tenant, at=timezone.now()),
    }
    return render(request, "search/settings_experiment_form.html", context, status=status)


def _sent(posted: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form has sent as the API would be sent it."""
    variants = {f"variant_{name}": {"weights": sent_weights(posted, prefix=f"{name}.")} for name in VARIANTS}
    planned = posted.get("planned_sample")
    return {"name": posted.get("name", ""), **variants} | ({"planned_sample": planned} if planned else {})


def _errors_of(errors: Mapping[str, Any]) -> dict[str, str]:
    told = {name: " ".join(map(str, errors[name])) for name in ("name", "planned_sample") if name in errors}
    for name in VARIANTS:
        told |= weight_errors(errors.get(f"variant_{name}", {}).get("weights", {}), prefix=f"{name}.")
    return told


def _totals(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the totals of the variants' weights, by variant."""
    wrong = {}
    for name in VARIANTS:
        try:
            require_full_weight(fields[f"variant_{name}"], owner=f"The weights of {name.upper()}")
        except WeightsMustTotal100 as error:
            wrong[name] = str(error.detail)
    return wrong


def _interval(difference: Difference) -> Interval:
    """Return where a difference and its interval are drawn; the line reaches as far to either side of zero."""
    reach = max(abs(difference.low), abs(difference.high)) * 1.1
    start, point, end = (
        round(50 + 50 * value / reach, 2) for value in (difference.low, difference.value, difference.high)
    )
    return Interval(
        value=difference.value * 100,
        low=difference.low * 100,
        high=difference.high * 100,
        start=start,
        length=round(end - start, 2),
        point=point,
    )
