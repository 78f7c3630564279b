"""What a search answers: its shape in the documentation, and its body."""

from dataclasses import asdict
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from rest_framework import serializers

from catalog.filters import Condition, conditions_of
from catalog.hits import Hit
from catalog.vision.relevance import FAIR, MATCHES, STRONG
from merchandising.banners import Banner
from merchandising.models import MerchandisingRule, PromoBanner
from search.models import Experiment
from search.pipeline import Answer


class SignalSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(help_text="what the signal says of this product, 0 to 1")
    share = serializers.FloatField(help_text="what of the product's score is owed to it")


class AppliedRuleSerializer(serializers.Serializer[Any]):
    rule_id = serializers.CharField()
    rule_type = serializers.ChoiceField(MerchandisingRule.Type.choices)


class HitSerializer(serializers.Serializer[Hit]):
    product_id = serializers.CharField()
    similarity_score = serializers.FloatField(
        help_text="0 to 1, on a scale of the encoder's own: of words and a picture it is lower than of two pictures"
    )
    score = serializers.FloatField(help_text="0 to 1: what the order follows, after ranking and rules")
    relevance = serializers.FloatField(
        help_text="0 to 1: the chance that this is what was meant, learnt from your own catalogue's scores"
    )
    match = serializers.ChoiceField(
        MATCHES, help_text=f"strong from a relevance of {STRONG} on, fair from {FAIR} on, else weak"
    )
    metadata = serializers.DictField()
    translations = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField()),
        required=False,
        help_text="name and category by language, where the shop is multilingual",
    )
    image_url = serializers.CharField(allow_blank=True)
    thumbnail_url = serializers.CharField(allow_blank=True)
    applied_rules = AppliedRuleSerializer(many=True, required=False, help_text="that moved it; absent when none did")
    variants = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="product_ids behind this one, with group_by"
    )
    signals = serializers.DictField(child=SignalSerializer(), required=False, help_text="with explain")


class BannerSerializer(serializers.Serializer[Banner]):
    id = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    cta_text = serializers.CharField()
    cta_url = serializers.CharField()
    image_url = serializers.CharField()
    background_color = serializers.CharField()
    foreground_color = serializers.CharField()
    position = serializers.ChoiceField(PromoBanner.Position.choices)


class AssignmentSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    variant = serializers.ChoiceField(Experiment.Variant.choices)


class AnswerSerializer(serializers.Serializer[Answer]):
    search_id = serializers.CharField(help_text="name it when you report clicks and purchases, or want a further page")
    query_time_ms = serializers.FloatField()
    timing_ms = serializers.DictField(child=serializers.FloatField(), help_text="milliseconds of each step")
    count = serializers.IntegerField(help_text="of the results here")
    has_more = serializers.BooleanField(help_text="whether a further page holds results")
    applied_threshold = serializers.FloatField(help_text="no result is less similar, but for pinned ones")
    results = HitSerializer(many=True)
    applied_rules = AppliedRuleSerializer(many=True, help_text="that came about in this search")
    promo_banners = BannerSerializer(many=True)
    hint = serializers.CharField(required=False, help_text="which filter leaves nothing, and what there is")
    facets = serializers.DictField(required=False, help_text="counts over all products that fit, on request")
    experiment = AssignmentSerializer(required=False, help_text="with a session_id, while an experiment runs")
    translated_query = serializers.CharField(
        required=False, help_text="what was searched for, when the words were in another language than English"
    )
    interpreted = serializers.DictField(required=False, help_text="how a sentence was understood")
    explain = serializers.DictField(required=False, help_text="weights, threshold and filters, on request")


def answer_body(found: Answer) -> dict[str, Any]:
    """Return what the API answers to a search."""
    body: dict[str, Any] = {
        "search_id": found.search_id,
        "query_time_ms": found.total_ms,
        "timing_ms": found.timing,
        "count": len(found.hits),
        "has_more": found.has_more,
        "applied_threshold": found.threshold,
        "results": [hit_body(hit, explain=found.query.explain) for hit in found.hits],
        "applied_rules": [{"rule_id": rule.rule_id, "rule_type": rule.rule_type} for rule in found.rules],
        "promo_banners": [_banner_body(banner) for banner in found.banners],
    }
    if found.hint:
        body["hint"] = found.hint
    if found.query.facets:
        body["facets"] = found.facets
    if (assignment := found.terms.assignment) is not None:
        body["experiment"] = {"id": assignment.experiment_id, "variant": assignment.variant}
    if found.query.translated:
        body["translated_query"] = found.query.translated
    if found.query.interpreted is not None:
        body["interpreted"] = found.query.interpreted
    if found.query.explain:
        body["explain"] = _explanation(found)
    return body


def hit_body(hit: Hit, *, explain: bool = False) -> dict[str, Any]:
    """Return a product found as the API tells it."""
    body: dict[str, Any] = {
        "product_id": hit.product_id,
        "similarity_score": round(hit.similarity, 4),
        "score": round(hit.score, 4),
        "relevance": round(hit.relevance, 4),
        "match": hit.match,
        "metadata": hit.metadata,
        "image_url": hit.image_url,
        "thumbnail_url": urljoin(settings.BASE_URL, hit.thumbnail_url),
    }
    if hit.translations:
        body["translations"] = hit.translations
    if hit.applied_rules:
        body["applied_rules"] = [asdict(rule) for rule in hit.applied_rules]
    if hit.variants:
        body["variants"] = list(hit.variants)
    if explain:
        body["signals"] = {
            name: {"value": round(signal.value, 4), "share": round(signal.share, 4)}
            for name, signal in hit.signals.items()
        }
    return body


def _explanation(found: Answer) -> dict[str, Any]:
    terms = found.terms
    return {
        "weights": asdict(terms.weights),
        "threshold": {"value": found.threshold, "is_smart": terms.threshold is None},
        "filters": [
            {
                "field": condition.field.name,
                "operator": condition.operator,
                "value": condition.value,
                "excluded": is_excluded,
            }
            for condition, is_excluded in conditions_of(found.query.filters)
        ],
    }


def _condition_body(condition: Condition, is_excluded: bool) -> dict[str, Any]:
    told = {"field": condition.field.name, "operator": condition.operator, "value": condition.value}
    return {**told, "excluded": is_excluded}


def _banner_body(banner: Banner) -> dict[str, Any]:
    return {name: value for name, value in asdict(banner).items() if name != "occasion"}
