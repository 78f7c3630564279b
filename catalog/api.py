"""`/v1/products`."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from accounts.models import Tenant
from accounts.parsers import StrictJSONParser
from catalog.api_errors import EmbeddingUnavailable, NotConfirmed, NotIndexed
from catalog.custom_fields import InvalidMetadata, MetadataError
from catalog.danger_zone import CONFIRMATION, delete_all_products
from catalog.demo_shop import install_demo, remove_demo
from catalog.documents import ProductDocument, ProductInput, parse_product
from catalog.examples import BULK, DEMO, INDEXED, JOB_STARTED, PRODUCT, PRODUCT_SENT, STATS
from catalog.feeds.body import FeedView, NDJSONFeedParser
from catalog.indexing import Outcome, index_products, record_failure
from catalog.jobs.api import location_of, started
from catalog.jobs.bulk import BulkInput, require_bulk_room, start_bulk
from catalog.jobs.items import item_of_document
from catalog.jobs.lifecycle import create_job
from catalog.lists import paginated
from catalog.models import Job, Product
from catalog.moderation.judging import PictureBlockedError
from catalog.pictures.fetch import FetchTimeoutError
from catalog.product_list import SORTS, ListInput, find_products
from catalog.products import access_product, delete_products, product_stats, update_metadata
from catalog.serializers import (
    DeletedSerializer,
    DemoSerializer,
    IndexedSerializer,
    JobStartedSerializer,
    MetadataInput,
    ProductSerializer,
    StatsSerializer,
)
from catalog.vision.encoder import EncoderError

# A request waits this long for its pictures; a slower shop's product goes on as a job.
FETCH_DEADLINE = 8.0


class ProductListView(GenericAPIView[Product]):
    """Lists products, and indexes one."""

    required_permissions = {"GET": "products:read", "POST": "products:write", "DELETE": "products:delete"}
    serializer_class = ProductSerializer

    @extend_schema(
        operation_id="list_products",
        tags=["Products"],
        summary="List products",
        parameters=[ListInput],
        responses=ProductSerializer(many=True),
        examples=[answered("Products", PRODUCT)],
    )
    def get(self, request: ApiRequest) -> Response:
        wanted = ListInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        fields = wanted.validated_data
        return paginated(self, find_products(request.auth.tenant, fields), ordering=SORTS[fields["sort"]])

    @extend_schema(
        operation_id="index_product",
        tags=["Products"],
        summary="Index a product, or index it again",
        description="Downloads its pictures, looks at them and stores the product; a picture whose bytes are known is "
        "not looked at again. When the pictures do not come in 8 seconds, or with `async=true`, the answer is 202 and "
        "a job goes on.",
        parameters=[OpenApiParameter("async", bool, description="do not wait for the pictures")],
        request=ProductInput,
        responses={201: IndexedSerializer, 200: IndexedSerializer, 202: IndexedSerializer},
        examples=[sent("A sneaker", PRODUCT_SENT), answered("Indexed", INDEXED, 200, 201)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        document = parse_product(request.data, sent_at=timezone.now())
        return _index(request.auth.tenant, document, in_background=request.query_params.get("async") == "true")

    @extend_schema(
        operation_id="delete_all_products",
        tags=["Products"],
        summary="Delete all products",
        description="Starts a job that deletes every product there is now, demo products too. It cannot be undone.",
        parameters=[OpenApiParameter("confirm", str, required=True, enum=[CONFIRMATION])],
        responses={202: JobStartedSerializer},
        examples=[answered("Started", JOB_STARTED, 202)],
    )
    def delete(self, request: ApiRequest) -> Response:
        if request.query_params.get("confirm") != CONFIRMATION:
            raise NotConfirmed
        return started(delete_all_products(request.auth.tenant, request.auth.actor))


class ProductView(APIView):
    """One product, by the shop's own id."""

    required_permissions = {
        "GET": "products:read",
        "PUT": "products:write",
        "PATCH": "products:write",
        "DELETE": "products:delete",
    }

    @extend_schema(
        operation_id="get_product",
        tags=["Products"],
        summary="Get a product",
        responses=ProductSerializer,
        examples=[answered("A sneaker", PRODUCT)],
    )
    def get(self, request: ApiRequest, product_id: str) -> Response:
        return Response(ProductSerializer(access_product(request.auth.tenant, product_id)).data)

    @extend_schema(
        operation_id="replace_product",
        tags=["Products"],
        summary="Replace a product",
        request=ProductInput,
        responses={200: IndexedSerializer, 202: IndexedSerializer},
        examples=[sent("A sneaker", PRODUCT_SENT), answered("Indexed", INDEXED)],
    )
    def put(self, request: ApiRequest, product_id: str) -> Response:
        access_product(request.auth.tenant, product_id)
        document = parse_product(request.data, product_id=product_id, sent_at=timezone.now())
        return _index(request.auth.tenant, document)

    @extend_schema(
        operation_id="update_product",
        tags=["Products"],
        summary="Change a product's metadata",
        description="Its pictures and vectors stay as they are: cheap enough for every change of price or stock.",
        request=MetadataInput,
        responses=ProductSerializer,
        examples=[sent("A new price", {"metadata": {"price": 79.99}}), answered("A sneaker", PRODUCT)],
    )
    def patch(self, request: ApiRequest, product_id: str) -> Response:
        body = MetadataInput(data=request.data)
        body.is_valid(raise_exception=True)
        update_metadata(request.auth.tenant, product_id, body.validated_data["metadata"])
        return Response(ProductSerializer(access_product(request.auth.tenant, product_id)).data)

    @extend_schema(operation_id="delete_product", tags=["Products"], summary="Delete a product", responses={204: None})
    def delete(self, request: ApiRequest, product_id: str) -> Response:
        product = access_product(request.auth.tenant, product_id)
        delete_products(Product.objects.filter(pk=product.pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class BulkView(FeedView):
    """Indexes many products in the background."""

    required_permissions = {"POST": "products:bulk"}
    parser_classes = [StrictJSONParser, NDJSONFeedParser]

    @extend_schema(
        operation_id="bulk_index_products",
        tags=["Products"],
        summary="Index many products",
        description="Starts a job. A product that cannot be indexed fails alone, and the job says why. As "
        "`application/x-ndjson`, send one product a line: a feed of up to as many lines as your plan has products, "
        "with `callback_url` in the query string.",
        request={"application/json": BulkInput, "application/x-ndjson": ProductInput},
        responses={202: JobStartedSerializer},
        examples=[sent("One product", BULK), answered("Started", JOB_STARTED, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        return started(start_bulk(request.auth.tenant, request.data, request.query_params))


class DemoView(APIView):
    """Installs and removes the demo shop."""

    required_permissions = {"POST": "products:bulk", "DELETE": "products:delete"}

    @extend_schema(
        operation_id="install_demo_products",
        tags=["Products"],
        summary="Install the demo products",
        request=None,
        responses={202: DemoSerializer},
        examples=[answered("Started", DEMO, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        job = install_demo(request.auth.tenant)
        product_ids = list(job.items.order_by("index").values_list("product_id", flat=True))
        body = {"installed": len(product_ids), "product_ids": product_ids, "job_id": job.job_id}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=location_of(job))

    @extend_schema(
        operation_id="remove_demo_products",
        tags=["Products"],
        summary="Remove the demo products",
        responses={200: DeletedSerializer},
        examples=[answered("Removed", {"deleted": 72})],
    )
    def delete(self, request: ApiRequest) -> Response:
        return Response({"deleted": remove_demo(request.auth.tenant)})


class StatsView(APIView):
    required_permissions = {"GET": "products:read"}

    @extend_schema(
        operation_id="get_product_stats",
        tags=["Products"],
        summary="Count products",
        responses=StatsSerializer,
        examples=[answered("One sneaker", STATS)],
    )
    def get(self, request: ApiRequest) -> Response:
        return Response(product_stats(request.auth.tenant))


def _index(tenant: Tenant, document: ProductDocument, *, in_background: bool = False) -> Response:
    if in_background:
        return _indexed_later(tenant, document)
    try:
        outcome = index_products(tenant, [document], fetch_deadline=FETCH_DEADLINE)[0]
    except EncoderError as error:
        raise EmbeddingUnavailable from error
    if isinstance(outcome.error, FetchTimeoutError):
        return _indexed_later(tenant, document)
    if isinstance(outcome.error, MetadataError):
        raise InvalidMetadata(outcome.error.misfit)
    if isinstance(outcome.error, PictureBlockedError):
        record_failure(tenant, document, outcome.error)
    if outcome.error is not None:
        raise NotIndexed(outcome.error)
    return _indexed(outcome)


def _indexed(outcome: Outcome) -> Response:
    assert outcome.product is not None
    embedding = outcome.product.embeddings.order_by("image__position").first()
    assert embedding is not None
    body = {
        "status": "indexed",
        "product_id": outcome.product.product_id,
        "vector_id": embedding.vector_id,
        "message": "Product image indexed successfully",
    }
    return Response(body, status=status.HTTP_201_CREATED if outcome.is_new else status.HTTP_200_OK)


def _indexed_later(tenant: Tenant, document: ProductDocument) -> Response:
    require_bulk_room(tenant, [document.product_id])
    job = create_job(tenant, Job.Kind.INDEX, [item_of_document(document)])
    body = {
        "status": "processing",
        "product_id": document.product_id,
        "job_id": job.job_id,
        "message": "The product is indexed in the background.",
    }
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=location_of(job))
