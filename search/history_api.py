"""`/v1/search/history`: past searches, which are also forgotten here, since conversations go with them."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import ApiRequest
from accounts.examples import answered
from analytics import api
from analytics.examples import FORGOTTEN
from analytics.history import ForgetInput
from analytics.serializers import ForgottenSerializer
from search.history import forget_history


class HistoryView(api.HistoryView):
    """Lists past searches, and forgets them."""

    required_permissions = {"GET": "analytics:read", "DELETE": "settings:write"}

    @extend_schema(
        operation_id="forget_searches",
        tags=["Analytics"],
        summary="Delete past searches",
        description="Deletes words, parameters and ids of all searches, or of one session or shopper, and the "
        "conversations of the AI chat in which they were made. The searches are still counted.",
        parameters=[ForgetInput],
        responses={200: ForgottenSerializer},
        examples=[answered("Deleted", FORGOTTEN)],
    )
    def delete(self, request: ApiRequest) -> Response:
        return Response({"deleted": forget_history(request.auth.tenant, api.read_parameters(request, ForgetInput))})
