import pytest
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.authorization import required_permission
from accounts.tokens import issue_token


class View(APIView):
    required_permissions = {"GET": "products:read", "POST": "products:write"}

    def get(self, request): ...

    post = put = get


class WriteOnly(APIView):
    required_permissions = {"POST": "products:bulk", "DELETE": "products:delete"}


class Nameless(APIView):
    def get(self, request): ...


@pytest.mark.parametrize(
    ("view", "method", "permission"),
    [
        (View, "GET", "products:read"),
        (View, "HEAD", "products:read"),
        (View, "OPTIONS", "products:read"),
        (View, "POST", "products:write"),
        (View, "PUT", None),
        (WriteOnly, "OPTIONS", "products:bulk"),
        (Nameless, "GET", None),
        (Nameless, "OPTIONS", None),
    ],
)
def test_a_view_names_what_its_methods_need(view, method, permission):
    assert required_permission(view(), method) == permission


@pytest.mark.parametrize(("view", "method"), [(View, "PUT"), (Nameless, "GET"), (Nameless, "OPTIONS")])
def test_a_method_that_a_view_does_not_name_is_closed_even_to_the_owner(tenant, view, method):
    assert status_of(view, method, tenant) == 403


def test_a_method_that_a_view_does_not_have_is_told_as_such(tenant):
    assert status_of(View, "DELETE", tenant) == 405


def test_options_needs_what_the_view_needs(owner, reader):
    for path, status in (("/v1/products", 200), ("/v1/search/text", 403)):
        assert reader.client.options(path).status_code == status
        assert owner.client.options(path).status_code == 200


def status_of(view, method, tenant):
    request = APIRequestFactory().generic(method, "/", headers={"Authorization": f"Bearer {issue_token(tenant)}"})
    return view.as_view()(request).status_code
