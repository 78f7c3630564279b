import pytest
from django.test import Client

from accounts.models import User
from conftest import PASSWORD
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet

RULE = {"rule_type": "pin", "product_ids": "a\r\nb\r\n", "scope_type": "always", "priority": "10", "active": "true"}
BANNER = {
    "title": "Summer sale",
    "background_color": "#aabbcc",
    "foreground_color": "#000000",
    "position": "top",
    "scope_type": "always",
    "priority": "10",
}
SYNONYMS = {"synonym_type": "two_way", "words": "sofa\r\ncouch"}
KINDS = pytest.mark.parametrize(
    ("prefix", "listed_at", "model", "form"),
    [
        ("/merchandising/rules", "/merchandising", MerchandisingRule, RULE),
        ("/merchandising/synonyms", "/merchandising", SynonymSet, SYNONYMS),
        ("/promos", "/promos", PromoBanner, BANNER),
    ],
)


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


@KINDS
def test_what_a_form_adds_is_listed_and_can_be_changed(portal, tenant, prefix, listed_at, model, form):
    assert portal.get(f"{prefix}/new").status_code == 200
    assert portal.post(f"{prefix}/new", form)["Location"] == listed_at
    row = model.objects.get(tenant=tenant)
    page = portal.get(listed_at).content.decode()
    assert f'href="{prefix}/{row.pk}"' in page
    assert "Summer sale" in page or prefix != "/promos"
    assert portal.get(f"{prefix}/{row.pk}").status_code == 200
    assert portal.post(f"{prefix}/{row.pk}", form | {"active": "true"})["Location"] == listed_at
    row.refresh_from_db()
    tenant.refresh_from_db()
    assert (row.active, tenant.revision) == (True, 2)


def test_a_rule_is_saved_as_its_form_says_and_shows_so_again(portal, tenant):
    form = {
        "rule_type": "boost",
        "product_ids": " a \n\nb, c\n",
        "boost_multiplier": "1.5",
        "scope_type": "query_exact",
        "scope_value": "red dress",
        "start_at": "2026-11-21T10:30",
        "end_at": "",
        "priority": "7",
        "description": "Red <first>",
    }
    portal.post("/merchandising/rules/new", form)
    rule = MerchandisingRule.objects.get()
    assert (rule.product_ids, rule.boost_multiplier, rule.active) == (["a", "b, c"], 1.5, False)
    assert (rule.start_at.isoformat(), rule.end_at) == ("2026-11-21T10:30:00+00:00", None)
    shown = portal.get(f"/merchandising/rules/{rule.pk}").context["values"]
    assert shown == form | {"product_ids": "a\nb, c", "boost_multiplier": 1.5, "priority": 7} | {
        "active": False,
        "ignore_filters": False,
    }
    page = portal.get("/merchandising").content.decode()
    assert "Score \u00d7 1.5" in page
    assert "Red &lt;first&gt;" in page


@pytest.mark.parametrize(
    ("path", "form", "field", "message"),
    [
        ("/merchandising/rules/new", RULE | {"product_ids": ""}, "product_ids", "at least 1"),
        ("/merchandising/rules/new", RULE | {"rule_type": "boost"}, "boost_multiplier", "A boost needs a multiplier"),
        ("/merchandising/rules/new", RULE | {"product_ids": "a\n" + "x" * 256}, "product_ids", "Line 2: "),
        ("/merchandising/synonyms/new", SYNONYMS | {"words": "sofa"}, "words", "Two words at least"),
        ("/promos/new", BANNER | {"cta_text": "Go", "cta_url": "javascript:x"}, "cta_url", "Send a web address"),
    ],
)
def test_what_is_wrong_with_a_form_is_told_beside_its_field(portal, path, form, field, message):
    response = portal.post(path, form)
    assert response.status_code == 422
    assert list(response.context["errors"]) == [field]
    assert message in response.context["errors"][field]
    assert f'id="{field}-error"' in response.content.decode()
    assert not MerchandisingRule.objects.exists()


def test_products_are_shown_with_their_pictures(portal, index):
    index(a=(255, 0, 0))
    portal.post("/merchandising/rules/new", RULE)
    response = portal.get("/merchandising")
    picture = 'src="/media/thumbnails/'
    assert response.content.decode().count(picture) == 1
    assert "Not among your products now: b." in response.content.decode()
    assert portal.post("/merchandising/products", {"product_ids": "a\nb"}).content.decode().count(picture) == 1


@KINDS
def test_a_switch_pauses_and_htmx_gets_the_row_alone(portal, tenant, prefix, listed_at, model, form):
    portal.post(f"{prefix}/new", form | {"active": "true"})
    row = model.objects.get(tenant=tenant)
    assert portal.post(f"{prefix}/{row.pk}/switch")["Location"] == listed_at
    row.refresh_from_db()
    assert row.active is False
    fragment = portal.post(f"{prefix}/{row.pk}/switch", headers={"HX-Request": "true"}).content.decode().strip()
    row.refresh_from_db()
    assert row.active is True
    assert fragment.startswith("<tr")
    assert 'aria-checked="true"' in fragment


@KINDS
def test_what_is_deleted_is_gone(portal, tenant, prefix, listed_at, model, form):
    portal.post(f"{prefix}/new", form)
    row = model.objects.get(tenant=tenant)
    assert portal.get(f"{prefix}/{row.pk}/delete").status_code == 405
    assert portal.post(f"{prefix}/{row.pk}/delete")["Location"] == listed_at
    assert not model.objects.exists()


@KINDS
def test_a_reader_sees_nothing_and_changes_nothing(reader, owner, client, prefix, listed_at, model, form):
    api = {"/merchandising/rules": "/v1/merchandising/rules", "/promos": "/v1/promo-banners"}
    path = api.get(prefix, "/v1/merchandising/synonyms")
    body = form | {name: form[name].split() for name in ("product_ids", "words") if name in form}
    pk = owner.client.post(path, body).json()["id"]
    client.force_login(reader.user)
    assert client.get(listed_at).status_code == 403
    for address in (f"{prefix}/new", f"{prefix}/{pk}", f"{prefix}/{pk}/switch", f"{prefix}/{pk}/delete"):
        assert client.post(address, form).status_code == 403
    assert model.objects.count() == 1
    assert "Merchandising" not in client.get("/products").content.decode()


@KINDS
def test_who_may_only_read_finds_no_button(tenant, client, prefix, listed_at, model, form):
    user = User.objects.create_user("eve@example.com", PASSWORD, tenant=tenant)
    group = tenant.user_groups.create(name="Lookers", permissions=["merchandising:read", "banners:read"])
    user.user_groups.add(group)
    fields = form | {name: form[name].split() for name in ("product_ids", "words") if name in form}
    row = model.objects.create(tenant=tenant, **fields | {"active": True})
    client.force_login(user)
    page = client.get(listed_at).content.decode()
    assert "Active" in page
    assert f"{prefix}/new" not in page
    assert str(row.pk) not in page


@KINDS
def test_rows_of_another_shop_are_not_there(portal, stranger, prefix, listed_at, model, form):
    fields = form | {name: form[name].split() for name in ("product_ids", "words") if name in form}
    row = model.objects.create(tenant=stranger.tenant, **fields | {"active": True})
    for address in (f"{prefix}/{row.pk}", f"{prefix}/{row.pk}/switch", f"{prefix}/{row.pk}/delete"):
        assert portal.post(address, form).status_code == 404
    row.refresh_from_db()
    assert row.active is True
    assert str(row.pk) not in portal.get(listed_at).content.decode()


@KINDS
def test_a_form_of_another_site_is_refused(admin_user, prefix, listed_at, model, form):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(f"{prefix}/new", form).status_code == 403
    assert not model.objects.exists()


def test_pages_hold_no_inline_style_or_script(portal):
    portal.post("/promos/new", BANNER)
    portal.post("/merchandising/rules/new", RULE)
    for path in ("/promos", "/promos/new", "/merchandising", "/merchandising/rules/new", "/merchandising/synonyms/new"):
        page = portal.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page


@pytest.mark.parametrize("path", ["/merchandising", "/promos"])
def test_lists_cost_few_queries_however_long(portal, tenant, path, django_assert_max_num_queries):
    for number in range(20):
        MerchandisingRule.objects.create(tenant=tenant, rule_type="pin", product_ids=[f"p{number}"])
        PromoBanner.objects.create(tenant=tenant, title=f"Banner {number}")
    portal.get(path)
    with django_assert_max_num_queries(9):
        assert portal.get(path).status_code == 200
