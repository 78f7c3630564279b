"""`/v1/search`: an endpoint for each mode, many queries at once, and what is like a product."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import exceptions, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.models import Tenant
from catalog.api_errors import EmbeddingUnavailable, NotIndexed
from catalog.errors import PictureError
from catalog.vision.encoder import EncoderError
from search.answers import AnswerSerializer, answer_body
from search.encoding import load_pictures
from search.examples import ANSWER, BATCH, BATCH_ANSWER, REQUESTS
from search.inputs import SimilarFields
from search.modes import MODES, UPLOAD, Mode, parse_mode, parse_upload
from search.pipeline import Answer, Stopwatch, answer
from search.query import Query

T = TypeVar("T")

MAX_QUERIES = 20
# Of a batch: each is encoded while the client waits.
MAX_PICTURES = 40
ANSWER_EXAMPLE = OpenApiExample("One product found", ANSWER, response_only=True, status_codes=["200"])


class ModeView(APIView):
    """Searches in one mode, which a subclass names."""

    required_permissions = {"POST": "search:execute"}
    mode: Mode

    def post(self, request: ApiRequest) -> Response:
        return respond(request.auth.tenant, lambda: parse_mode(request.auth.tenant, self.mode.name, request.data))


def mode_view(mode: Mode) -> Callable[..., Any]:
    """Return the view of a mode, as the documentation describes it."""
    documented = extend_schema(
        operation_id=f"search_{mode.name.replace('-', '_')}",
        tags=["Search"],
        summary=mode.summary,
        description=mode.description,
        request=mode.input,
        responses={200: AnswerSerializer},
        examples=[OpenApiExample(mode.summary, REQUESTS[mode.name], request_only=True), ANSWER_EXAMPLE],
    )
    name = f"{mode.name.title().replace('-', '')}View"
    view: type[APIView] = extend_schema_view(post=documented)(type(name, (ModeView,), {"mode": mode}))
    return view.as_view()


class UploadView(APIView):
    """Searches by an uploaded picture."""

    required_permissions = {"POST": "search:execute"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="search_upload",
        tags=["Search"],
        summary=UPLOAD.summary,
        description="Whatever is nested is sent as JSON in a field of the form.",
        request={"multipart/form-data": UPLOAD.input},
        responses={200: AnswerSerializer},
        examples=[ANSWER_EXAMPLE],
    )
    def post(self, request: ApiRequest) -> Response:
        return respond(request.auth.tenant, lambda: parse_upload(request.auth.tenant, request.data))


class SimilarView(APIView):
    """Finds what is like a product."""

    required_permissions = {"GET": "search:execute"}

    @extend_schema(
        operation_id="list_similar_products",
        tags=["Products"],
        summary="List products like this one",
        parameters=[SimilarFields],
        responses={200: AnswerSerializer},
        examples=[ANSWER_EXAMPLE],
    )
    def get(self, request: ApiRequest, product_id: str) -> Response:
        tenant, sent = request.auth.tenant, request.query_params
        lists = {name for name, field in SimilarFields().fields.items() if isinstance(field, serializers.ListField)}
        fields = {name: sent.getlist(name) if name in lists else sent[name] for name in sent}
        return respond(tenant, lambda: parse_mode(tenant, "similar", {**fields, "product_id": product_id}))


class BatchInput(serializers.Serializer[Any]):
    queries = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=MAX_QUERIES,
        help_text=f"each the body of a search and its `type`: {', '.join(MODES)}",
    )


class BatchResultSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="place of the query in the request, from 0")
    status = serializers.IntegerField(help_text="the HTTP status that the query alone would have")
    body = serializers.DictField(help_text="what the query alone would answer, or its error")


class BatchAnswerSerializer(serializers.Serializer[Any]):
    results = BatchResultSerializer(many=True)


class BatchView(APIView):
    """Searches many times, in any modes; a query that is wrong fails alone."""

    required_permissions = {"POST": "search:execute"}

    @extend_schema(
        operation_id="search_batch",
        tags=["Search"],
        summary="Run up to 20 queries",
        description="The answers come in the order of the queries. Each counts as a search.",
        request=BatchInput,
        responses={200: BatchAnswerSerializer},
        examples=[
            OpenApiExample("Two queries", BATCH, request_only=True),
            OpenApiExample("Two answers", BATCH_ANSWER, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: ApiRequest) -> Response:
        body = BatchInput(data=request.data)
        body.is_valid(raise_exception=True)
        tenant = request.auth.tenant
        parsed = [self._attempt(partial(_parse_typed, tenant, query)) for query in body.validated_data["queries"]]
        pictures = [example for query in parsed if isinstance(query, Query) for example in query.examples]
        if sum(example.brings_picture for example in pictures) > MAX_PICTURES:
            message = f"All queries of a batch together show at most {MAX_PICTURES} pictures. Send several batches."
            raise serializers.ValidationError({"queries": serializers.ErrorDetail(message, code="too_many_pictures")})
        # All at once: twenty slow shops one after the other would take minutes.
        with ThreadPoolExecutor(MAX_QUERIES) as pool:
            loaded = list(pool.map(self._load, parsed))
        answers = [self._answer(tenant, query) for query in loaded]
        results = [
            {"index": index, "status": answered.status_code, "body": answered.data}
            for index, answered in enumerate(answers)
        ]
        return Response({"results": results})

    def _load(self, parsed: Query | Response) -> Query | Response:
        return self._attempt(partial(load_pictures, parsed)) if isinstance(parsed, Query) else parsed

    def _answer(self, tenant: Tenant, loaded: Query | Response) -> Response:
        return self._attempt(partial(respond, tenant, lambda: loaded)) if isinstance(loaded, Query) else loaded

    def _attempt(self, step: Callable[[], T]) -> T | Response:
        """Return what a step returns, or the answer that tells what is wrong with its query."""
        try:
            with told_errors():
                return step()
        except (exceptions.APIException, Http404) as error:
            return self.handle_exception(error)


def respond(tenant: Tenant, parse: Callable[[], Query]) -> Response:
    """Answer the query that a request means, or say in the API's words why it cannot be answered."""
    return Response(answer_body(answered(tenant, parse)))


def answered(tenant: Tenant, parse: Callable[[], Query]) -> Answer:
    """Return the answer to the query that a request means; raises the API's errors."""
    watch = Stopwatch()
    with told_errors():
        with watch.step("parse"):
            query = parse()
        return answer(tenant, query, watch=watch)


@contextmanager
def told_errors() -> Iterator[None]:
    """Turn what goes wrong with a query into the API's errors."""
    try:
        yield
    except PictureError as error:
        raise NotIndexed(error) from error
    except EncoderError as error:
        raise EmbeddingUnavailable from error


def _parse_typed(tenant: Tenant, query: dict[str, Any]) -> Query:
    fields = {name: value for name, value in query.items() if name != "type"}
    name = query.get("type")
    if not isinstance(name, str) or name not in MODES:
        message = f"A query names its type: {', '.join(MODES)}."
        raise serializers.ValidationError({"type": [serializers.ErrorDetail(message, code="invalid_choice")]})
    return parse_mode(tenant, name, fields)
