import pytest
from django.test import Client

from accounts.models import User
from catalog import field_changes
from catalog.models import CustomField
from catalog.tests.test_custom_fields_api import add_products
from conftest import PASSWORD

URL = "/custom-fields"
FORM = {
    "key": "season",
    "display_name": "Saison",
    "type": "enum",
    "enum_values": " SS26 \r\n\r\nAW26",
    "filterable": "true",
    "facet": "true",
}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


def declare(tenant, **fields):
    return CustomField.objects.create(
        tenant=tenant, **{"key": "season", "display_name": "Season", "type": "string"} | fields
    )


def values(field):
    return {name: getattr(field, name) for name in ("display_name", "type", "enum_values", "filterable", "required")}


def test_what_a_form_declares_is_listed_and_can_be_changed(portal, tenant):
    page = portal.get(URL).content.decode()
    assert "No custom fields yet" in page
    assert f'href="{URL}/new"' in page
    assert portal.post(f"{URL}/new", FORM)["Location"] == URL
    field = tenant.custom_fields.get()
    assert (field.key, field.display_name, field.type, field.enum_values) == (
        "season",
        "Saison",
        "enum",
        ["SS26", "AW26"],
    )
    assert (field.filterable, field.facet, field.required) == (True, True, False)
    page = portal.get(URL).content.decode()
    assert "SS26, AW26" in page
    assert f'href="{URL}/season/edit"' in page
    assert portal.get(f"{URL}/season/edit").context["values"]["enum_values"] == "SS26\nAW26"
    changed = {"display_name": "Season", "type": "enum", "enum_values": "SS26\nAW26\nSS27", "required": "true"}
    assert portal.post(f"{URL}/season/edit", changed)["Location"] == URL
    field.refresh_from_db()
    assert values(field) == {
        "display_name": "Season",
        "type": "enum",
        "enum_values": ["SS26", "AW26", "SS27"],
        "filterable": False,
        "required": True,
    }


def test_a_field_is_named_by_its_key_unless_told(portal, tenant):
    portal.post(f"{URL}/new", {"key": "heel_height", "display_name": "", "type": "number"})
    assert tenant.custom_fields.get().display_name == "Heel height"


def test_a_field_that_becomes_a_choice_needs_choices(portal, tenant):
    declare(tenant)
    response = portal.post(f"{URL}/season/edit", {"display_name": "Season", "type": "enum", "enum_values": ""})
    assert response.context["errors"] == {"enum_values": "Name the choices, one a line."}
    assert tenant.custom_fields.get().type == "string"


def test_there_are_not_more_fields_than_that(portal, tenant, monkeypatch):
    monkeypatch.setattr(field_changes, "MAX_FIELDS", 1)
    declare(tenant)
    response = portal.post(f"{URL}/new", FORM | {"key": "other"})
    assert "At most 1 custom fields" in response.context["errors"]["key"]
    assert tenant.custom_fields.count() == 1


def test_choices_that_the_type_hides_are_not_sent(portal, tenant):
    portal.post(f"{URL}/new", FORM | {"type": "string"})
    assert (tenant.custom_fields.get().type, tenant.custom_fields.get().enum_values) == ("string", [])


@pytest.mark.parametrize(
    ("fields", "wrong", "message"),
    [
        ({"key": "Season"}, "key", "does not match"),
        ({"key": "price"}, "key", "price has a meaning of its own here"),
        ({"key": "taken"}, "key", "There is a field with this key already."),
        ({"type": "money"}, "type", "not a valid choice"),
        ({"enum_values": ""}, "enum_values", "Name the choices, one a line."),
        ({"enum_values": "a\n" + "x" * 101}, "enum_values", "Line 2: "),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_is_kept(
    portal, tenant, fields, wrong, message, headers
):
    declare(tenant, key="taken")
    response = portal.post(f"{URL}/new", FORM | fields, headers=headers)
    page = response.content.decode()
    assert response.status_code == 422
    assert list(response.context["errors"]) == [wrong]
    assert message in response.context["errors"][wrong]
    assert f'id="{wrong}-error"' in page
    assert 'value="Saison"' in page
    assert ("<html" in page) == (headers == {})
    assert tenant.custom_fields.count() == 1


def test_htmx_is_sent_to_the_list_when_all_is_well(portal, tenant):
    response = portal.post(f"{URL}/new", FORM, headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (200, URL)
    assert "Saved: Saison." in portal.get(URL).content.decode()


def test_another_type_counts_once_all_values_fit(portal, tenant, django_capture_on_commit_callbacks):
    field = declare(tenant)
    add_products(tenant, 1, 2.5)
    with django_capture_on_commit_callbacks() as waiting:
        portal.post(f"{URL}/season/edit", {"display_name": "Season", "type": "number"})
    page = portal.get(URL).content.decode()
    assert "whether all values fit number: 0 so far" in page
    assert 'hx-trigger="every 2s"' in page
    # Another change meanwhile does not give the check up.
    portal.post(f"{URL}/season/edit", {"display_name": "Saison", "type": "string", "facet": "true"})
    for run in waiting:
        run()
    field.refresh_from_db()
    assert (field.type, field.display_name, field.facet) == ("number", "Saison", True)
    page = portal.get(URL).content.decode()
    assert "to number: 2 values checked, all fit." in " ".join(page.split())
    assert 'hx-trigger="every 2s"' not in page


def test_misfits_are_reported_and_the_type_can_be_forced(portal, tenant, django_capture_on_commit_callbacks):
    field = declare(tenant)
    add_products(tenant, 1, "high", "low")
    with django_capture_on_commit_callbacks(execute=True):
        portal.post(f"{URL}/season/edit", {"display_name": "Season", "type": "number"})
    field.refresh_from_db()
    assert field.type == "string"
    page = " ".join(portal.get(URL).content.decode().split())
    assert "to number: 2 of 3 values do not fit." in page
    assert 'href="/products?q=p1"' in page
    assert 'href="/products?q=p2"' in page
    assert 'href="/products?q=p0"' not in page
    with django_capture_on_commit_callbacks(execute=True):
        assert portal.post(f"{URL}/season/force")["Location"] == URL
    field.refresh_from_db()
    assert field.type == "number"
    assert "to number though 2 of 3 values do not fit" in " ".join(portal.get(URL).content.decode().split())


def test_there_is_nothing_to_force_unless_a_change_was_refused(portal, tenant):
    declare(tenant)
    assert portal.post(f"{URL}/season/force").status_code == 404


def test_a_deleted_field_is_gone_and_products_keep_their_values(portal, tenant):
    declare(tenant)
    add_products(tenant, "SS26")
    assert portal.get(f"{URL}/season/delete").status_code == 405
    assert portal.post(f"{URL}/season/delete")["Location"] == URL
    assert not tenant.custom_fields.exists()
    assert tenant.products.get().metadata == {"season": "SS26"}


def test_a_reader_of_products_sees_nothing_and_changes_nothing(reader, client):
    field = declare(reader.tenant)
    client.force_login(reader.user)
    assert client.get(URL).status_code == 403
    for address in ("new", "season/edit", "season/force", "season/delete"):
        assert client.post(f"{URL}/{address}", FORM).status_code == 403
    field.refresh_from_db()
    assert values(field)["display_name"] == "Season"


def test_who_may_only_read_finds_no_button(tenant, client):
    user = User.objects.create_user("eve@example.com", PASSWORD, tenant=tenant)
    user.user_groups.add(tenant.user_groups.create(name="Lookers", permissions=["custom_fields:read"]))
    client.force_login(user)
    assert f"{URL}/new" not in client.get(URL).content.decode()
    declare(tenant)
    page = client.get(URL).content.decode()
    assert "season" in page
    for address in ("new", "season/edit", "season/delete"):
        assert f"{URL}/{address}" not in page
        assert client.post(f"{URL}/{address}", FORM).status_code == 403


def test_fields_of_another_shop_are_not_there(portal, stranger):
    declare(stranger.tenant)
    for address in ("season/edit", "season/force", "season/delete"):
        assert portal.post(f"{URL}/{address}", FORM).status_code == 404
    assert stranger.tenant.custom_fields.get().display_name == "Season"
    assert "No custom fields yet" in portal.get(URL).content.decode()


def test_a_form_of_another_site_is_refused(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(f"{URL}/new", FORM).status_code == 403
    assert not CustomField.objects.exists()


def test_the_list_holds_no_inline_style_and_costs_few_queries(portal, tenant, django_assert_max_num_queries):
    for number in range(20):
        declare(tenant, key=f"field_{number}")
    portal.get(URL)
    with django_assert_max_num_queries(8):
        page = portal.get(URL).content.decode()
    assert page.count('<th scope="row">') == 20
    assert " style=" not in page
    assert " onclick=" not in page
