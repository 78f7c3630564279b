"""Judging a picture by a tenant's policy: by the category that is most over its threshold, or comes nearest to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import Tenant
from catalog.errors import PictureError
from catalog.models import ModerationEvent
from catalog.moderation.events import record_scans, record_scans_later
from catalog.moderation.policy import Policy, policy_of
from catalog.moderation.scores import Scan

Surface = ModerationEvent.Surface


class PictureBlockedError(PictureError):
    """A picture that must not be shown, by the shop's policy or by ours."""

    def __init__(self, category: str) -> None:
        name = category.replace("_", " ")
        message = f"This picture was refused by moderation ({name}). The shop can review it under Moderation."
        super().__init__("moderation_blocked", message)
        self.category = category


@dataclass(frozen=True)
class Judgement:
    """A scan as a policy sees it; `would_block` tells what enforcing does, `blocked` whether it is done."""

    scan: Scan
    category: str
    score: float
    threshold: float
    would_block: bool
    blocked: bool


def judge(policy: Policy, scan: Scan, *, is_exempt: bool = False) -> Judgement:
    """Return what a policy makes of a scan.

    What was allowed passes, as an exempt product does, but nothing at or above our floor ever.
    """
    below_floor = {
        category: score for category, score in scan.scores.items() if score < policy.floors.get(category, float("inf"))
    }
    refused = scan.scores.keys() - below_floor.keys()
    category = max(refused or scan.scores, key=lambda name: scan.scores[name] - policy.thresholds[name])
    score, threshold = scan.scores[category], policy.thresholds[category]
    is_allowed = is_exempt or scan.sha256 in policy.allowed
    would_block = bool(refused) or (score >= threshold and not is_allowed)
    return Judgement(scan, category, score, threshold, would_block, bool(refused) or (would_block and policy.enforce))


def judge_product(tenant: Tenant, product_id: str, scans: Collection[Scan]) -> list[Judgement]:
    """Return what a tenant's policy makes of the pictures of a product."""
    policy = policy_of(tenant)
    judgements = [judge(policy, scan) for scan in scans]
    if any(judgement.would_block for judgement in judgements) and _is_exempt(tenant, product_id):
        return [judge(policy, scan, is_exempt=True) for scan in scans]
    return judgements


def record_products(
    tenant: Tenant, judged: Mapping[str, Sequence[Judgement]], surface: ModerationEvent.Surface
) -> None:
    """Log the pictures that were judged, by product_id, in the transaction that stores or refuses these products."""
    scans = [_event(tenant, one, surface, product_id) for product_id, all_of in judged.items() for one in all_of]
    record_scans(tenant, scans)


def judge_search(tenant: Tenant, scans: Collection[Scan], surface: ModerationEvent.Surface) -> None:
    """Judge and log the pictures of a search. Raises PictureBlockedError for one that is refused."""
    if not scans:
        return
    policy = policy_of(tenant)
    judgements = [judge(policy, scan) for scan in scans]
    record_scans_later([_event(tenant, one, surface) for one in judgements])
    require_allowed(judgements)


def require_allowed(judgements: Collection[Judgement]) -> None:
    """Raise PictureBlockedError for the first picture that is refused."""
    for judgement in judgements:
        if judgement.blocked:
            raise PictureBlockedError(judgement.category)


def _is_exempt(tenant: Tenant, product_id: str) -> bool:
    return tenant.products.filter(product_id=product_id, is_exempt_from_moderation=True).exists()


def _event(
    tenant: Tenant, judgement: Judgement, surface: ModerationEvent.Surface, product_id: str = ""
) -> ModerationEvent:
    return ModerationEvent(
        tenant=tenant,
        surface=surface,
        category=judgement.category,
        score=judgement.score,
        threshold=judgement.threshold,
        scores=dict(judgement.scan.scores),
        would_block=judgement.would_block,
        blocked=judgement.blocked,
        product_id=product_id,
        sha256=judgement.scan.sha256,
    )
