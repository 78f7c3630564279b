"""`/v1/search/saved`: searches under a name, to be run again."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.lists import paginated
from search.answers import AnswerSerializer
from search.api import ANSWER_EXAMPLE, respond
from search.inputs import MAX_LIMIT, MAX_OFFSET
from search.models import SavedSearch
from search.modes import MODES, parse_mode
from search.saved import MAX_TEXT_LENGTH, access_saved_search, save_search

SENT_EXAMPLE = {"name": "Summer", "type": "text", "params": {"query": "red summer dress", "price_max": 100}}
SAVED_EXAMPLE = SENT_EXAMPLE | {
    "id": "saved_0123456789abcdef",
    "created_by": "alice@example.com",
    "created_at": "2026-01-15T10:30:00Z",
}


class SavedSearchInput(serializers.Serializer[SavedSearch]):
    name = serializers.CharField(max_length=100)
    type = serializers.ChoiceField(list(MODES), help_text="a mode of search: the last part of its address")
    params = serializers.DictField(
        help_text=f"the body of that search; pictures by their address, no text longer than {MAX_TEXT_LENGTH:,}"
    )


class SavedSearchSerializer(serializers.Serializer[SavedSearch]):
    id = serializers.CharField(source="saved_id")
    name = serializers.CharField()
    type = serializers.CharField(source="mode")
    params = serializers.DictField()
    created_by = serializers.SerializerMethodField(help_text="the user's email address; null for a key's search")
    created_at = serializers.DateTimeField()

    def get_created_by(self, saved: SavedSearch) -> str | None:
        return saved.created_by.email if saved.created_by else None


class RunFields(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, required=False)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, required=False)


class SavedSearchListView(GenericAPIView[SavedSearch]):
    """Lists saved searches, and saves one."""

    required_permissions = {"GET": "search:read", "POST": "search:write"}
    serializer_class = SavedSearchSerializer

    @extend_schema(
        operation_id="list_saved_searches",
        tags=["Saved searches"],
        summary="List saved searches, newest first",
        responses=SavedSearchSerializer(many=True),
        examples=[answered("Saved searches", SAVED_EXAMPLE)],
    )
    def get(self, request: ApiRequest) -> Response:
        return paginated(self, request.auth.tenant.saved_searches.select_related("created_by"))

    @extend_schema(
        operation_id="save_search",
        tags=["Saved searches"],
        summary="Save a search",
        request=SavedSearchInput,
        responses={201: SavedSearchSerializer},
        examples=[sent("Summer", SENT_EXAMPLE), answered("Saved", SAVED_EXAMPLE, 201)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        body = SavedSearchInput(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        saved = save_search(
            request.auth.tenant,
            name=fields["name"],
            mode=fields["type"],
            params=fields["params"],
            created_by=request.auth.user,
        )
        headers = {"Location": reverse("saved-search", args=[saved.saved_id])}
        return Response(SavedSearchSerializer(saved).data, status=status.HTTP_201_CREATED, headers=headers)


class SavedSearchView(APIView):
    """One saved search."""

    required_permissions = {"GET": "search:read", "DELETE": "search:write"}

    @extend_schema(
        operation_id="get_saved_search",
        tags=["Saved searches"],
        summary="Get a saved search",
        responses=SavedSearchSerializer,
        examples=[answered("Summer", SAVED_EXAMPLE)],
    )
    def get(self, request: ApiRequest, saved_id: str) -> Response:
        return Response(SavedSearchSerializer(access_saved_search(request.auth.tenant, saved_id)).data)

    @extend_schema(
        operation_id="delete_saved_search",
        tags=["Saved searches"],
        summary="Delete a saved search",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, saved_id: str) -> Response:
        access_saved_search(request.auth.tenant, saved_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class SavedSearchRunView(APIView):
    """Searches once more."""

    required_permissions = {"POST": "search:read"}

    @extend_schema(
        operation_id="run_saved_search",
        tags=["Saved searches"],
        summary="Run a saved search again",
        description="Searches among the products of now; `limit` and `offset` stand in for the saved ones.",
        request=RunFields,
        responses=AnswerSerializer,
        examples=[sent("The first five", {"limit": 5}), ANSWER_EXAMPLE],
    )
    def post(self, request: ApiRequest, saved_id: str) -> Response:
        tenant = request.auth.tenant
        saved = access_saved_search(tenant, saved_id)
        body = RunFields(data=request.data)
        body.is_valid(raise_exception=True)
        return respond(tenant, lambda: parse_mode(tenant, saved.mode, saved.params | body.validated_data))
