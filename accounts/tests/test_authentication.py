from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import KeyKind, new_key
from accounts.models import ApiKey, Tenant, User
from accounts.tokens import issue_token


@pytest.fixture
def api_key(tenant):
    return ApiKey.objects.create_key(tenant=tenant, name="Server", scopes=["products:read"])


def get_products(**headers):
    return Client().get("/v1/products", headers=headers)


def test_an_api_key_works_as_bearer_and_as_header(api_key):
    _, key = api_key
    assert get_products(authorization=f"Bearer {key}").status_code == 200
    assert get_products(x_api_key=key).status_code == 200
    assert get_products(authorization=f"Bearer {key}", x_api_key=key).status_code == 200


def test_only_the_digest_of_a_key_is_stored(api_key):
    row, key = api_key
    assert key.startswith("sk_")
    assert len(key) == len("sk_") + 40
    assert key not in str(ApiKey.objects.filter(pk=row.pk).values())
    assert row.prefix == key[:10]


def test_two_different_credentials_are_refused(api_key):
    _, key = api_key
    response = get_products(authorization=f"Bearer {key}", x_api_key="sk_other")
    assert (response.status_code, response.json()["error"]) == (400, "conflicting_credentials")


def test_no_credentials_are_asked_for(db):
    response = get_products()
    assert (response.status_code, response.json()["error"]) == (401, "missing_credentials")
    assert response["WWW-Authenticate"] == 'Bearer realm="trooply"'
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", [KeyKind.CLIENT_SECRET, KeyKind.PUBLIC_KEY])
def test_a_secret_of_another_kind_is_told_apart(db, kind):
    response = get_products(authorization=f"Bearer {new_key(kind)}")
    assert (response.status_code, response.json()["error"]) == (401, "wrong_credential_type")
    assert "API key (sk_…)" in response.json()["message"]


@pytest.mark.parametrize("token", ["garbage", "eyJhbGciOiJIUzI1NiJ9.e30.x", "sk_" + "x" * 40])
def test_unknown_credentials_are_refused(db, token):
    response = get_products(authorization=f"Bearer {token}")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_key_is_refused(api_key, field):
    row, key = api_key
    ApiKey.objects.filter(pk=row.pk).update(**{field: timezone.now() - timedelta(seconds=1)})
    assert get_products(authorization=f"Bearer {key}").status_code == 401


def test_a_key_has_its_scopes_and_no_more(api_key):
    _, key = api_key
    response = Client().post(
        "/v1/products/demo", content_type="application/json", headers={"authorization": f"Bearer {key}"}
    )
    assert (response.status_code, response.json()["error"]) == (403, "missing_permission")
    assert response.json()["message"] == "Missing required permission: products:bulk"


def test_the_use_of_a_key_is_remembered_to_the_minute(api_key, django_assert_num_queries):
    row, key = api_key
    get_products(authorization=f"Bearer {key}")
    first = ApiKey.objects.get(pk=row.pk).last_used_at
    assert first is not None
    get_products(authorization=f"Bearer {key}")
    assert ApiKey.objects.get(pk=row.pk).last_used_at == first


def test_a_suspended_tenant_is_shut_out(api_key, tenant):
    _, key = api_key
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.SUSPENDED)
    response = get_products(authorization=f"Bearer {key}")
    assert (response.status_code, response.json()["error"]) == (403, "account_suspended")


def test_a_users_token_ends_with_their_password_or_account(reader):
    token = issue_token(reader.user)
    assert get_products(authorization=f"Bearer {token}").status_code == 200
    reader.user.set_password("another-long-passphrase")
    reader.user.save()
    assert get_products(authorization=f"Bearer {token}").status_code == 401
    token = issue_token(reader.user)
    User.objects.filter(pk=reader.user.pk).update(is_active=False)
    assert get_products(authorization=f"Bearer {token}").status_code == 401


def test_staff_have_no_business_in_the_api(db):
    staff = User.objects.create_superuser("staff@example.com", "a-long-enough-passphrase")
    response = get_products(authorization=f"Bearer {issue_token(staff)}")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_credentials")
