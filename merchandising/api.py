"""`/v1/merchandising/rules`, `/v1/promo-banners` and `/v1/merchandising/synonyms`: three lists that work alike."""

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.lists import paginated
from merchandising.configuration import (
    access_configured,
    add_configured,
    change_configured,
    find_configured,
    remove_configured,
)
from merchandising.examples import (
    BANNER,
    BANNER_SENT,
    DRY_RUN,
    RULE,
    RULE_SENT,
    RULE_WITH_WARNING,
    SYNONYM,
    SYNONYM_SENT,
)
from merchandising.models import Configured, MerchandisingRule, PromoBanner, SynonymSet
from merchandising.rules import MAX_WANTED
from merchandising.serializers import (
    DryRunSerializer,
    PromoBannerSerializer,
    RuleSerializer,
    RuleWithWarningsSerializer,
    SynonymSerializer,
)

DRY_RUN_PARAMETER = OpenApiParameter("dry_run", bool, description="only check what would be saved")


class RuleListView(GenericAPIView[MerchandisingRule]):
    """Lists rules, and adds one."""

    required_permissions = {"GET": "merchandising:read", "POST": "merchandising:write"}
    serializer_class = RuleSerializer

    @extend_schema(
        operation_id="list_merchandising_rules",
        tags=["Merchandising"],
        summary="List merchandising rules, in the order in which they go",
        responses=RuleSerializer(many=True),
        examples=[answered("Rules", RULE)],
    )
    def get(self, request: ApiRequest) -> Response:
        return _listed(self, request, MerchandisingRule)

    @extend_schema(
        operation_id="create_merchandising_rule",
        tags=["Merchandising"],
        summary="Add a merchandising rule",
        description="In every search buried products are dropped first, then scores of boosted ones are multiplied, "
        "then pinned ones go to the top; a product that is both buried and pinned stays away. Rules go by `priority`, "
        "the lowest number first, and the newest first among equals. `query_contains` compares from the beginning of a "
        "word, without case: `dress` counts in `red dresses`. `category_match` counts where a result has the category. "
        "Products that do not exist yet are taken, with a warning. "
        f"There may be {MerchandisingRule.LIMIT:,} rules; on their behalf a search looks for {MAX_WANTED} products at "
        "most, those of the first rules first.",
        parameters=[DRY_RUN_PARAMETER],
        request=RuleSerializer,
        responses={201: RuleWithWarningsSerializer, 200: DryRunSerializer},
        examples=[
            sent("A pin", RULE_SENT),
            answered("Saved", RULE_WITH_WARNING, 201),
            answered("A dry run", DRY_RUN),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _added(request, RuleWithWarningsSerializer)


class RuleView(APIView):
    """One rule."""

    required_permissions = {
        "GET": "merchandising:read",
        "PATCH": "merchandising:write",
        "DELETE": "merchandising:write",
    }

    @extend_schema(
        operation_id="get_merchandising_rule",
        tags=["Merchandising"],
        summary="Get a merchandising rule",
        responses=RuleWithWarningsSerializer,
        examples=[answered("A pin", RULE_WITH_WARNING)],
    )
    def get(self, request: ApiRequest, rule_id: UUID) -> Response:
        return _shown(request, rule_id, RuleWithWarningsSerializer)

    @extend_schema(
        operation_id="update_merchandising_rule",
        tags=["Merchandising"],
        summary="Change a merchandising rule",
        request=RuleSerializer,
        responses=RuleWithWarningsSerializer,
        examples=[sent("Pause it", {"active": False}), answered("A pin", RULE_WITH_WARNING)],
    )
    def patch(self, request: ApiRequest, rule_id: UUID) -> Response:
        return _changed(request, rule_id, RuleWithWarningsSerializer)

    @extend_schema(
        operation_id="delete_merchandising_rule",
        tags=["Merchandising"],
        summary="Delete a merchandising rule",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, rule_id: UUID) -> Response:
        return _removed(request, rule_id, MerchandisingRule)


class BannerListView(GenericAPIView[PromoBanner]):
    """Lists banners, and adds one."""

    required_permissions = {"GET": "banners:read", "POST": "banners:write"}
    serializer_class = PromoBannerSerializer

    @extend_schema(
        operation_id="list_promo_banners",
        tags=["Merchandising"],
        summary="List promo banners, in the order in which they go",
        responses=PromoBannerSerializer(many=True),
        examples=[answered("Banners", BANNER)],
    )
    def get(self, request: ApiRequest) -> Response:
        return _listed(self, request, PromoBanner)

    @extend_schema(
        operation_id="create_promo_banner",
        tags=["Merchandising"],
        summary="Add a promo banner",
        description="A search answers with the first three banners that are meant for it, as `promo_banners`. Scopes, "
        "schedule and priority mean what they do for merchandising rules. "
        f"There may be {PromoBanner.LIMIT:,} banners.",
        parameters=[DRY_RUN_PARAMETER],
        request=PromoBannerSerializer,
        responses={201: PromoBannerSerializer, 200: DryRunSerializer},
        examples=[sent("A sale", BANNER_SENT), answered("Saved", BANNER, 201), answered("A dry run", DRY_RUN)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _added(request, PromoBannerSerializer)


class BannerView(APIView):
    """One banner."""

    required_permissions = {"GET": "banners:read", "PATCH": "banners:write", "DELETE": "banners:write"}

    @extend_schema(
        operation_id="get_promo_banner",
        tags=["Merchandising"],
        summary="Get a promo banner",
        responses=PromoBannerSerializer,
        examples=[answered("A sale", BANNER)],
    )
    def get(self, request: ApiRequest, banner_id: UUID) -> Response:
        return _shown(request, banner_id, PromoBannerSerializer)

    @extend_schema(
        operation_id="update_promo_banner",
        tags=["Merchandising"],
        summary="Change a promo banner",
        request=PromoBannerSerializer,
        responses=PromoBannerSerializer,
        examples=[sent("Pause it", {"active": False}), answered("A sale", BANNER)],
    )
    def patch(self, request: ApiRequest, banner_id: UUID) -> Response:
        return _changed(request, banner_id, PromoBannerSerializer)

    @extend_schema(
        operation_id="delete_promo_banner",
        tags=["Merchandising"],
        summary="Delete a promo banner",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, banner_id: UUID) -> Response:
        return _removed(request, banner_id, PromoBanner)


class SynonymListView(GenericAPIView[SynonymSet]):
    """Lists sets of synonyms, and adds one."""

    required_permissions = {"GET": "merchandising:read", "POST": "merchandising:write"}
    serializer_class = SynonymSerializer

    @extend_schema(
        operation_id="list_synonyms",
        tags=["Merchandising"],
        summary="List sets of synonyms",
        responses=SynonymSerializer(many=True),
        examples=[answered("Synonyms", SYNONYM)],
    )
    def get(self, request: ApiRequest) -> Response:
        return _listed(self, request, SynonymSet)

    @extend_schema(
        operation_id="create_synonyms",
        tags=["Merchandising"],
        summary="Add a set of synonyms",
        description="A search in words looks for what the query means, and for up to five variants of it in which one "
        "word, or phrase, gives way to a synonym. Of `two_way` all `words` mean the same; of `one_way` the `root` may "
        "also mean each of them, but not the other way round. Words are compared whole and without case. "
        f"There may be {SynonymSet.LIMIT:,} sets.",
        parameters=[DRY_RUN_PARAMETER],
        request=SynonymSerializer,
        responses={201: SynonymSerializer, 200: DryRunSerializer},
        examples=[sent("Both ways", SYNONYM_SENT), answered("Saved", SYNONYM, 201), answered("A dry run", DRY_RUN)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return _added(request, SynonymSerializer)


class SynonymView(APIView):
    """One set of synonyms."""

    required_permissions = {
        "GET": "merchandising:read",
        "PATCH": "merchandising:write",
        "DELETE": "merchandising:write",
    }

    @extend_schema(
        operation_id="get_synonyms",
        tags=["Merchandising"],
        summary="Get a set of synonyms",
        responses=SynonymSerializer,
        examples=[answered("Both ways", SYNONYM)],
    )
    def get(self, request: ApiRequest, synonym_id: UUID) -> Response:
        return _shown(request, synonym_id, SynonymSerializer)

    @extend_schema(
        operation_id="update_synonyms",
        tags=["Merchandising"],
        summary="Change a set of synonyms",
        request=SynonymSerializer,
        responses=SynonymSerializer,
        examples=[sent("Other words", {"words": ["sneaker", "trainer"]}), answered("Both ways", SYNONYM)],
    )
    def patch(self, request: ApiRequest, synonym_id: UUID) -> Response:
        return _changed(request, synonym_id, SynonymSerializer)

    @extend_schema(
        operation_id="delete_synonyms",
        tags=["Merchandising"],
        summary="Delete a set of synonyms",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, synonym_id: UUID) -> Response:
        return _removed(request, synonym_id, SynonymSet)


Serializer = type[serializers.ModelSerializer[Any]]


def _listed(view: GenericAPIView[Any], request: ApiRequest, model: type[Configured]) -> Response:
    return paginated(view, find_configured(model, request.auth.tenant), ordering=model.SHOWN_ORDER)


def _added(request: ApiRequest, serializer: Serializer) -> Response:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    row = _model(serializer)(tenant=request.auth.tenant, **body.validated_data)
    if request.query_params.get("dry_run") == "true":
        return Response({"valid": True, "warnings": serializer(row).data.get("warnings", [])})
    add_configured(row)
    return Response(serializer(row).data, status=status.HTTP_201_CREATED)


def _shown(request: ApiRequest, pk: UUID, serializer: Serializer) -> Response:
    return Response(serializer(access_configured(_model(serializer), request.auth.tenant, pk)).data)


@transaction.atomic
def _changed(request: ApiRequest, pk: UUID, serializer: Serializer) -> Response:
    row = access_configured(_model(serializer), request.auth.tenant, pk, for_update=True)
    body = serializer(row, data=request.data, partial=True)
    body.is_valid(raise_exception=True)
    change_configured(row, body.validated_data)
    return Response(serializer(row).data)


def _removed(request: ApiRequest, pk: UUID, model: type[Configured]) -> Response:
    remove_configured(access_configured(model, request.auth.tenant, pk))
    return Response(status=status.HTTP_204_NO_CONTENT)


def _model(serializer: Serializer) -> type[Configured]:
    model: type[Configured] = serializer.Meta.model
    return model
