"""What staff repairs in the admin: jobs, webhooks, duplicates, moderation and settings. All of it is audited."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.model_admin import LongListPaginator
from accounts.models import ApiKey, AuditEntry, Tenant, User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from billing.models import Plan
from catalog.models import (
    CatalogSettings,
    CustomField,
    EncoderHeads,
    Job,
    JobItem,
    ModerationFloor,
    ModerationPolicy,
    Product,
    ProductImage,
)
from catalog.moderation.policy import policy_of
from conftest import PASSWORD
from trooply.tests.admin_rows import (
    act,
    create_group,
    create_job,
    create_product,
    create_rows,
    create_scan,
    logged,
    messages_of,
    signed_in,
    url,
)

STAFF = "staff staff@example.com"
NONE_FAILED = "None of these products has failed; there is nothing to try again."


@pytest.fixture
def staff(db, settings):
    settings.STAFF_REQUIRE_2FA = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("staff@example.com", PASSWORD)


@pytest.fixture
def desk(staff):
    """The browser of a superuser who is signed in."""
    return signed_in(staff)


def audited(*fields):
    return list(AuditEntry.objects.order_by("pk").values_list(*fields))


# --- The audit log ------------------------------------------------------------------------------------------


def test_what_staff_does_to_several_tenants_is_in_the_audit_log_of_each(desk, tenant, stranger):
    act(desk, "suspend", tenant, stranger.tenant)
    assert sorted(audited("tenant_id", "actor", "action", "target", "after")) == [
        (shop.pk, STAFF, "tenant.changed", shop.name, {"did": "Suspended"}) for shop in (tenant, stranger.tenant)
    ]


def test_a_form_is_audited_with_what_it_changed(desk, tenant):
    field = CustomField.objects.create(tenant=tenant, key="season", display_name="Season", type="string")
    form = {"display_name": "Time of year", "filterable": "on"}
    assert desk.post(url(CustomField, "change", field.pk), form).status_code == 302
    assert audited("actor", "action", "target", "before", "after") == [
        (STAFF, "customfield.changed", "season", {"display_name": "Season"}, {"display_name": "Time of year"})
    ]


def test_a_new_users_password_is_not_in_the_audit_log(desk, tenant):
    form = {"email": "dora@example.com", "tenant": tenant.pk, "usable_password": "true"}
    desk.post(url(User, "add"), form | {"password1": PASSWORD, "password2": PASSWORD})
    assert audited("action", "target", "before", "after") == [
        ("user.added", "dora@example.com", None, {"did": "Added."})
    ]


@pytest.mark.parametrize("way", ["list", "page"])
def test_a_deletion_is_audited(desk, tenant, way):
    product = create_product(tenant, "shoe")
    if way == "list":
        desk.post(
            url(Product, "changelist"), {"action": "delete_selected", "_selected_action": product.pk, "post": "yes"}
        )
    else:
        desk.post(url(Product, "delete", product.pk), {"post": "yes"})
    assert audited("tenant_id", "actor", "action", "target") == [(tenant.pk, STAFF, "product.deleted", "shoe")]


def test_a_change_that_cannot_be_audited_is_not_made(staff, tenant, monkeypatch):
    key, _ = ApiKey.objects.create_key(tenant=tenant, name="Till", scopes=["products:read"])
    client = signed_in(staff)
    client.raise_request_exception = False
    monkeypatch.setattr(AuditEntry.objects, "create", _fail)
    assert act(client, "revoke", key).status_code == 500
    key.refresh_from_db()
    assert key.revoked_at is None


def _fail(**fields):
    raise RuntimeError("the log is full")


def test_what_belongs_to_no_tenant_is_in_the_admins_log_alone(desk):
    act(desk, "delete_selected", Plan.objects.create(name="old", title="Old", monthly_price=9))
    form = {"category": "weapons", "threshold": "0.7"}
    desk.post(url(ModerationFloor, "add"), form)
    assert audited("action") == []
    assert logged() == [("weapons from 0.7", "Added.")]


def test_the_audit_log_is_filtered_by_tenant_actor_and_action_and_searched_by_target(desk, tenant, stranger):
    act(desk, "suspend", tenant, stranger.tenant)
    act(desk, "reactivate", tenant)
    [first, *_] = AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("pk")

    def found(**query):
        return desk.get(url(AuditEntry, "changelist"), query).context["cl"].queryset.count()

    assert found(tenant_id=tenant.pk) == 2
    assert found(tenant_id=stranger.tenant.pk, actor__icontains="staff") == 1
    assert found(action__icontains="job") == 0
    assert found(q=stranger.tenant.name) == 1
    assert found(q=first.request_id) == AuditEntry.objects.filter(request_id=first.request_id).count() == 2


def test_the_audit_log_can_be_changed_by_nobody(desk, tenant):
    act(desk, "suspend", tenant)
    entry = AuditEntry.objects.get()
    assert desk.post(url(AuditEntry, "delete", entry.pk), {"post": "yes"}).status_code == 403
    assert desk.post(url(AuditEntry, "change", entry.pk), {"actor": "nobody"}).status_code == 403


@pytest.mark.parametrize(
    ("model", "action"),
    [(Job, "cancel"), (JobItem, "queue_again"), (WebhookEndpoint, "disable"), (WebhookDelivery, "redeliver")],
)
def test_who_may_only_look_cannot_act(staff, tenant, model, action):
    row = create_rows(tenant, staff, 1)[model]
    reader = User.objects.create_user("reader@example.com", PASSWORD, is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = signed_in(reader)
    page = client.get(url(model, "changelist"))
    assert page.status_code == 200
    assert page.context["action_form"] is None
    act(client, action, row)
    assert audited("action") == [("webhook.created",)]


# --- Jobs ---------------------------------------------------------------------------------------------------


def test_single_items_are_queued_again(desk, tenant):
    job = create_job(tenant)
    chosen = job.items.get()
    other = job.items.create(tenant=tenant, index=1, product_id="boot", document={}, status=JobItem.Status.FAILED)
    done = job.items.create(tenant=tenant, index=2, document={}, status=JobItem.Status.SUCCEEDED, due_at=None)
    response = act(desk, "queue_again", chosen, done)
    chosen.refresh_from_db()
    other.refresh_from_db()
    job.refresh_from_db()
    assert (chosen.status, other.status, job.status) == ("queued", "failed", "queued")
    assert messages_of(response) == [
        "Queued 1 item again.",
        "1 of the selected items stayed as they are: only those that have failed and that were well-formed can be "
        "queued again.",
    ]
    assert audited("tenant_id", "actor", "action", "target", "after") == [
        (tenant.pk, STAFF, "job.changed", job.job_id, {"did": "Queued failed items again: #0"})
    ]


def test_items_that_cannot_be_queued_again_are_told(desk, tenant):
    at_work = create_job(tenant, finished=False, item_status=JobItem.Status.QUEUED)
    done = create_job(tenant, item_status=JobItem.Status.SUCCEEDED)
    malformed = create_job(tenant)
    malformed.items.update(code="validation_failed")
    response = act(desk, "queue_again", *(job.items.get() for job in (at_work, done, malformed)))
    assert sorted(messages_of(response)) == [
        "3 of the selected items stayed as they are: only those that have failed and that were well-formed can be "
        "queued again.",
        *sorted(f"{job}: {NONE_FAILED}" for job in (at_work, done)),
    ]
    assert audited("action") == []


def test_a_job_with_nothing_to_retry_is_told(desk, tenant):
    job = create_job(tenant, item_status=JobItem.Status.SUCCEEDED)
    assert messages_of(act(desk, "retry_failed", job)) == [f"{job}: {NONE_FAILED}"]


def test_items_are_filtered_by_code(desk, tenant):
    create_job(tenant)
    item = create_job(tenant).items.get()
    JobItem.objects.filter(pk=item.pk).update(code="image_too_large")
    page = desk.get(url(JobItem, "changelist"), {"code": "image_too_large"})
    assert list(page.context["cl"].queryset) == [item]


def test_a_job_is_shown_with_what_it_made_but_not_with_the_link_that_opens_a_catalogue(desk, tenant):
    job = create_job(tenant)
    Job.objects.update(
        source="shoes.csv",
        options={"max_delete_share": 0.25},
        result={"download_url": "https://trooply.example/export/token", "parts": 1234},
    )
    page = desk.get(url(Job, "change", job.pk)).content.decode()
    assert all(shown in page for shown in ("shoes.csv", "max_delete_share", "1234"))
    assert "export/token" not in page
    event = WebhookEvent.objects.create(
        tenant=tenant, type="job.callback", data={"result": {"download_url": "https://trooply.example/export/token"}}
    )
    assert "export/token" not in desk.get(url(WebhookEvent, "change", event.pk)).content.decode()


def test_a_long_list_counts_no_further_than_its_last_page(tenant, monkeypatch):
    for number in range(3):
        create_product(tenant, f"shoe-{number}")
    monkeypatch.setattr(LongListPaginator, "REACHED", 2)
    assert LongListPaginator(Product.objects.order_by("pk"), 1).num_pages == 2


# --- Webhooks -----------------------------------------------------------------------------------------------


@pytest.fixture
def endpoint(tenant):
    return tenant.webhook_endpoints.create(url="https://example.com/hooks", events=["*"], secret="a-secret")


def create_delivery(tenant, endpoint, status):
    event = WebhookEvent.objects.create(tenant=tenant, type="product.deleted", data={"product_id": "shoe-001"})
    return endpoint.deliveries.create(tenant=tenant, event=event, status=status, attempts=10)


def test_only_what_has_been_settled_is_delivered_once_more(desk, tenant, endpoint):
    failed, pending = (create_delivery(tenant, endpoint, status) for status in ("failed", "pending"))
    response = act(desk, "redeliver", failed, pending)
    assert messages_of(response) == [f"Delivered once more: {failed}.", f"Nothing to do for {pending}."]
    assert audited("action", "target") == [("webhook.redelivered", failed.delivery_id)]


def test_what_has_failed_for_an_endpoint_is_delivered_once_more(desk, tenant, endpoint):
    rows = [create_delivery(tenant, endpoint, status) for status in ("failed", "delivered")]
    act(desk, "redeliver_failed", endpoint)
    assert [WebhookDelivery.objects.get(pk=row.pk).status for row in rows] == ["pending", "delivered"]
    assert audited("actor", "action", "after__deliveries") == [(STAFF, "webhook.range_redelivered", 1)]
    assert logged() == [(endpoint.webhook_id, "Delivered once more what had failed")]


def test_an_endpoint_that_is_enabled_already_is_told(desk, endpoint):
    assert messages_of(act(desk, "enable", endpoint)) == [f"Nothing to do for {endpoint}."]
    assert audited("action") == []


def test_a_delivery_is_shown_with_its_payload_and_attempts(desk, tenant, endpoint):
    delivery = create_delivery(tenant, endpoint, "failed")
    WebhookDelivery.objects.update(log=[{"status": 503, "answer": "down for maintenance"}])
    page = desk.get(url(WebhookDelivery, "change", delivery.pk)).content.decode()
    assert all(shown in page for shown in ("shoe-001", "503", "down for maintenance"))


# --- Duplicates ---------------------------------------------------------------------------------------------


def test_a_group_is_opened_again(desk, tenant):
    products = [create_product(tenant, name) for name in ("shoe", "copy")]
    group = create_group(tenant, *products, state="ignored", resolution="ignore")
    act(desk, "reopen", group)
    group.refresh_from_db()
    assert (group.state, group.resolution) == ("open", "")
    assert audited("tenant_id", "actor", "action", "target") == [
        (tenant.pk, STAFF, "duplicates.reopened", group.group_id)
    ]
    assert logged() == [(group.group_id, "Opened again")]


def test_a_group_that_cannot_be_opened_again_is_told(desk, tenant):
    linked = create_group(tenant, create_product(tenant, "shoe"), state="resolved", resolution="link_as_variant")
    still_open = create_group(tenant, create_product(tenant, "boot"))
    response = act(desk, "reopen", linked, still_open)
    assert messages_of(response) == [
        f"{linked}: Its products are no longer what they were: there is nothing to decide anew.",
        f"Nothing to do for {still_open}.",
    ]


def test_the_products_of_a_group_are_seen_side_by_side(desk, tenant):
    products = [create_product(tenant, name) for name in ("shoe", "copy")]
    page = desk.get(url(type(group := create_group(tenant, *products)), "change", group.pk)).content.decode()
    for product in products:
        assert product.images.get().thumbnail.url in page
        assert url(Product, "change", product.pk) in page


# --- Moderation ---------------------------------------------------------------------------------------------


@pytest.fixture
def policy(tenant):
    return ModerationPolicy.objects.create(tenant=tenant, thresholds={"weapons": 0.4})


def fresh(tenant):
    return Tenant.objects.get(pk=tenant.pk)


def test_a_policy_that_staff_changes_counts_at_once(desk, tenant, policy):
    assert policy_of(fresh(tenant)).thresholds["drugs"] == 0.6
    form = {"enforce": "on", "weapons": "", "drugs": "0.55"}
    assert desk.post(url(ModerationPolicy, "change", policy.pk), form).status_code == 302
    now = policy_of(fresh(tenant))
    assert (now.enforce, now.thresholds["weapons"], now.thresholds["drugs"]) == (True, 0.5, 0.55)
    assert audited("actor", "action") == [(STAFF, "moderation_policy.changed")]


@pytest.mark.parametrize(
    ("threshold", "told"),
    [("0.8", "At most 0.7"), ("1.1", "less than or equal to 1"), ("nan", "Enter a number")],
)
def test_a_policy_stays_below_our_floor(desk, tenant, policy, threshold, told):
    ModerationFloor.objects.create(category="weapons", threshold=0.7)
    response = desk.post(url(ModerationPolicy, "change", policy.pk), {"weapons": threshold})
    assert told in response.content.decode()
    policy.refresh_from_db()
    assert policy.thresholds == {"weapons": 0.4}
    assert audited("action") == []


def test_a_floor_counts_for_every_shop_as_long_as_it_stands(desk, tenant):
    assert policy_of(fresh(tenant)).thresholds["drugs"] == 0.6
    desk.post(url(ModerationFloor, "add"), {"category": "drugs", "threshold": "0.3"})
    floor = ModerationFloor.objects.get(category="drugs")
    assert policy_of(fresh(tenant)).thresholds["drugs"] == 0.3
    desk.post(url(ModerationFloor, "change", floor.pk), {"category": "drugs", "threshold": "0.2"})
    assert policy_of(fresh(tenant)).thresholds["drugs"] == 0.2
    desk.post(
        url(ModerationFloor, "changelist"), {"action": "delete_selected", "_selected_action": floor.pk, "post": 1}
    )
    assert policy_of(fresh(tenant)).thresholds["drugs"] == 0.6


def test_a_picture_is_allowed_once(desk, tenant):
    scan = create_scan(tenant, sha256="a" * 64)
    act(desk, "allow_once", scan)
    scan.refresh_from_db()
    assert (scan.review, scan.reviewed_by) == ("allowed_once", STAFF)
    assert policy_of(fresh(tenant)).allowed == {"a" * 64}
    assert audited("actor", "action", "target") == [(STAFF, "moderation_event.reviewed", scan.event_id)]


def test_a_product_is_allowed_and_indexed_again(desk, tenant):
    product = create_product(tenant, "knife")
    Product.objects.update(status=Product.Status.FAILED, error_code="moderation_blocked")
    response = act(desk, "allow_product", create_scan(tenant, product_id="knife"))
    product.refresh_from_db()
    job = Job.objects.get()
    assert product.is_exempt_from_moderation is True
    assert f"knife: The product is being indexed again by {job.job_id}." in messages_of(response)


def test_what_nobody_can_allow_is_told(desk, tenant):
    ModerationFloor.objects.create(category="weapons", threshold=0.7)
    refused, orphan = create_scan(tenant, score=0.9), create_scan(tenant, score=0.6, product_id="gone")
    response = act(desk, "allow_product", refused, orphan)
    assert messages_of(response) == [
        f"{refused}: Nobody can allow it: for weapons we refuse pictures from 0.7 on ourselves.",
        f"{orphan}: This picture belongs to no product that there is now. Allow it with allow_once.",
    ]
    assert audited("action") == []


def test_a_judged_picture_is_kept_folded(desk, tenant):
    image = create_product(tenant, "shoe").images.get()
    page = desk.get(url(type(scan := create_scan(tenant, sha256=image.sha256)), "change", scan.pk)).content.decode()
    assert f'<summary class="cursor-pointer text-link">Show it</summary><img src="{image.thumbnail.url}"' in page


def test_a_product_is_made_exempt_and_judged_again(desk, tenant, stranger):
    products = [create_product(shop, "knife") for shop in (tenant, stranger.tenant)]
    for action, is_exempt in (("exempt", True), ("end_exemption", False)):
        act(desk, action, *products)
        assert set(Product.objects.values_list("is_exempt_from_moderation", flat=True)) == {is_exempt}
    assert sorted(audited("tenant_id", "action", "after__did")) == sorted(
        (shop.pk, "product.changed", did)
        for shop in (tenant, stranger.tenant)
        for did in ("Allowed in moderation", "No longer exempt from moderation")
    )


# --- Products, encoders, settings ---------------------------------------------------------------------------


def test_a_product_is_shown_with_its_translations_and_a_picture_with_its_version(desk, tenant):
    product = create_product(tenant, "shoe", translations={"de": {"name": "Schuh"}})
    image = product.images.get()
    ProductImage.objects.update(etag='"v7"', last_modified="Mon, 01 Jun 2026 10:00:00 GMT", checked_at=timezone.now())
    assert "Schuh" in desk.get(url(Product, "change", product.pk)).content.decode()
    page = desk.get(url(ProductImage, "change", image.pk)).content.decode()
    assert all(shown in page for shown in ("v7", "Mon, 01 Jun 2026"))


def test_an_encoder_is_shown_with_the_cosine_that_it_calls_a_duplicate(desk, tenant, staff):
    heads = create_rows(tenant, staff, 1)[EncoderHeads]
    # 0.95 is the similarity that cosines of 1 less the distance, of 0.1, are called.
    assert "from cosine 0.900" in desk.get(url(EncoderHeads, "change", heads.pk)).content.decode()


def test_languages_that_staff_chooses_are_translated_to_by_a_job(desk, tenant):
    chosen = CatalogSettings.objects.create(tenant=tenant, languages=["de"])
    form = {"is_multilingual": "on", "languages": ["de", "fr"]}
    assert desk.post(url(CatalogSettings, "change", chosen.pk), form).status_code == 302
    chosen.refresh_from_db()
    assert (chosen.is_multilingual, chosen.languages) == (True, ["de", "fr"])
    assert [job.kind for job in Job.objects.filter(tenant=tenant)] == ["translate"]
    assert audited("actor", "action") == [(STAFF, "settings.multilingual_changed")]
    response = desk.post(url(CatalogSettings, "change", chosen.pk), {"languages": ["xx"]})
    assert "xx is not one of the available choices" in response.content.decode()
