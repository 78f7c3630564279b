"""`/v1/products` and `/v1/jobs`."""

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.idempotency import idempotent
from accounts.models import Tenant
from accounts.parsers import StrictJSONParser
from billing.limits import plan_of
from catalog.api_errors import EmbeddingUnavailable, NotIndexed
from catalog.bulk import BulkInput, NDJSONParser, parse_bulk, require_bulk_room
from catalog.custom_fields import InvalidMetadata, MetadataError
from catalog.demo_shop import install_demo, remove_demo
from catalog.documents import ProductDocument, ProductInput, parse_product
from catalog.examples import (
    BULK,
    DEMO,
    INDEXED,
    JOB,
    JOB_ERROR,
    JOB_STARTED,
    JOB_SUMMARY,
    PRODUCT,
    PRODUCT_SENT,
    STATS,
    answered,
    sent,
)
from catalog.fetch import FetchTimeoutError
from catalog.indexing import Outcome, index_products
from catalog.job_report import (
    JobErrorSerializer,
    JobSerializer,
    JobSummarySerializer,
    describe_job,
    failed_items,
    with_progress,
)
from catalog.jobs import access_job, cancel_job, create_job, retry_failed
from catalog.lists import paginated
from catalog.models import Job, JobItem, Product
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

    required_permissions = {"GET": "products:read", "POST": "products:write"}
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
        document = parse_product(request.data)
        return _index(request.auth.tenant, document, in_background=request.query_params.get("async") == "true")


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
        return _index(request.auth.tenant, parse_product(request.data, product_id=product_id))

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


class BulkView(APIView):
    """Indexes many products in the background."""

    required_permissions = {"POST": "products:bulk"}
    parser_classes = [StrictJSONParser, NDJSONParser]

    @extend_schema(
        operation_id="bulk_index_products",
        tags=["Products"],
        summary="Index many products",
        description="Starts a job. A product that cannot be indexed fails alone, and the job says why. As "
        "`application/x-ndjson`, send one product a line.",
        request={"application/json": BulkInput, "application/x-ndjson": ProductInput},
        responses={202: JobStartedSerializer},
        examples=[sent("One product", BULK), answered("Started", JOB_STARTED, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        tenant = request.auth.tenant
        products, callback_url = parse_bulk(request.data, max_products=plan_of(tenant).max_batch_size)
        require_bulk_room(tenant, products)
        job = create_job(tenant, Job.Kind.INDEX, products, callback_url=callback_url)
        return _started(job)


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
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=_location(job))

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


class JobListView(GenericAPIView[Job]):
    """Lists jobs."""

    required_permissions = {"GET": "products:read"}
    serializer_class = JobSummarySerializer

    @extend_schema(
        operation_id="list_jobs",
        tags=["Jobs"],
        summary="List jobs, newest first",
        responses=JobSummarySerializer(many=True),
        examples=[answered("Jobs", JOB_SUMMARY)],
    )
    def get(self, request: ApiRequest) -> Response:
        return paginated(self, with_progress(request.auth.tenant.jobs.all()))


class JobView(APIView):
    """One job and its progress."""

    required_permissions = {"GET": "products:read"}

    @extend_schema(
        operation_id="get_job",
        tags=["Jobs"],
        summary="Get a job and its progress",
        responses=JobSerializer,
        examples=[answered("A finished job", JOB)],
    )
    def get(self, request: ApiRequest, job_id: str) -> Response:
        return Response(describe_job(access_job(request.auth.tenant, job_id)))


class JobErrorsView(GenericAPIView[JobItem]):
    """Every product of a job that failed."""

    required_permissions = {"GET": "products:read"}
    serializer_class = JobErrorSerializer

    @extend_schema(
        operation_id="list_job_errors",
        tags=["Jobs"],
        summary="List the products of a job that failed",
        responses=JobErrorSerializer(many=True),
        examples=[answered("Errors", JOB_ERROR)],
    )
    def get(self, request: ApiRequest, job_id: str) -> Response:
        return paginated(self, failed_items(access_job(request.auth.tenant, job_id)), ordering=("index",))


class JobCancelView(APIView):
    """Stops a job."""

    required_permissions = {"POST": "products:bulk"}

    @extend_schema(
        operation_id="cancel_job",
        tags=["Jobs"],
        summary="Cancel a job",
        description="Products that wait are cancelled; the few that are being indexed still finish.",
        request=None,
        responses=JobSerializer,
        examples=[answered("A job", JOB)],
    )
    @idempotent
    def post(self, request: ApiRequest, job_id: str) -> Response:
        job = access_job(request.auth.tenant, job_id)
        cancel_job(job)
        return Response(describe_job(job))


class JobRetryView(APIView):
    """Repeats the failed part of a job."""

    required_permissions = {"POST": "products:bulk"}

    @extend_schema(
        operation_id="retry_failed_products",
        tags=["Jobs"],
        summary="Index the failed products of a job again",
        request=None,
        responses={202: JobSerializer},
        examples=[answered("A job", JOB, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest, job_id: str) -> Response:
        job = access_job(request.auth.tenant, job_id)
        retry_failed(job)
        return Response(describe_job(job), status=status.HTTP_202_ACCEPTED, headers=_location(job))


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
    require_bulk_room(tenant, [document])
    job = create_job(tenant, Job.Kind.INDEX, [document])
    body = {
        "status": "processing",
        "product_id": document.product_id,
        "job_id": job.job_id,
        "message": "The product is indexed in the background.",
    }
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=_location(job))


def _started(job: Job) -> Response:
    body = {"job_id": job.job_id, "status": "processing", "total": job.total}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=_location(job))


def _location(job: Job) -> dict[str, str]:
    return {"Location": reverse("job", args=[job.job_id])}
