"""The admin for staff: every page answers, every action does what it says, and nobody else gets in."""

from base64 import b32encode
from dataclasses import asdict

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.keys import digest
from accounts.models import (
    ApiKey,
    AuditEntry,
    CallbackSecret,
    IdempotentRequest,
    Tenant,
    User,
    UserGroup,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from analytics.models import SearchEvent
from billing.models import Plan, Subscription
from catalog.models import (
    CatalogSettings,
    Job,
    JobItem,
    ModerationFloor,
    Product,
    ProductImage,
    RelevanceCalibration,
    VectorIndex,
)
from conftest import PASSWORD, create_tenant
from search.configuration.config import config_of
from search.models import Experiment, SearchConfig
from search.ranking import Weights
from trooply.tests.admin_rows import (
    act,
    create_experiment,
    create_job,
    create_product,
    create_rows,
    logged,
    messages_of,
    signed_in,
    url,
)

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
ADDABLE = [Tenant, UserGroup, User, Plan, Subscription, TOTPDevice, StaticDevice, ModerationFloor]


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.STAFF_REQUIRE_2FA = False
    # Each of these tests needs users, and to hash a password well takes longer than the rest of most of them.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def staff(db):
    return User.objects.create_superuser("staff@example.com", PASSWORD)


@pytest.fixture
def desk(staff):
    """The browser of a superuser who is signed in."""
    return signed_in(staff)


@pytest.fixture
def rows(tenant, staff):
    """One row of every model, by model."""
    return create_rows(tenant, staff, 1)


# --- Pages --------------------------------------------------------------------------------------------------


def test_every_model_of_ours_is_registered(rows):
    assert set(rows) == set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_answers(desk, rows, model):
    response = desk.get(url(model, "changelist"))
    assert response.status_code == 200
    assert rows[model] in response.context["cl"].queryset


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_can_be_searched(desk, rows, model):
    assert desk.get(url(model, "changelist"), {"q": "shoe"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_row_has_a_page(desk, rows, model):
    assert desk.get(url(model, "change", rows[model].pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_only_what_staff_may_create_has_a_page_to_add_it(desk, model):
    assert desk.get(url(model, "add")).status_code == (200 if model in ADDABLE else 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_longer_list_costs_no_more_queries(desk, rows, tenant, staff, model):
    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            desk.get(url(model, "changelist"))
        return len(queries)

    first = count()
    for number in range(2, 12):
        create_rows(tenant, staff, number)
    assert count() == first


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_tenants_user_is_sent_to_the_staffs_sign_in(admin_user, model):
    response = signed_in(admin_user).get(url(model, "changelist"))
    assert response.status_code == 302
    assert response.url == f"/admin/login/?next={url(model, 'changelist')}"


def test_a_tenants_page_links_to_all_that_belongs_to_it(desk, tenant):
    page = desk.get(url(Tenant, "change", tenant.pk)).content.decode()
    for model in (User, UserGroup, ApiKey, Product, Job, SearchEvent, CatalogSettings):
        link = f"{url(model, 'changelist')}?tenant__id__exact={tenant.pk}"
        assert f'href="{link}"' in page
        assert desk.get(link).status_code == 200
    assert f'href="{url(AuditEntry, "changelist")}?tenant_id={tenant.pk}"' in page


def test_the_front_page_counts_tenants_products_jobs_and_searches(desk, rows, tenant):
    Tenant.objects.exclude(pk=tenant.pk).update(status=Tenant.Status.SUSPENDED)
    create_product(tenant, "broken")
    Product.objects.filter(product_id="broken").update(status=Product.Status.FAILED)
    create_job(tenant, finished=False)
    figures = desk.get("/admin/").context["figures"]
    assert {figure.label: figure.value for figure in figures} == {
        "Active tenants": 1,
        "Products": 3,
        "Failed products": 1,
        "Jobs at work": 1,
        "Searches in 24 hours": 1,
    }
    for figure in figures:
        assert len(desk.get(figure.url).context["cl"].queryset) == figure.value


def test_no_page_shows_a_secret_or_its_digest(desk, rows, tenant):
    user, device, codes = rows[User], rows[TOTPDevice], rows[StaticDevice]
    CallbackSecret.objects.create(tenant=tenant, secret="a-secret-of-callbacks")
    secrets = [
        tenant.client_secret_digest,
        "a-secret-of-callbacks",
        rows[WebhookEndpoint].secret,
        rows[ApiKey].digest,
        rows[IdempotentRequest].body["key"],
        user.password.split("$")[-1],
        device.key,
        b32encode(device.bin_key).decode(),
        codes.token_set.get().token,
    ]
    of_webhooks = (rows[WebhookEndpoint], rows[WebhookEvent], rows[WebhookDelivery])
    for row in (tenant, rows[ApiKey], rows[IdempotentRequest], user, device, codes, *of_webhooks):
        for page in (url(type(row), "changelist"), url(type(row), "change", row.pk)):
            html = desk.get(page).content.decode()
            assert [secret for secret in secrets if secret in html] == []


def test_the_admins_looser_policy_ends_at_the_admin(desk):
    header, looser = "Content-Security-Policy", "script-src 'self' 'unsafe-eval'"
    assert looser in desk.get("/admin/")[header]
    assert looser in Client().get("/admin/login/")[header]
    assert "'unsafe-eval'" not in Client().get("/sign-in")[header]


# --- Tenants, users, keys, plans ----------------------------------------------------------------------------


def test_a_new_tenant_gets_its_groups_and_its_secret_is_shown_once(desk):
    form = {"name": "Dora's shop", "subscription-TOTAL_FORMS": 1, "subscription-INITIAL_FORMS": 0}
    form["subscription-0-plan"] = Plan.objects.get(name="premium").pk
    response = desk.post(url(Tenant, "add"), form)
    tenant = Tenant.objects.get(name="Dora's shop")
    secret = dict(response.context["secrets"])["Client secret"]
    assert digest(secret) == tenant.client_secret_digest
    assert secret in response.content.decode()
    assert sorted(tenant.user_groups.values_list("name", flat=True)) == ["Admin", "Developer"]
    assert tenant.subscription.plan.name == "premium"


def test_suspending_and_reactivating_name_only_the_tenants_that_changed(desk, tenant):
    suspended = create_tenant("Gone")
    Tenant.objects.filter(pk=suspended.pk).update(status=Tenant.Status.SUSPENDED)
    response = act(desk, "suspend", tenant, suspended)
    tenant.refresh_from_db()
    assert tenant.status == Tenant.Status.SUSPENDED
    assert messages_of(response) == ["Suspended: Alice's shop."]
    response = act(desk, "reactivate", tenant)
    tenant.refresh_from_db()
    assert tenant.status == Tenant.Status.ACTIVE
    assert logged() == [("Alice's shop", "Suspended"), ("Alice's shop", "Reactivated")]


def test_an_action_with_consequences_asks_first(desk, tenant):
    page = act(desk, "suspend", tenant, confirmed=False)
    tenant.refresh_from_db()
    assert tenant.status == Tenant.Status.ACTIVE
    assert "refused at once" in page.content.decode()
    assert ("_selected_action", str(tenant.pk)) in page.context["posted"]


def test_a_new_client_secret_is_shown_once_and_replaces_the_old_one(desk, tenant):
    old = tenant.client_secret_digest
    response = act(desk, "replace_client_secret", tenant)
    tenant.refresh_from_db()
    assert tenant.client_secret_digest != old
    assert tenant.client_secret_digest == digest(dict(response.context["secrets"])["Client secret"])
    assert logged() == [("Alice's shop", "Replaced the client secret")]


def test_client_secrets_are_replaced_one_at_a_time(desk, tenant):
    response = act(desk, "replace_client_secret", tenant, create_tenant("Other"))
    assert messages_of(response) == ["Select one tenant: each new secret is shown once, on a page of its own."]
    assert Tenant.objects.get(pk=tenant.pk).client_secret_digest == tenant.client_secret_digest


def test_a_user_is_created_with_email_and_password(desk, tenant):
    form = {"email": "dora@example.com", "tenant": tenant.pk, "full_name": "Dora", "usable_password": "true"}
    desk.post(url(User, "add"), form | {"password1": PASSWORD, "password2": PASSWORD})
    user = User.objects.get(email="dora@example.com")
    assert (user.tenant, user.full_name, user.check_password(PASSWORD)) == (tenant, "Dora", True)


def test_an_email_address_is_taken_in_any_case(desk, admin_user):
    form = {"email": admin_user.email.upper(), "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert desk.post(url(User, "add"), form).status_code == 200
    assert User.objects.filter(email__lower=admin_user.email).count() == 1


def test_a_user_joins_groups_of_their_own_tenant_only(desk, admin_user, tenant, stranger):
    own, foreign = tenant.user_groups.get(name="Developer"), stranger.tenant.user_groups.get(name="Developer")
    page, form = url(User, "change", admin_user.pk), {"email": admin_user.email, "is_active": "on"}
    response = desk.post(page, form | {"user_groups": [foreign.pk]})
    assert list(response.context["errors"]) != []
    assert desk.post(page, form | {"user_groups": [own.pk]}).status_code == 302
    assert list(admin_user.user_groups.all()) == [own]


def test_a_tenants_user_cannot_become_staff(desk, admin_user):
    form = {"email": admin_user.email, "is_active": "on", "is_staff": "on"}
    desk.post(url(User, "change", admin_user.pk), form)
    admin_user.refresh_from_db()
    assert admin_user.is_staff is False


def test_a_password_can_be_set_and_is_not_shown(desk, admin_user):
    page = reverse("admin:auth_user_password_change", args=[admin_user.pk])
    form = {
        "password1": "another-long-passphrase",
        "password2": "another-long-passphrase",
        "usable_password": "true",
    }
    assert desk.get(page).status_code == 200
    desk.post(page, form | {"set-password": ""})
    admin_user.refresh_from_db()
    assert admin_user.check_password("another-long-passphrase")


def test_only_a_superuser_touches_the_accounts_and_devices_of_staff(staff, admin_user):
    support = User.objects.create_user("support@example.com", PASSWORD, is_staff=True)
    support.user_permissions.set(Permission.objects.all())
    device = TOTPDevice.objects.create(user=staff, name="phone")
    client = signed_in(support)
    assert client.get(url(User, "change", admin_user.pk)).status_code == 200
    for page in (
        url(User, "change", staff.pk),
        reverse("admin:auth_user_password_change", args=[staff.pk]),
        url(TOTPDevice, "change", device.pk),
    ):
        assert client.get(page).status_code in (302, 404)
    act(client, "reset_second_factor", staff)
    assert TOTPDevice.objects.filter(user=staff).exists()
    client.post(url(User, "change", admin_user.pk), {"email": admin_user.email, "is_superuser": "on"})
    admin_user.refresh_from_db()
    assert admin_user.is_superuser is False


@pytest.mark.parametrize("device", [TOTPDevice, StaticDevice])
def test_only_a_superuser_adds_devices_to_the_accounts_of_staff(desk, staff, admin_user, device):
    support = User.objects.create_user("support@example.com", PASSWORD, is_staff=True)
    support.user_permissions.set(Permission.objects.all())
    client = signed_in(support)
    for user in (staff, support, admin_user):
        client.post(url(device, "add"), {"user": user.pk, "name": "phone"})
    assert [row.user for row in device.objects.all()] == [admin_user]
    desk.post(url(device, "add"), {"user": staff.pk, "name": "phone"})
    assert device.objects.filter(user=staff).exists()


def test_resetting_the_second_factor_removes_all_devices_of_a_user(desk, rows):
    user = rows[User]
    response = act(desk, "reset_second_factor", user)
    assert not TOTPDevice.objects.filter(user=user).exists()
    assert not StaticDevice.objects.filter(user=user).exists()
    assert messages_of(response) == ["Removed all devices of the second factor: user1@example.com."]


def test_revoking_closes_the_door_to_a_key(desk, rows):
    key = rows[ApiKey]
    response = act(desk, "revoke", key)
    assert not ApiKey.objects.active(timezone.now()).filter(pk=key.pk).exists()
    assert messages_of(response) == [f"Revoked: {key}."]


def test_a_plans_limits_can_be_edited_in_the_list(desk):
    response = desk.get(url(Plan, "changelist"))
    forms = response.context["cl"].formset
    data = {field.html_name: field.value() if field.value() is not None else "" for form in forms for field in form}
    data |= {field.html_name: field.value() for field in forms.management_form} | {"_save": "Save"}
    free = next(form for form in forms if form.instance.name == Plan.FREE)
    data[free["max_products"].html_name] = 1234
    desk.post(url(Plan, "changelist"), data)
    assert Plan.objects.get(name=Plan.FREE).max_products == 1234


def test_the_free_plan_stays(desk):
    free = Plan.objects.get(name=Plan.FREE)
    assert desk.post(url(Plan, "delete", free.pk), {"post": "yes"}).status_code == 403
    act(desk, "delete_selected", free)
    assert Plan.objects.filter(name=Plan.FREE).exists()


# --- Products and jobs --------------------------------------------------------------------------------------


def test_reindexing_starts_one_job_for_each_tenant(desk, tenant, stranger):
    products = [create_product(shop, "shoe") for shop in (tenant, stranger.tenant)]
    sent = create_product(tenant, "sent", image_urls=[""])
    response = act(desk, "reindex", *products, sent)
    jobs = list(Job.objects.order_by("tenant"))
    assert [(job.tenant, job.kind, job.total) for job in jobs] == [
        (tenant, Job.Kind.REINDEX, 1),
        (stranger.tenant, Job.Kind.REINDEX, 1),
    ]
    started, left = messages_of(response)
    assert started.startswith("Indexing 2 products again: job-")
    assert left == "1 product came with the picture itself: nothing to fetch again."
    assert {entry for entry, _ in logged()} == {job.job_id for job in jobs}


@pytest.mark.parametrize("way", ["list", "page"])
def test_a_deleted_product_takes_its_picture_files_along(desk, rows, way, django_capture_on_commit_callbacks):
    product, file = rows[Product], rows[ProductImage].thumbnail.name
    with django_capture_on_commit_callbacks(execute=True):
        if way == "list":
            fields = {"action": "delete_selected", "_selected_action": [product.pk], "post": "yes"}
            desk.post(url(Product, "changelist"), fields)
        else:
            desk.post(url(Product, "delete", product.pk), {"post": "yes"})
    assert not Product.objects.filter(pk=product.pk).exists()
    assert not default_storage.exists(file)


def test_the_page_before_a_deletion_counts_the_pictures(desk, rows):
    page = desk.get(url(Product, "delete", rows[Product].pk))
    assert dict(page.context["model_count"]) == {"products": 1, "pictures": 1}


def test_retrying_queues_the_failed_items_of_jobs(desk, tenant):
    finished, waiting = create_job(tenant), create_job(tenant, finished=False, item_status=JobItem.Status.QUEUED)
    response = act(desk, "retry_failed", finished, waiting)
    assert finished.items.get().status == JobItem.Status.QUEUED
    assert sorted(messages_of(response)) == sorted(
        [
            f"{waiting}: None of these products has failed; there is nothing to try again.",
            f"Queued the failed items again: {finished}.",
        ]
    )
    assert logged() == [(finished.job_id, "Queued the failed items again")]


def test_cancelling_stops_a_job_and_leaves_a_finished_one(desk, tenant):
    at_work = create_job(tenant, finished=False, item_status=JobItem.Status.QUEUED)
    finished = create_job(tenant)
    act(desk, "cancel", at_work, finished)
    at_work.refresh_from_db()
    finished.refresh_from_db()
    assert at_work.status == Job.Status.CANCELED
    assert at_work.items.get().status == JobItem.Status.CANCELED
    assert finished.status == Job.Status.FAILED
    assert logged() == [(at_work.job_id, "Cancelled")]


def test_rebuilding_an_index_lets_the_worker_build_it_anew(desk, rows, tenant):
    act(desk, "rebuild", rows[VectorIndex])
    assert not VectorIndex.objects.exists()
    assert Tenant.objects.get(pk=tenant.pk).revision == tenant.revision + 1


def test_a_calibration_is_shown_with_the_cosines_that_it_calls_fair_and_strong(desk, rows):
    page = desk.get(url(RelevanceCalibration, "change", rows[RelevanceCalibration].pk)).content.decode()
    # Relevance is 0.1, 0.4 and 0.75 where 20 * cosine - 6 is -2.197, -0.405 and 1.099.
    assert all(cosine in page for cosine in ("0.190", "0.280", "0.355"))


def test_computing_a_calibration_again_gives_it_up_to_the_worker(desk, rows):
    act(desk, "compute_again", rows[RelevanceCalibration])
    assert not RelevanceCalibration.objects.exists()


def test_what_a_picture_seems_to_show_is_seen(desk, rows):
    ProductImage.objects.update(
        attributes={"color": [{"value": "red", "confidence": 0.914}]}, moderation={"weapons": 0.031}
    )
    page = desk.get(url(ProductImage, "change", rows[ProductImage].pk)).content.decode()
    assert "color: red 91%" in page
    assert "weapons 0.03" in page


def test_a_long_document_is_cut(desk, tenant):
    item = create_job(tenant).items.get()
    JobItem.objects.update(document={"image": "A" * 100_000})
    page = desk.get(url(JobItem, "change", item.pk))
    assert b"AAAA" in page.content
    assert len(page.content) < 100_000


# --- The second factor --------------------------------------------------------------------------------------


def sign_in(**fields):
    client = Client()
    response = client.post("/admin/login/", {"username": "staff@example.com", "password": PASSWORD} | fields)
    return client, response


def is_in(client):
    return client.get("/admin/").status_code == 200


def code(device):
    return f"{totp(device.bin_key):06d}"


def test_staff_without_a_device_signs_in_by_password_where_no_code_is_required(staff):
    client, _ = sign_in()
    assert is_in(client)


def test_staff_with_an_authenticator_must_give_its_code(staff):
    device = TOTPDevice.objects.create(user=staff, name="phone")
    client, response = sign_in()
    assert response.context["form"].errors == {"__all__": ["Enter the code of your authenticator, or a backup code."]}
    assert not is_in(client)
    client, _ = sign_in(otp_token=f"{code(device)[:3]} {code(device)[3:]}")
    assert is_in(client)


def test_a_wrong_code_lets_nobody_in(staff):
    device = TOTPDevice.objects.create(user=staff, name="phone")
    wrong = f"{(int(code(device)) + 1) % 1_000_000:06d}"
    client, response = sign_in(otp_token=wrong)
    assert response.status_code == 200
    assert not is_in(client)


def test_an_authenticator_that_is_not_confirmed_asks_for_nothing(staff):
    TOTPDevice.objects.create(user=staff, name="phone", confirmed=False)
    client, _ = sign_in()
    assert is_in(client)


def test_a_session_of_the_portal_does_not_replace_the_code(staff):
    TOTPDevice.objects.create(user=staff, name="phone")
    assert not is_in(signed_in(staff))


def test_where_codes_are_required_a_password_is_not_enough(staff, settings):
    settings.STAFF_REQUIRE_2FA = True
    client, _ = sign_in()
    assert not is_in(client)
    assert not is_in(signed_in(staff))


def test_the_first_staff_user_gets_in_by_a_backup_code_and_adds_an_authenticator(staff, settings):
    settings.STAFF_REQUIRE_2FA = True
    backup = StaticDevice.objects.create(user=staff, name="Backup Code").token_set.create(token="abcd2345")
    client, _ = sign_in(otp_token=backup.token)
    response = client.post(url(TOTPDevice, "add"), {"user": staff.pk, "name": "phone"})
    device = TOTPDevice.objects.get(user=staff)
    shown = dict(response.context["secrets"])
    assert shown["Key"] == b32encode(device.bin_key).decode()
    assert shown["Link"].startswith("otpauth://totp/Trooply%3Astaff%40example.com?secret=")
    client, _ = sign_in(otp_token=code(device))
    assert is_in(client)
    client, _ = sign_in(otp_token=backup.token)
    assert not is_in(client)


def test_a_user_has_one_authenticator(desk, rows):
    response = desk.post(url(TOTPDevice, "add"), {"user": rows[User].pk, "name": "tablet"})
    assert "This user has an authenticator." in response.content.decode()
    assert TOTPDevice.objects.count() == 1


def test_backup_codes_are_shown_when_they_are_made(desk, staff):
    response = desk.post(url(StaticDevice, "add"), {"user": staff.pk, "name": "paper"})
    device = StaticDevice.objects.get(user=staff)
    assert sorted(device.token_set.values_list("token", flat=True)) == sorted(
        dict(response.context["secrets"]).values()
    )
    assert device.token_set.count() == 10


def test_weights_that_staff_mend_count_at_once_and_still_total_100(desk, rows):
    config = rows[SearchConfig]
    form = asdict(Weights()) | {"color": 6, "default_threshold": "", "smart_threshold_enabled": "on"}
    response = desk.post(url(SearchConfig, "change", config.pk), form)
    assert "The weights must total 100." in response.content.decode()
    assert desk.post(url(SearchConfig, "change", config.pk), form | {"shape": 4}).status_code == 302
    assert config_of(Tenant.objects.get(pk=config.tenant_id)).weights == Weights(shape=4, color=6)


def test_a_search_config_that_staff_delete_counts_no_more(desk, rows):
    config = rows[SearchConfig]
    before = config.tenant.revision
    form = {"action": "delete_selected", "_selected_action": config.pk, "post": "yes"}
    desk.post(url(SearchConfig, "changelist"), form)
    assert not SearchConfig.objects.exists()
    assert Tenant.objects.get(pk=config.tenant_id).revision == before + 1


def test_stopping_experiments_names_those_that_ran(desk, rows, tenant):
    running, stopped = rows[Experiment], create_experiment(tenant, 2)
    response = act(desk, "stop", running, stopped)
    running.refresh_from_db()
    assert (running.status, running.winner) == ("stopped", "")
    assert messages_of(response) == ["Stopped: Looks only."]
    assert Tenant.objects.get(pk=tenant.pk).revision == tenant.revision + 1
