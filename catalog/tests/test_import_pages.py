import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry
from catalog.models import Job, Product
from conftest import picture

HTMX = {"HTTP_HX_REQUEST": "true"}
HEADER = "id,title,image,price\n"


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


@pytest.fixture
def shop(tenant):
    """Four products as rows alone, p0 to p3."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    for n in range(4):
        Product.objects.create(
            tenant=tenant,
            product_id=f"p{n}",
            image_urls=[f"https://shop.example/p{n}.jpg"],
            metadata={"name": f"P{n}"},
            status="indexed",
            indexed_at=an_hour_ago,
        )
    return tenant


def upload(client, step, text, **fields):
    file = SimpleUploadedFile("spring.csv", text.encode(), content_type="text/csv")
    return client.post(f"/import/{step}", {"file": file, **fields}, **HTMX)


def lines(*numbers):
    return "".join(f"p{n},P{n},https://shop.example/p{n}.jpg,\n" for n in numbers)


def test_a_preview_shows_products_with_their_pictures_and_what_is_wrong(portal, pictures):
    shown = pictures.serve("/a.jpg", picture())
    gone = pictures.serve("/gone.jpg", b"", status=404)
    response = upload(
        portal, "preview", HEADER + f"a,Red Dress,{shown},9.5\nb,Cap,{gone},\nc,No picture,,\n,Lost,{shown},1\n"
    )
    page = response.content.decode()
    assert response.status_code == 200
    assert response.templates[0].name == "catalog/import_preview.html"
    assert page.count("data:image/webp;base64,") == 1
    assert "Red Dress" in page
    assert "answered with HTTP status 404" in page
    assert [error["line"] for error in response.context["errors"]] == [4, 5]
    assert "Import 2 products" in page
    assert not Job.objects.exists()


def test_a_preview_tells_of_repeated_lines(portal):
    page = upload(portal, "preview", HEADER + lines(1, 2, 1)).content.decode()
    assert "1 repeated line left out" in page
    assert "p1 also stands in line 4; the last one counts." in page
    assert "Import 2 products" in page


def test_what_is_no_feed_is_told_beside_the_form(portal):
    response = upload(portal, "preview", "words\n")
    assert response.status_code == 422
    assert "Expected a table whose first line names its columns" in response.content.decode()
    assert portal.post("/import/preview", {}, **HTMX).status_code == 422


def test_starting_an_import_leads_to_its_job(portal, tenant):
    response = upload(portal, "start", HEADER + lines(1))
    job = Job.objects.get()
    assert response["HX-Redirect"] == f"/jobs/{job.job_id}"
    assert (job.tenant, job.kind, job.source, job.total) == (tenant, "index", "spring.csv", 1)
    assert AuditEntry.objects.get().actor == "alice@example.com"


def test_a_removal_within_bounds_needs_only_that_it_was_seen(portal, shop, settings):
    for n in range(4, 8):
        Product.objects.create(
            tenant=shop, product_id=f"p{n}", image_urls=[f"https://shop.example/p{n}.jpg"], metadata={"name": f"P{n}"}
        )
    text = HEADER + lines(*range(7))
    page = upload(portal, "preview", text, mode="sync").content.decode()
    assert "Update the catalogue and remove 1" in page
    assert 'name="confirm"' not in page
    assert upload(portal, "start", text, mode="sync").status_code == 422
    assert upload(portal, "start", text, mode="sync", removals="1").status_code == 200
    assert Job.objects.get().kind == "sync"


@pytest.mark.parametrize("typed", ["", "2", "yes"])
def test_a_large_removal_must_be_typed(portal, shop, typed):
    text = HEADER + lines(0)
    page = upload(portal, "preview", text, mode="sync").content.decode()
    assert "3 of 4 products would be removed" in page
    assert "demo product" not in page
    refused = upload(portal, "start", text, mode="sync", removals="3", confirm=typed)
    assert refused.status_code == 422
    assert "this is not the number of products" in refused.content.decode()
    assert not Job.objects.exists()
    assert upload(portal, "start", text, mode="sync", removals="3", confirm=" 3 ")["HX-Redirect"]


def test_a_sync_says_that_demo_products_stay(portal, shop):
    for name in ("demo-1", "demo-2"):
        Product.objects.create(tenant=shop, product_id=name, image_urls=["u"], status="indexed", is_demo=True)
    page = upload(portal, "preview", HEADER + lines(0), mode="sync").content.decode()
    assert "of 4 in your catalogue; 2 demo products stay<" in page


def test_what_was_agreed_to_is_what_was_shown(portal, shop):
    text = HEADER + lines(0)
    Product.objects.create(tenant=shop, product_id="late", image_urls=["u"], status="indexed")
    refused = upload(portal, "start", text, mode="sync", removals="3", confirm="3")
    assert refused.status_code == 422
    assert refused.context["found"]["removed"] == 4
    assert not Job.objects.exists()


def test_who_may_not_delete_can_only_add(portal, shop, admin_user):
    admin_user.user_groups.update(permissions=["products:bulk"])
    page = portal.get("/import").content.decode()
    assert "You need the right to delete products for it." in page
    response = upload(portal, "preview", HEADER + lines(0), mode="sync")
    assert response.context["is_sync"] is False


def test_it_requires_the_right_to_import(reader, client):
    client.force_login(reader.user)
    for path in ("/import", "/import/example.csv"):
        assert client.get(path).status_code == 403
    assert upload(client, "start", HEADER + lines(1)).status_code == 403


def test_the_example_can_be_imported(portal):
    text = portal.get("/import/example.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == ["shoe-001", "bag-002"]
    found = upload(portal, "preview", text).context["found"]
    assert (found["products"], found["invalid"]) == (2, 0)
    assert found["sample"][0]["metadata"]["price"] == 89.99


def test_without_scripts_the_page_comes_back_whole(portal):
    file = SimpleUploadedFile("spring.csv", (HEADER + lines(1)).encode())
    page = portal.post("/import/preview", {"file": file}).content.decode()
    assert "<h1>Import</h1>" in page
    assert "Import 1 product" in page
