"""What a merchant asks for: to decide on suggestions one by one, or on all that a filter finds.

Up to AT_ONCE are decided in the request itself. More become a job, whose items decide on the products of a range.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from accounts.audit import record
from accounts.models import Tenant
from catalog.attributes.deciding import Choice, Decided, Verdict, decide
from catalog.attributes.steps import choices_of, products_of
from catalog.attributes.suggestions import Wanted
from catalog.jobs.items import item_of_step
from catalog.jobs.lifecycle import create_job
from catalog.models import Job, JobItem

# Suggestions of one request.
AT_ONCE = 1_000
# Products of one step of a job.
STEP = 500


@dataclass(frozen=True)
class Report:
    """What became of the choices of a request, in its order."""

    choices: Sequence[Choice]
    outcomes: Sequence[Decided]

    def to_json(self) -> dict[str, Any]:
        counts = Counter("failed" if one.error else "decided" if one.is_new else "unchanged" for one in self.outcomes)
        errors = [
            {"index": index, **asdict(choice), "code": one.error.code, "message": one.error.message}
            for index, (choice, one) in enumerate(zip(self.choices, self.outcomes, strict=True))
            if one.error is not None
        ]
        return {name: counts[name] for name in ("decided", "unchanged", "failed")} | {"errors": errors}


@transaction.atomic
def decide_each(tenant: Tenant, actor: str, verdict: Verdict, choices: Sequence[Choice]) -> Report:
    """Decide on these choices."""
    report = Report(choices, decide(tenant, actor, verdict, choices))
    counts = report.to_json()
    _audit(tenant, actor, verdict, {"suggestions": len(choices), "decided": counts["decided"]})
    return report


@transaction.atomic
def decide_all(tenant: Tenant, actor: str, verdict: Verdict, wanted: Wanted) -> Report | Job:
    """Decide on all suggestions that are wanted: at once, or by a job if there are many."""
    products = products_of(tenant, verdict, wanted)
    if len(products) <= AT_ONCE:
        choices = choices_of(tenant, verdict, wanted)
        report = Report(choices, decide(tenant, actor, verdict, choices))
        _audit(tenant, actor, verdict, _filter_of(wanted) | {"decided": report.to_json()["decided"]})
        return report
    _audit(tenant, actor, verdict, _filter_of(wanted) | {"products": len(products)})
    options = {"verdict": verdict, "actor": actor} | _filter_of(wanted)
    return create_job(tenant, Job.Kind.ATTRIBUTES, _steps(products), options=options)


def _steps(products: Sequence[int]) -> Iterator[JobItem]:
    for part in (products[start : start + STEP] for start in range(0, len(products), STEP)):
        yield item_of_step(JobItem.Action.DECIDE, {"first": part[0], "last": part[-1]})


def _filter_of(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in asdict(wanted).items() if value not in (None, "")}


def _audit(tenant: Tenant, actor: str, verdict: Verdict, after: Mapping[str, Any]) -> None:
    record(tenant, actor, f"attributes.{verdict}", after=after)
