import pytest
from django.test import Client

from accounts.models import Tenant, User
from conftest import picture

CARE = ("/import", "/jobs", "/quality", "/duplicates", "/attributes", "/moderation", "/webhooks", "/settings")
PAGES = ("/", "/products", "/search", "/history", "/search-settings", "/custom-fields", *CARE)


@pytest.mark.parametrize("path", PAGES)
def test_whoever_is_not_signed_in_is_sent_to_sign_in(db, path):
    response = Client().get(path)
    assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={path}")


def test_a_page_needs_its_permission(reader, client):
    client.force_login(reader.user)
    assert client.get("/products").status_code == 200
    response = client.get("/search")
    assert response.status_code == 403
    assert "text/html" in response["Content-Type"]


@pytest.mark.parametrize("path", ["/search-settings", "/custom-fields"])
def test_who_may_not_see_a_page_does_not_find_it_in_the_navigation(reader, admin_user, client, path):
    client.force_login(admin_user)
    assert client.get(path).status_code == 200
    assert f'href="{path}"' in client.get("/products").content.decode()
    client.force_login(reader.user)
    assert client.get(path).status_code == 403
    assert f'href="{path}"' not in client.get("/products").content.decode()


@pytest.mark.parametrize(("path", "permission"), [("delete", "products:delete"), ("reindex", "products:write")])
def test_a_reader_changes_nothing(reader, client, index, path, permission):
    index(a=(255, 0, 0))
    client.force_login(reader.user)
    assert client.post(f"/products/{path}", {"product_id": "a"}).status_code == 403
    assert reader.tenant.products.count() == 1


def test_products_of_another_shop_cannot_be_ticked(admin_user, stranger, client, pictures):
    url = pictures.serve("/a.jpg", picture())
    stranger.client.post("/v1/products", {"product_id": "a", "image_url": url})
    client.force_login(admin_user)
    client.post("/products/delete", {"product_id": "a"})
    assert stranger.tenant.products.count() == 1


def test_staff_are_sent_to_the_admin(db, client):
    client.force_login(User.objects.create_superuser("staff@example.com", "a-long-enough-passphrase"))
    assert client.get("/")["Location"] == "/admin/"


def test_the_people_of_a_suspended_shop_are_told(admin_user, client):
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    client.force_login(admin_user)
    assert client.get("/").status_code == 403


def test_reindexing_fetches_the_picture_again(
    admin_user, owner, index, client, pictures, django_capture_on_commit_callbacks
):
    index(a=(255, 0, 0))
    before = pictures.requests["/a.jpg"]
    client.force_login(admin_user)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/products/reindex?status=indexed", {"product_id": "a"})
    assert response["Location"] == "/products?status=indexed"
    assert pictures.requests["/a.jpg"] == before + 1


@pytest.mark.parametrize("query", ["status=lost", "sort=fancy"])
def test_filters_that_do_not_exist_are_told(admin_user, client, query):
    client.force_login(admin_user)
    response = client.get(f"/products?{query}", follow=True)
    assert response.redirect_chain == [("/products", 302)]
    assert "There are no such filters" in response.content.decode()


def test_a_wrong_filter_of_a_search_is_named(admin_user, client):
    client.force_login(admin_user)
    response = client.get("/search?query=red&price_min=cheap")
    assert "price_min: A valid number is required." in response.content.decode()


@pytest.mark.parametrize(("path", "queries"), [("/", 17), ("/products", 14), ("/search", 8), ("/search?query=red", 10)])
def test_pages_cost_few_queries(admin_user, owner, index, client, path, queries, django_assert_max_num_queries):
    index(a=(255, 0, 0), b=(0, 255, 0), c=(0, 0, 255))
    client.force_login(admin_user)
    client.get(path)
    with django_assert_max_num_queries(queries):
        client.get(path)
