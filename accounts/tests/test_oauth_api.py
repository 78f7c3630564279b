import jwt
import pytest
from django.test import Client

from accounts.keys import KeyKind, new_key
from accounts.models import Tenant
from conftest import PASSWORD

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def secret(tenant) -> str:
    return tenant.replace_client_secret()


def token_request(**fields):
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return Client().post("/oauth/token", body, content_type=FORM)


def test_client_credentials_give_a_token_of_an_hour(tenant, secret):
    response = token_request(grant_type="client_credentials", client_id=tenant.client_id, client_secret=secret)
    body = response.json()
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3600
    assert response["Cache-Control"] == "no-store"


def test_the_token_opens_the_api(tenant, secret):
    body = token_request(grant_type="client_credentials", client_id=tenant.client_id, client_secret=secret).json()
    response = Client().get("/v1/products", headers={"authorization": f"Bearer {body['access_token']}"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "invalid_request"),
        (
            {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "sk_live_wrong"},
            401,
            "invalid_client",
        ),
    ],
)
def test_errors_have_the_shape_of_rfc_6749(db, fields, status, error):
    response = token_request(**fields)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


def test_json_is_refused_with_the_content_type_to_send(tenant, secret):
    body = {"grant_type": "client_credentials", "client_id": tenant.client_id, "client_secret": secret}
    response = Client().post("/oauth/token", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert FORM in response.json()["error_description"]


def test_an_api_key_as_client_secret_is_told_apart(tenant):
    response = token_request(
        grant_type="client_credentials", client_id=tenant.client_id, client_secret=new_key(KeyKind.API_KEY)
    )
    body = response.json()
    assert (response.status_code, body["error"], body["code"]) == (
        401,
        "invalid_client",
        "wrong_credential_type",
    )
    assert "Authorization: Bearer sk_" in body["error_description"]


def test_a_new_secret_ends_the_tokens_of_the_old_one(tenant, secret):
    token = token_request(grant_type="client_credentials", client_id=tenant.client_id, client_secret=secret).json()[
        "access_token"
    ]
    tenant.replace_client_secret()
    response = Client().get("/v1/products", headers={"authorization": f"Bearer {token}"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_credentials")


def test_login_tells_the_shop_the_user_and_their_permissions(reader):
    response = Client().post(
        "/oauth/login", {"email": "BOB@example.com", "password": PASSWORD}, content_type="application/json"
    )
    body = response.json()
    assert response.status_code == 200
    assert body["client_name"] == "Alice's shop"
    assert body["user"] == {"id": str(reader.user.pk), "email": "bob@example.com", "full_name": "Bob"}
    assert body["permissions"] == ["products:read"]


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com"])
def test_login_does_not_tell_whether_an_account_exists(reader, email):
    response = Client().post(
        "/oauth/login", {"email": email, "password": "wrong-password"}, content_type="application/json"
    )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_credentials")
    assert response.json()["message"] == "No account has this email address and password."


def test_a_suspended_tenant_gets_no_token(tenant, secret):
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.SUSPENDED)
    response = token_request(grant_type="client_credentials", client_id=tenant.client_id, client_secret=secret)
    assert (response.status_code, response.json()["error"]) == (403, "account_suspended")
