"""Moderation as the API takes and shows it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from catalog.models import ModerationEvent
from catalog.moderation.policy import Policy, default_thresholds, detector_notes
from catalog.moderation.review import DECISIONS
from catalog.moderation.scores import CATEGORIES
from catalog.moderation.summary import EDGES, Summary
from catalog.serializers import FiniteField

MAX_DAYS = ModerationEvent.KEPT_FOR.days


class _Known(serializers.Serializer[Any]):
    """Takes the fields that it has, and refuses others by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            message = f"There is no such field; there are {', '.join(self.fields)}."
            raise serializers.ValidationError({str(unknown[0]): [serializers.ErrorDetail(message, code="unknown")]})
        return super().to_internal_value(data)


def _threshold() -> FiniteField:
    return FiniteField(min_value=0, max_value=1, allow_null=True, required=False, help_text="0 to 1; null: the default")


class ThresholdsInput(_Known):
    nudity = _threshold()
    violence = _threshold()
    weapons = _threshold()
    drugs = _threshold()
    hate_symbols = _threshold()
    minors_risk = _threshold()


class PolicyInput(_Known):
    enforce = serializers.BooleanField(required=False, help_text="refuse what is flagged, instead of only logging it")
    thresholds = ThresholdsInput(required=False)

    def changes(self, *, replace: bool) -> dict[str, Any]:
        """Return what was sent, or with `replace` what it makes of the whole policy."""
        sent = dict(self.validated_data)
        if not replace:
            return sent
        return {
            "enforce": sent.get("enforce", False),
            "thresholds": dict.fromkeys(CATEGORIES) | sent.get("thresholds", {}),
        }


class ThresholdsSerializer(serializers.Serializer[Any]):
    nudity = serializers.FloatField()
    violence = serializers.FloatField()
    weapons = serializers.FloatField()
    drugs = serializers.FloatField()
    hate_symbols = serializers.FloatField()
    minors_risk = serializers.FloatField()


class DetectorSerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    detector = serializers.CharField(help_text="what judges it: a network for it, or words")
    note = serializers.CharField(help_text="what that covers, and what not")


class PolicySerializer(serializers.Serializer[Any]):
    enforce = serializers.BooleanField()
    thresholds = ThresholdsSerializer(help_text="from there on a picture is flagged, 0 to 1")
    defaults = ThresholdsSerializer(help_text="where you have set nothing")
    floors = serializers.DictField(
        child=serializers.FloatField(),
        help_text="ours, by category: from there on a picture is refused in shadow mode too",
    )
    detectors = DetectorSerializer(many=True)


class TallySerializer(serializers.Serializer[Any]):
    scans = serializers.IntegerField(help_text="pictures that were judged")
    flagged = serializers.IntegerField(help_text="those that enforcing would refuse")
    blocked = serializers.IntegerField(help_text="those that were refused")


class ModeratedDaySerializer(TallySerializer):
    date = serializers.DateField(help_text="UTC")


class ScoreDistributionSerializer(serializers.Serializer[Any]):
    edges = serializers.ListField(child=serializers.FloatField(), help_text="scores that part the counts")
    counts = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="pictures between the edges, by category",
    )


class SummarySerializer(TallySerializer):
    days = serializers.IntegerField()
    by_category = serializers.DictField(
        child=TallySerializer(), help_text="`scans` are pictures with a score; a flag belongs to one category"
    )
    by_day = ModeratedDaySerializer(many=True)
    distribution = ScoreDistributionSerializer()


class SummaryInput(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=7, help_text="how many days back")


class EventsInput(serializers.Serializer[Any]):
    flagged = serializers.BooleanField(
        allow_null=True, default=None, help_text="only pictures that enforcing would refuse, or only others"
    )


class ModerationEventSerializer(serializers.ModelSerializer[ModerationEvent]):
    id = serializers.CharField(source="event_id")
    scores = serializers.DictField(
        child=serializers.FloatField(), help_text="of every category that was looked for, 0 to 1"
    )
    category = serializers.CharField(help_text="that is most over its threshold, or comes nearest to it")
    would_block = serializers.BooleanField(help_text="whether enforcing refuses it with 403")
    product_id = serializers.CharField(help_text="empty for a picture that was searched with")

    class Meta:
        model = ModerationEvent
        fields = [
            "id",
            "surface",
            "category",
            "score",
            "threshold",
            "scores",
            "would_block",
            "blocked",
            "product_id",
            "sha256",
            "review",
            "reviewed_by",
            "reviewed_at",
            "created_at",
        ]


class ReviewInput(_Known):
    decision = serializers.ChoiceField(
        list(DECISIONS),
        help_text="allow_once: this very picture; allow_product: whatever its product shows; confirm: rightly flagged",
    )


class ReviewedSerializer(serializers.Serializer[Any]):
    event = ModerationEventSerializer()
    next_step = serializers.CharField(help_text="what is to be done so that the product is indexed")
    job_id = serializers.CharField(
        allow_null=True, help_text="the job that indexes a refused product again, if one can"
    )


def describe_policy(policy: Policy) -> dict[str, Any]:
    """Return a policy as the API shows it, with what it cannot change and what judges the categories."""
    return {
        "enforce": policy.enforce,
        "thresholds": dict(policy.thresholds),
        "defaults": default_thresholds(),
        "floors": dict(policy.floors),
        "detectors": detector_notes(),
    }


def describe_summary(summary: Summary) -> dict[str, Any]:
    """Return a summary as the API shows it."""
    return {
        "days": summary.days,
        **asdict(summary.total),
        "by_category": {name: asdict(tally) for name, tally in summary.by_category.items()},
        "by_day": [{"date": day.isoformat(), **asdict(tally)} for day, tally in summary.by_day.items()],
        "distribution": {"edges": list(EDGES), "counts": {name: list(n) for name, n in summary.distribution.items()}},
    }
