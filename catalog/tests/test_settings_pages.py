"""The portal's page of settings."""

import pytest

from accounts.models import AuditEntry
from catalog.tasks import resume_jobs

DRESS = {"name": "Red Summer Dress", "category": "dresses"}


@pytest.fixture
def page(client, admin_user):
    client.force_login(admin_user)
    return client


def text_of(response):
    return " ".join(response.content.decode().split())


def test_languages_are_chosen_and_shown_with_an_example(page, index):
    index(DRESS, a=(255, 0, 0))
    response = page.post("/settings/multilingual", {"enabled": "on", "language": ["de", "pl"]})
    assert (response.status_code, response.url) == (302, "/settings")
    assert "Translating" in text_of(page.get("/settings"))
    resume_jobs()
    text = text_of(page.get("/settings"))
    assert "Up to date" in text
    assert '<dd lang="de"> Rotes Sommerkleid </dd>' in text
    assert '<dd lang="pl"> Czerwona letnia sukienka </dd>' in text
    assert AuditEntry.objects.get(action="settings.multilingual_changed").actor == "alice@example.com"


@pytest.mark.parametrize(
    ("sent", "told"),
    [({"enabled": "on"}, "Choose at least one language"), ({"language": "xx"}, "There is no such language")],
)
def test_what_cannot_be_chosen_is_told(page, sent, told):
    assert told in text_of(page.post("/settings/multilingual", sent, follow=True))


def test_the_export_is_started_followed_and_downloaded(page, index):
    index(DRESS, a=(255, 0, 0))
    assert "Exporting" in text_of(page.post("/settings/export", follow=True))
    resume_jobs()
    text = text_of(page.get("/settings/jobs?part=export"))
    assert "Ready" in text
    assert "/v1/account/exports/job-" in text


def test_the_export_is_for_those_who_may_read_products(page, client, reader, index):
    index(DRESS, a=(255, 0, 0))
    page.post("/settings/export")
    resume_jobs()
    reader.user.user_groups.set([reader.tenant.user_groups.create(name="Settings", permissions=["settings:read"])])
    client.force_login(reader.user)
    for address in ("/settings", "/settings/jobs?part=export"):
        text = text_of(client.get(address))
        assert "/v1/account/exports/" not in text
        assert "Export everything" not in text
        assert "Export again" not in text


def test_everything_is_deleted_when_the_word_is_typed(page, tenant, index):
    index(DRESS, a=(255, 0, 0))
    assert "Nothing is deleted" in text_of(page.post("/settings/delete-products", {"confirm": "delete"}, follow=True))
    assert tenant.products.count() == 1
    assert "1 product is being deleted" in text_of(
        page.post("/settings/delete-products", {"confirm": "DELETE"}, follow=True)
    )
    resume_jobs()
    assert tenant.products.count() == 0
    assert "There is nothing to delete" in text_of(page.get("/settings"))


def test_what_somebody_may_not_do_is_not_offered(client, reader):
    client.force_login(reader.user)
    assert client.get("/settings").status_code == 403
    reader.user.user_groups.add(reader.tenant.user_groups.create(name="Settings", permissions=["settings:read"]))
    text = text_of(client.get("/settings"))
    assert "Danger zone" not in text
    assert ">Save<" not in text
    for address in ("/settings/multilingual", "/settings/delete-products"):
        assert client.post(address, {"confirm": "DELETE"}).status_code == 403


def test_an_unknown_part_leads_to_the_page(page):
    assert page.get("/settings/jobs?part=../settings").url == "/settings"
