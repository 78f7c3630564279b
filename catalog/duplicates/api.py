"""`/v1/duplicates`."""

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.api_errors import EmbeddingUnavailable
from catalog.duplicates.examples import GROUP, RESOLVED
from catalog.duplicates.groups import access_group, present_groups, with_products
from catalog.duplicates.resolving import Action, resolve_group
from catalog.duplicates.scan import start_scan
from catalog.duplicates.serializers import DuplicateGroupSerializer, GroupsInput, ResolveInput, ScanInput
from catalog.examples import JOB_STARTED
from catalog.jobs.api import started
from catalog.lists import paginated
from catalog.models import DuplicateGroup
from catalog.serializers import JobStartedSerializer
from catalog.vision.encoder import EncoderError


class DuplicateScanView(APIView):
    """Looks for near-duplicates in the whole catalogue."""

    required_permissions = {"POST": "products:write"}

    @extend_schema(
        operation_id="scan_duplicates",
        tags=["Duplicates"],
        summary="Scan for near-duplicates",
        description="Starts a job that compares the covers of all products with each other; when it has completed, its "
        "`result` tells how many groups there are, and `GET /v1/duplicates` lists them. Variants of one product are no "
        "duplicates. While a scan is under way, the same scan is that job, and one for another threshold is refused.",
        request=ScanInput,
        responses={202: JobStartedSerializer},
        examples=[sent("As usual", {"threshold": 0.95}), answered("Started", JOB_STARTED, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        body = ScanInput(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            job = start_scan(request.auth.tenant, request.auth.actor, threshold=body.validated_data["threshold"])
        except EncoderError as error:
            raise EmbeddingUnavailable from error
        return started(job)


class DuplicateListView(GenericAPIView[DuplicateGroup]):
    """Lists what scans have found."""

    required_permissions = {"GET": "products:read"}
    serializer_class = DuplicateGroupSerializer

    @extend_schema(
        operation_id="list_duplicates",
        tags=["Duplicates"],
        summary="List groups of near-duplicates, the most alike first",
        parameters=[GroupsInput],
        responses=DuplicateGroupSerializer(many=True),
        examples=[answered("Two sneakers", GROUP)],
    )
    def get(self, request: ApiRequest) -> Response:
        wanted = GroupsInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        groups = present_groups(request.auth.tenant).filter(state=wanted.validated_data["state"])
        return paginated(self, with_products(groups), ordering=("-similarity", "-pk"))


class DuplicateResolveView(APIView):
    """Decides about a group."""

    required_permissions = {"POST": "products:write"}

    @extend_schema(
        operation_id="resolve_duplicates",
        tags=["Duplicates"],
        summary="Resolve a group of near-duplicates",
        description="`keep`: all stay, and the group is done with. `ignore`: the same, for those that are no "
        "duplicates at all. `delete_others` deletes all products but `product_id`, which needs `products:delete` too. "
        "`link_as_variant` makes all others variants of `product_id`: it sets `parent_id` in their metadata. What is "
        "resolved is not found again by later scans, and the same request again changes nothing.",
        request=ResolveInput,
        responses=DuplicateGroupSerializer,
        examples=[
            sent("Delete the other one", {"action": "delete_others", "product_id": "shoe-001"}),
            answered("Resolved", RESOLVED),
        ],
    )
    @idempotent
    def post(self, request: ApiRequest, group_id: str) -> Response:
        body = ResolveInput(data=request.data)
        access_group(request.auth.tenant, group_id)
        body.is_valid(raise_exception=True)
        action, product_id = Action(body.validated_data["action"]), body.validated_data["product_id"]
        resolve_group(request.auth, group_id, action, product_id)
        return Response(DuplicateGroupSerializer(access_group(request.auth.tenant, group_id)).data)
