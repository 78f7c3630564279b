"""What a tenant does about pictures that should not be seen, and how far our own floors let it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from rest_framework import serializers

from accounts import audit
from accounts.models import Tenant
from accounts.revisions import bump_revision, until_changed
from catalog.models import ModerationEvent, ModerationFloor, ModerationPolicy
from catalog.moderation.scores import CATEGORIES, NUDITY, SAMPLED, detects_nudity

# By `python -m bench.moderation` with scout-2 none of 2,600 ordinary pictures (clothes, worn and on floors, groceries,
# packshots, the demo shop) reaches its default; of another 1,801 two reach that of nudity.
DEFAULTS: Mapping[str, float] = {
    "nudity": 0.8,
    "violence": 0.5,
    "weapons": 0.5,
    "drugs": 0.6,
    "hate_symbols": 0.85,
    "minors_risk": 0.5,
}
# By words some ordinary pictures reach 0.88.
NUDITY_BY_WORDS = 0.9

DETECTOR, WORDS = "opennsfw", "zero_shot"
BY_DETECTOR = (
    "A network trained on photographs of nudity. It tells drawings, and what is small in a picture, badly. In shadow "
    f"mode it looks at one in {SAMPLED} of the pictures that come in bulk, and at every picture else; in enforce mode "
    "at all of them."
)
BY_WORDS_ONLY = "The detector is switched off in this installation: nudity is judged by words only, which is a guess."
BY_WORDS = (
    "Judged by how well words fit the picture, which is a guess: defaults are set so that ordinary products are not "
    "flagged, and of 48 drawings of hooked crosses, pistols and syringes the bundled encoder finds none. There were no "
    "photographs of such things to try it on."
)


@dataclass(frozen=True)
class Policy:
    """What counts for a tenant's pictures: thresholds 0..1 of all categories, none above its floor.

    Pictures in `allowed`, by their SHA-256, were allowed by somebody.
    """

    enforce: bool
    thresholds: Mapping[str, float]
    floors: Mapping[str, float]
    allowed: frozenset[str]


def default_thresholds() -> dict[str, float]:
    """Return the threshold of each category where a tenant has said nothing."""
    return dict(DEFAULTS) if detects_nudity() else {**DEFAULTS, NUDITY: NUDITY_BY_WORDS}


def detector_notes() -> list[dict[str, str]]:
    """Return, for each category, what judges it and what that is worth."""
    by_words = {"detector": WORDS, "note": BY_WORDS}
    nudity = {"detector": DETECTOR, "note": BY_DETECTOR} if detects_nudity() else {**by_words, "note": BY_WORDS_ONLY}
    return [{"category": name} | (nudity if name == NUDITY else by_words) for name in CATEGORIES]


@until_changed
def policy_of(tenant: Tenant) -> Policy:
    """Return what counts for a tenant's pictures."""
    row = ModerationPolicy.objects.filter(tenant=tenant).first() or ModerationPolicy()
    floors = dict(ModerationFloor.objects.values_list("category", "threshold"))
    wanted = default_thresholds() | row.thresholds
    allowed = tenant.moderation_events.filter(review=ModerationEvent.Review.ALLOWED_ONCE)
    return Policy(
        enforce=row.enforce,
        thresholds={name: min(wanted[name], floors.get(name, 1.0)) for name in CATEGORIES},
        floors=floors,
        allowed=frozenset(allowed.values_list("sha256", flat=True)),
    )


@transaction.atomic
def change_policy(tenant: Tenant, actor: str, changes: Mapping[str, Any]) -> Policy:
    """Change what a tenant wants; of `thresholds` those that are named, where None stands for the default.

    Raises ValidationError naming a threshold that is above our floor.
    """
    bump_revision(tenant)
    before = policy_of(tenant)
    _require_within_floors(changes.get("thresholds", {}))
    row, _ = ModerationPolicy.objects.get_or_create(tenant=tenant)
    row.enforce = changes.get("enforce", row.enforce)
    wanted = row.thresholds | dict(changes.get("thresholds", {}))
    row.thresholds = {name: threshold for name, threshold in wanted.items() if threshold is not None}
    row.save()
    after = policy_of(tenant)
    audit.record(tenant, actor, "moderation_policy.changed", before=_told(before), after=_told(after))
    return after


def find_above_floors(thresholds: Mapping[str, float | None]) -> dict[str, str]:
    """Return what is wrong with thresholds that are above our floors, by category."""
    floors = dict(ModerationFloor.objects.values_list("category", "threshold"))
    return {
        name: f"At most {floors[name]:g}: from there on we refuse pictures ourselves, and nobody can allow them."
        for name, threshold in thresholds.items()
        if threshold is not None and name in floors and threshold > floors[name]
    }


def _require_within_floors(thresholds: Mapping[str, float | None]) -> None:
    if messages := find_above_floors(thresholds):
        errors = {name: serializers.ErrorDetail(text, code="above_floor") for name, text in messages.items()}
        raise serializers.ValidationError({"thresholds": errors})


def _told(policy: Policy) -> dict[str, Any]:
    return {"enforce": policy.enforce, "thresholds": dict(policy.thresholds)}
