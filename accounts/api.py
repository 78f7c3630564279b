"""The OAuth endpoints: a tenant's secret or a user's password for an access token."""

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller_of, require_active
from accounts.keys import KeyKind, digest, key_kind
from accounts.models import Tenant, User
from accounts.parsers import StrictJSONParser
from accounts.tokens import LIFETIME_SECONDS, issue_token

API_KEY_HINT = (
    "This is an API key (sk_…), not a client secret (sk_live_…). An API key needs no token: send it as "
    "`Authorization: Bearer sk_…`. Or use the client secret of your account here."
)


OAUTH_ERROR = inline_serializer(
    "OAuthError",
    {
        "error": serializers.CharField(),
        "error_description": serializers.CharField(),
        "code": serializers.CharField(),
    },
)


class OAuthError(Exception):
    """An error of the token endpoint, in the shape of RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str, *, status: int = 400, code: str = "") -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.code = code or error


class TokenView(APIView):
    """Exchanges client credentials for an access token (RFC 6749 section 4.4)."""

    authentication_classes = []
    permission_classes = []
    parser_classes = [FormParser, StrictJSONParser]

    @extend_schema(
        operation_id="create_token",
        tags=["Authentication"],
        summary="Exchange client credentials for an access token",
        request={
            "application/x-www-form-urlencoded": inline_serializer(
                "TokenRequest",
                {
                    "grant_type": serializers.ChoiceField(["client_credentials"]),
                    "client_id": serializers.CharField(),
                    "client_secret": serializers.CharField(),
                },
            )
        },
        responses={
            200: inline_serializer(
                "Token",
                {
                    "access_token": serializers.CharField(),
                    "token_type": serializers.CharField(),
                    "expires_in": serializers.IntegerField(),
                },
            ),
            (400, "application/json"): OAUTH_ERROR,
            (401, "application/json"): OAUTH_ERROR,
        },
        examples=[
            OpenApiExample(
                "Token",
                {"access_token": "eyJ…", "token_type": "bearer", "expires_in": 3600},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        try:
            tenant = _authenticate_client(request)
        except OAuthError as error:
            return _oauth_error_response(error)
        return Response(_token_fields(issue_token(tenant)), headers={"Cache-Control": "no-store"})


class LoginRequest(serializers.Serializer[dict[str, str]]):
    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False)


class WrongPassword(APIException):
    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "invalid_credentials"
    default_detail = "No account has this email address and password."


class LoginView(APIView):
    """Exchanges a user's email address and password for an access token with the permissions of their groups."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        operation_id="create_login",
        tags=["Authentication"],
        summary="Sign in with email and password",
        request=LoginRequest,
        responses=inline_serializer(
            "Login",
            {
                "access_token": serializers.CharField(),
                "token_type": serializers.CharField(),
                "expires_in": serializers.IntegerField(),
                "client_name": serializers.CharField(),
                "user": inline_serializer(
                    "LoginUser",
                    {
                        "id": serializers.UUIDField(),
                        "email": serializers.EmailField(),
                        "full_name": serializers.CharField(),
                    },
                ),
                "permissions": serializers.ListField(child=serializers.CharField()),
            },
        ),
        examples=[
            OpenApiExample("Login", {"email": "jane@example.com", "password": "secureP@ssw0rd!"}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        body = LoginRequest(data=request.data)
        body.is_valid(raise_exception=True)
        user = authenticate(request, username=body.validated_data["email"], password=body.validated_data["password"])
        if not isinstance(user, User):
            raise WrongPassword
        caller = caller_of(user)
        require_active(caller.tenant)
        fields = _token_fields(issue_token(user)) | {
            "client_name": caller.tenant.name,
            "user": {"id": user.pk, "email": user.email, "full_name": user.full_name},
            "permissions": sorted(caller.permissions),
        }
        return Response(fields, headers={"Cache-Control": "no-store"})


def _authenticate_client(request: Request) -> Tenant:
    if not (request.content_type or "").startswith("application/x-www-form-urlencoded"):
        raise OAuthError(
            "invalid_request",
            "The token endpoint takes a form, not JSON: send Content-Type: application/x-www-form-urlencoded "
            "(RFC 6749 section 3.2).",
        )
    form: Any = request.data
    grant_type = form.get("grant_type")
    if not grant_type:
        raise OAuthError("invalid_request", "The field grant_type is missing; send grant_type=client_credentials.")
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type", "The only grant type here is client_credentials.")
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not client_id or not secret:
        raise OAuthError("invalid_request", "Send both client_id and client_secret.")
    if key_kind(secret) is KeyKind.API_KEY:
        raise OAuthError("invalid_client", API_KEY_HINT, status=401, code="wrong_credential_type")
    tenant = Tenant.objects.filter(client_secret_digest=digest(secret)).first()
    if tenant is None or tenant.client_id != client_id:
        raise OAuthError("invalid_client", "No account has this client_id and client_secret.", status=401)
    require_active(tenant)
    return tenant


def _oauth_error_response(error: OAuthError) -> Response:
    body = {"error": error.error, "error_description": error.description, "code": error.code}
    headers = {"Cache-Control": "no-store"}
    if error.status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="trooply"'
    return Response(body, status=error.status, headers=headers)


def _token_fields(token: str) -> dict[str, object]:
    return {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_SECONDS}
