"""Deleting all products, taking them along, and erasing a tenant."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.core.files.storage import default_storage, storages
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.erasure import erase_tenant
from accounts.models import AuditEntry, Tenant
from catalog.export.steps import write_parts
from catalog.models import Encoder, Job, Product, VectorIndex
from catalog.tasks import resume_jobs
from trooply.tasks import prune


@pytest.fixture(autouse=True)
def _private_in_tmp(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "private": settings.STORAGES["private"] | {"OPTIONS": {"location": tmp_path / "private", "base_url": None}}
    }


def export(character):
    response = character.client.post("/v1/account/export")
    assert response.status_code == 202, response.content
    resume_jobs()
    return character.client.get(response.headers["Location"]).json()


def path_of(job):
    return urlsplit(job["result"]["download_url"]).path


def test_all_products_are_deleted_by_a_job(owner, stranger, index):
    index(a=(255, 0, 0), b=(0, 255, 0))
    Product.objects.filter(product_id="b").update(is_demo=True)
    response = owner.client.delete("/v1/products?confirm=DELETE")
    resume_jobs()
    job = owner.client.get(response.headers["Location"]).json()
    assert (response.status_code, job["type"], job["status"]) == (202, "delete", "completed")
    assert (job["total"], job["succeeded"], owner.tenant.products.count()) == (2, 2, 0)
    entry = AuditEntry.objects.get(action="products.all_deleted")
    assert (entry.actor, entry.target, entry.after) == ("owner", job["job_id"], {"products": 2})


def test_what_is_sent_after_delete_all_stays(owner, index):
    index(a=(255, 0, 0), b=(0, 255, 0))
    job_id = owner.client.delete("/v1/products?confirm=DELETE").json()["job_id"]
    owner.client.patch("/v1/products/b", {"metadata": {"price": 4}})
    resume_jobs()
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert [(e["product_id"], e["code"]) for e in job["errors"]] == [("b", "changed_meanwhile")]
    assert owner.tenant.products.get().product_id == "b"


@pytest.mark.parametrize("address", ["/v1/products", "/v1/products?confirm=delete", "/v1/products?confirm="])
def test_nothing_is_deleted_unless_it_is_confirmed(owner, index, address):
    index(a=(255, 0, 0))
    response = owner.client.delete(address)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert "confirm=DELETE" in response.json()["message"]
    assert owner.tenant.products.count() == 1


def test_only_ones_own_products_are_deleted_and_only_with_permission(owner, reader, stranger, index):
    index(a=(255, 0, 0))
    assert reader.client.delete("/v1/products?confirm=DELETE").status_code == 403
    assert stranger.client.delete("/v1/products?confirm=DELETE").json()["total"] == 0
    assert owner.tenant.products.count() == 1


def test_an_export_has_the_profile_and_every_product_without_vectors(owner, index, monkeypatch):
    monkeypatch.setattr("catalog.export.steps.PART", 2)
    index({"price": 5}, a=(255, 0, 0), b=(0, 255, 0), c=(0, 0, 255))
    job = export(owner)
    assert (job["status"], job["total"]) == ("completed", 2)
    response = APIClient().get(path_of(job))
    exported = json.loads(b"".join(response.streaming_content))
    assert response.headers["Content-Disposition"].startswith('attachment; filename="catalogue-')
    assert exported["profile"]["client_id"] == owner.tenant.client_id
    assert [product["product_id"] for product in exported["products"]] == ["a", "b", "c"]
    assert exported["products"][0]["metadata"] == {"name": "a", "price": 5}
    assert not any("vector" in key or "embedding" in key for key in exported["products"][0])
    assert AuditEntry.objects.get(action="account.exported").target == job["job_id"]


def test_an_export_of_nothing_is_still_one(owner):
    job = export(owner)
    exported = json.loads(b"".join(APIClient().get(path_of(job)).streaming_content))
    assert exported["products"] == []


def test_a_link_expires(owner, index, monkeypatch):
    index(a=(255, 0, 0))
    path = path_of(export(owner))
    monkeypatch.setattr("catalog.export.links.LIFETIME", timedelta(seconds=-1))
    response = APIClient().get(path)
    assert (response.status_code, response.json()["error"]) == (410, "link_expired")


def test_the_link_is_for_those_who_may_export(owner, reader, client, index):
    index(a=(255, 0, 0))
    job = export(owner)
    seen = reader.client.get(f"/v1/jobs/{job['job_id']}").json()
    assert (seen["status"], seen["result"]) == ("completed", None)
    client.force_login(reader.user)
    assert "/v1/account/exports/" not in client.get(f"/jobs/{job['job_id']}").content.decode()
    reader.user.user_groups.add(owner.tenant.user_groups.create(name="Settings", permissions=["settings:read"]))
    assert reader.client.get(f"/v1/jobs/{job['job_id']}").json()["result"] == job["result"]
    assert f'href="{job["result"]["download_url"]}"' in client.get(f"/jobs/{job['job_id']}").content.decode()


def test_a_suspended_tenants_link_leads_nowhere(owner, index):
    index(a=(255, 0, 0))
    path = path_of(export(owner))
    Tenant.objects.filter(pk=owner.tenant.pk).update(status="suspended")
    assert APIClient().get(path).status_code == 404


@pytest.mark.parametrize(("hours", "folders"), [(23, 1), (25, 0)])
def test_the_files_of_an_export_go_when_its_link_has_expired(owner, index, hours, folders):
    index(a=(255, 0, 0))
    export(owner)
    Job.objects.filter(kind=Job.Kind.EXPORT).update(finished_at=timezone.now() - timedelta(hours=hours))
    prune()
    assert len(storages["private"].listdir(f"exports/{owner.tenant.pk}")[0]) == folders


def test_a_forged_link_leads_nowhere(owner, index):
    index(a=(255, 0, 0))
    path = path_of(export(owner))
    assert APIClient().get(path[:-1] + ("a" if path[-1] != "a" else "b")).status_code == 404
    assert APIClient().get("/v1/account/exports/abc").status_code == 404


def test_an_export_needs_both_permissions(owner, reader):
    assert reader.client.post("/v1/account/export").status_code == 403
    reader.user.user_groups.add(owner.tenant.user_groups.create(name="Settings", permissions=["settings:read"]))
    assert reader.client.post("/v1/account/export").status_code == 202


def test_a_part_that_is_written_twice_is_there_once(owner, index):
    index(a=(255, 0, 0))
    path = path_of(export(owner))
    job = Job.objects.get(kind=Job.Kind.EXPORT)
    item = job.items.get()
    first = owner.tenant.products.get().pk
    item.document = {"first": first, "last": first}
    write_parts(job, [item])
    assert len(json.loads(b"".join(APIClient().get(path).streaming_content))["products"]) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_of_an_erased_tenant_is_left_but_the_audit_log(owner, stranger, index):
    index(a=(255, 0, 0))
    export(owner)
    owner.client.post("/v1/search/text", {"query": "red"})
    owner.client.patch("/v1/settings", {"multilingual": {"enabled": True, "languages": ["de"]}})
    built = VectorIndex.objects.create(tenant=owner.tenant, encoder=Encoder.objects.get(state="serving"), rows=1)
    dimensions = built.encoder.dimensions
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {built.name} ON catalog_embedding"
            f" USING hnsw ((vector::halfvec({dimensions})) halfvec_cosine_ops) WHERE tenant_id = {owner.tenant.pk}"
        )
    pk = owner.tenant.pk
    erase_tenant(owner.tenant)
    for model in apps.get_models():
        if any(field.name == "tenant" for field in model._meta.get_fields()) and model is not AuditEntry:
            assert not model.objects.filter(tenant=pk).exists(), model
    assert Tenant.objects.get() == stranger.tenant
    assert AuditEntry.objects.filter(tenant_id=pk).count() == 2
    assert not default_storage.exists(f"thumbnails/{pk}")
    assert not storages["private"].exists(f"exports/{pk}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname = %s", [built.name])
        assert cursor.fetchone() == (0,)
