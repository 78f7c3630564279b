"""`POST /v1/merchandising/preview`: what rules would do to a search, before they are saved."""

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.models import Tenant
from merchandising.examples import RULE_SENT
from merchandising.models import MerchandisingRule
from merchandising.rules import Rule, to_rule
from merchandising.serializers import RuleSerializer
from search.answers import AnswerSerializer, answer_body
from search.api import told_errors
from search.encoding import load_pictures
from search.examples import ANSWER
from search.modes import MODES, parse_mode
from search.pipeline import Answer, search

MAX_RULES = 100
_EXAMPLE = {"rules": [RULE_SENT], "mode": "text", "query": "blue sneaker"}
_ANSWER = ANSWER | {"without": ["shoe-002", "shoe-001"]}


class PreviewInput(serializers.Serializer[Any]):
    rules = RuleSerializer(many=True, help_text=f"at most {MAX_RULES}")
    mode = serializers.ChoiceField(list(MODES), default="text", help_text="the search to try them on")
    query = serializers.CharField(required=False, help_text="and whatever else a search in this mode takes")

    def validate_rules(self, rules: list[Any]) -> list[Any]:
        if len(rules) > MAX_RULES:
            raise serializers.ValidationError(f"Send at most {MAX_RULES} rules.", code="too_many")
        return rules


class PreviewSerializer(AnswerSerializer):
    without = serializers.ListField(
        child=serializers.CharField(), help_text="the product_ids of the same page without any rules"
    )


class PreviewView(APIView):
    """Tries rules on a search."""

    required_permissions = {"POST": "merchandising:read"}

    @extend_schema(
        operation_id="preview_merchandising_rules",
        tags=["Merchandising"],
        summary="Try rules on a search without saving them",
        description="Send the body of a search, its `mode` and `rules`, which stand in for the saved ones: the answer "
        "is that of the search, and `without` is the order in which it would be without rules. Rules of the same "
        "priority go in the order sent, and `applied_rules` names each by its place in the list, from 0. Nothing is "
        "remembered of this search.",
        request=PreviewInput,
        responses={200: PreviewSerializer},
        examples=[sent("A pin", _EXAMPLE), answered("The search with the pin", _ANSWER)],
    )
    def post(self, request: ApiRequest) -> Response:
        body = PreviewInput(data=request.data)
        body.is_valid(raise_exception=True)
        rules = _rules(request.auth.tenant, body.validated_data["rules"])
        query = {name: value for name, value in request.data.items() if name not in ("rules", "mode")}
        with_rules, without = _search_twice(request.auth.tenant, body.validated_data["mode"], query, rules)
        return Response(answer_body(with_rules) | {"without": [hit.product_id for hit in without.hits]})


def _rules(tenant: Tenant, rules: list[dict[str, Any]]) -> list[Rule]:
    """Return the rules that are active in the order in which they go, each called by its place in the list."""
    rows = [MerchandisingRule(tenant=tenant, **fields) for fields in rules]
    placed = sorted(enumerate(rows), key=lambda place: place[1].priority)
    return [replace(to_rule(row), rule_id=str(number)) for number, row in placed if row.active]


def _search_twice(tenant: Tenant, mode: str, data: dict[str, Any], rules: list[Rule]) -> tuple[Answer, Answer]:
    """Return the answers with these rules and without any; raises the API's errors."""
    with told_errors():
        query = load_pictures(parse_mode(tenant, mode, data))
        return search(tenant, query, rules=rules), search(tenant, query, rules=())
