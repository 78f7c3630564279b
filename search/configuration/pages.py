"""The portal's page of ranking: the weights, which results are left out, and what experiments have shown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.encoders import active_encoder
from catalog.vision.encoder import EncoderError
from search.configuration.api import ConfigFields
from search.configuration.config import (
    Config,
    PreconditionFailed,
    WeightsMustTotal100,
    change_config,
    config_of,
    etag_of,
)
from search.configuration.smart_threshold import last_recommendation, recommend
from search.configuration.threshold_chart import chart_of
from search.configuration.weight_fields import sent_weights, shown_weights, weight_errors, weight_fields
from search.experiments.pages import describe_experiment
from search.models import Experiment

PAST_EXPERIMENTS = 20
UNREACHABLE = "The encoder cannot be reached at the moment. Please try again."
CHANGED_MEANWHILE = (
    "Not saved: somebody else has changed the ranking since you opened this page. What you typed is still here. "
    "Save again to replace their change, or reload the page to see it."
)


@require_GET
@portal_page("settings:read")
def settings_page(request: PortalRequest) -> HttpResponse:
    """Show how searches rank and cut, and the experiments."""
    return _page(request, _values_of(config_of(request.caller.tenant)), {})


@require_POST
@portal_page("settings:write")
def save(request: PortalRequest) -> HttpResponse:
    """Save weights and threshold, unless somebody else has changed them since the form was opened."""
    posted = request.POST.dict()
    form = ConfigFields(data=_sent(posted), partial=True)
    if not form.is_valid():
        return _page(request, posted, _errors_of(form.errors), status=422)
    fields = dict(form.validated_data)
    changes = fields.pop("weights") | fields
    try:
        change_config(request.caller.tenant, changes, if_match=posted.get("etag") or '""')
    except WeightsMustTotal100 as error:
        return _page(request, posted, {"weights": str(error.detail)}, status=422)
    except PreconditionFailed:
        request.caller.tenant.refresh_from_db(fields=["revision"])
        now = {"etag": etag_of(config_of(request.caller.tenant))}
        return _page(request, posted | now, {"form": CHANGED_MEANWHILE}, status=412)
    messages.success(request, "Saved. It counts from the next search on.")
    return redirect("search-settings")


@require_POST
@portal_page("settings:write")
def recompute(request: PortalRequest) -> HttpResponse:
    """Learn anew what the catalogue recommends as threshold."""
    try:
        found = recommend(request.caller.tenant, active_encoder(), apply=False)
    except EncoderError:
        messages.error(request, UNREACHABLE)
        return redirect("search-settings")
    if found.own:
        messages.success(request, "Computed from your catalogue as it is now.")
    else:
        messages.warning(request, "Your catalogue does not tell enough yet, so the demo shop's scores are used.")
    return redirect("search-settings")


def _page(
    request: PortalRequest, values: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
) -> HttpResponse:
    tenant = request.caller.tenant
    experiments = tenant.experiments.order_by("-started_at", "-pk")
    running = experiments.filter(status=Experiment.Status.RUNNING).first()
    past = experiments.filter(status=Experiment.Status.STOPPED)
    context = {
        "can_write": "settings:write" in request.caller.permissions,
        "values": values,
        "errors": errors,
        "weights": weight_fields(values, errors),
        "recommended": _recommended(tenant),
        "running": describe_experiment(running) if running else None,
        "page": Paginator(past, PAST_EXPERIMENTS).get_page(request.GET.get("page")),
    }
    return render(request, "search/settings.html", context, status=status)


def _recommended(tenant: Tenant) -> dict[str, Any] | None:
    """Return what the catalogue recommends, with a chart for words and one for pictures; None without an encoder."""
    try:
        found = last_recommendation(tenant, active_encoder())
    except EncoderError:
        return None
    calibrations = {"text": found.relevance.text, "image": found.relevance.image}
    return {
        "charts": [
            {
                "mode": mode,
                "calibration": calibration,
                "chart": chart_of(calibration),
                "computed_at": found.own.get(mode),
            }
            for mode, calibration in calibrations.items()
        ],
        **{mode: calibration.threshold for mode, calibration in calibrations.items()},
    }


def _values_of(config: Config) -> dict[str, str]:
    """Return what the form shows of a config, and its etag; `cut` says what decides which results are left out."""
    threshold = config.default_threshold
    cut = "fixed" if threshold is not None else "smart" if config.smart_threshold_enabled else "none"
    return shown_weights(asdict(config.weights)) | {
        "cut": cut,
        "default_threshold": "" if threshold is None else f"{threshold:g}",
        "etag": etag_of(config),
    }


def _sent(posted: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form has sent as the API would be sent it."""
    return {"weights": sent_weights(posted)} | _sent_threshold(posted)


def _sent_threshold(posted: Mapping[str, str]) -> dict[str, Any]:
    match posted.get("cut"):
        case "fixed":
            return {"default_threshold": posted.get("default_threshold", "")}
        case "smart":
            return {"default_threshold": None, "smart_threshold_enabled": True}
        case "none":
            return {"default_threshold": None, "smart_threshold_enabled": False}
    raise BadRequest("cut is smart, fixed or none.")


def _errors_of(errors: Mapping[str, Any]) -> dict[str, str]:
    told = weight_errors(errors.get("weights", {}))
    if "default_threshold" in errors:
        told["default_threshold"] = " ".join(map(str, errors["default_threshold"]))
    return told
