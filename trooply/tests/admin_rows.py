"""A row of every model that staff sees in the admin, and what a member of staff does there."""

from dataclasses import asdict

from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.keys import digest
from accounts.models import (
    ApiKey,
    AuditEntry,
    IdempotentRequest,
    Tenant,
    User,
    UserGroup,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from analytics.models import FeedbackEvent, SearchEvent
from billing.models import Plan, QuotaWarning, Subscription
from catalog.models import (
    AttributeDecision,
    CatalogSettings,
    CustomField,
    DuplicateBlock,
    DuplicateGroup,
    Embedding,
    Encoder,
    EncoderHeads,
    Job,
    JobItem,
    ModerationEvent,
    ModerationFloor,
    ModerationPolicy,
    Product,
    RelevanceCalibration,
    VectorIndex,
)
from conftest import PASSWORD
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet
from search.models import ChatThread, Experiment, SavedSearch, SearchConfig
from search.ranking import Weights


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def create_rows(tenant, staff, number):
    user = User.objects.create_user(f"user{number}@example.com", PASSWORD, tenant=tenant)
    key, _ = ApiKey.objects.create_key(tenant=tenant, name="Till", scopes=["products:read"])
    encoder = Encoder.objects.create(name=f"encoder-{number}", dimensions=3)
    product = create_product(tenant, f"shoe-{number}")
    image = product.images.get()
    job = create_job(tenant)
    endpoint = WebhookEndpoint.objects.create(
        tenant=tenant, url="https://example.com/", events=["quota.warning"], secret="a-secret-of-the-shop"
    )
    event = WebhookEvent.objects.create(tenant=tenant, type="product.deleted", data={"product_id": "shoe"})
    created = [
        Tenant.objects.create(name=f"Shop {number}"),
        UserGroup.objects.create(tenant=tenant, name=f"Group {number}", permissions=["products:read"]),
        user,
        key,
        IdempotentRequest.objects.create(
            tenant=tenant, key=f"{number}", fingerprint="f" * 64, body={"key": "sk_of_an_answer"}
        ),
        Plan.objects.create(name=f"plan-{number}", title=f"Plan {number}", monthly_price=9),
        Subscription.objects.create(tenant=create_bare_tenant(number), plan=Plan.objects.get(name=Plan.FREE)),
        encoder,
        product,
        image,
        Embedding.objects.create(tenant=tenant, product=product, image=image, encoder=encoder, vector=[1, 0, 0]),
        VectorIndex.objects.create(tenant=tenant, encoder=encoder, rows=20_000),
        CustomField.objects.create(tenant=tenant, key=f"season_{number}", display_name="Season", type="string"),
        create_calibration(tenant, encoder),
        job,
        job.items.get(),
        create_search_event(tenant, number),
        FeedbackEvent.objects.create(tenant=tenant, product_id=f"shoe-{number}", action="click"),
        MerchandisingRule.objects.create(tenant=tenant, rule_type="pin", product_ids=[f"shoe-{number}"]),
        PromoBanner.objects.create(tenant=tenant, title="Sale"),
        SynonymSet.objects.create(tenant=tenant, words=["shoe", "boot"]),
        create_search_config(number),
        create_experiment(tenant, number),
        SavedSearch.objects.create(tenant=tenant, name="Shoes", mode="text", params={"query": "shoe"}),
        ChatThread.objects.create(tenant=tenant, turns=[{"message": "shoes", "answer": "I found 1 product."}]),
        TOTPDevice.objects.create(user=user, name="phone"),
        create_backup_codes(user),
        endpoint,
        event,
        WebhookDelivery.objects.create(tenant=tenant, event=event, endpoint=endpoint),
        AuditEntry.objects.create(
            tenant_id=tenant.pk, tenant_name=tenant.name, actor="owner", action="webhook.created"
        ),
        QuotaWarning.objects.create(tenant=tenant, resource="products", limit=1_000 + number, percent=80),
        EncoderHeads.objects.create(
            encoder=encoder,
            digest="f" * 64,
            word_vectors=b"",
            calibrations={},
            relevance={},
            duplicates={"distance": 0.1},
        ),
        (group := create_group(tenant, product, create_product(tenant, f"copy-{number}"))),
        group.members.first(),
        DuplicateBlock.objects.create(tenant=tenant, job=job, index=0, links=[]),
        ModerationPolicy.objects.create(tenant=create_bare_tenant(number + 100), thresholds={"weapons": 0.4}),
        # Saved, it would have every tenant's configuration read anew.
        *ModerationFloor.objects.bulk_create([ModerationFloor(category=f"category-{number}", threshold=0.9)]),
        create_scan(tenant, product_id=product.product_id, sha256=image.sha256),
        AttributeDecision.objects.create(tenant=tenant, product=product, attribute="color", value="red", accepted=True),
        CatalogSettings.objects.create(tenant=create_bare_tenant(number + 200), languages=["de"]),
        LogEntry.objects.log_actions(staff.pk, [product], 2, "Looked", single_object=True),
    ]
    return {type(row): row for row in created}


def create_bare_tenant(number):
    return Tenant.objects.create(name=f"Bare {number}")


def create_product(tenant, product_id, *, image_urls=("https://shop.example/shoe.jpg",), **fields):
    thumbnail = default_storage.save(f"thumbnails/{tenant.pk}/{product_id}.webp", ContentFile(b"picture"))
    product = Product.objects.create(
        tenant=tenant,
        product_id=product_id,
        image_urls=list(image_urls),
        metadata={"name": "Shoe"},
        price=19,
        currency="EUR",
        quality=0.8,
        status=Product.Status.INDEXED,
        **fields,
    )
    product.images.create(
        tenant=tenant,
        position=0,
        sha256=digest(product_id),
        width=800,
        height=600,
        thumbnail=thumbnail,
        palette=[{"hex": "#c81e1e", "share": 0.7, "name": "red"}],
        shape={"aspect_ratio": 1.3, "fill": 0.6, "silhouette": []},
        quality={"score": 0.8, "grade": "good", "problems": [], "hint": ""},
        product_type="shoe",
        product_type_confidence=0.9,
    )
    return product


def create_job(tenant, *, finished=True, item_status=JobItem.Status.FAILED):
    job = Job.objects.create(
        tenant=tenant,
        kind=Job.Kind.INDEX,
        total=1,
        status=Job.Status.FAILED if finished else Job.Status.PROCESSING,
        finished_at=timezone.now() if finished else None,
    )
    job.items.create(tenant=tenant, index=0, product_id="shoe", document={"product_id": "shoe"}, status=item_status)
    return job


def create_calibration(tenant, encoder):
    return RelevanceCalibration.objects.create(
        tenant=tenant,
        encoder=encoder,
        mode=RelevanceCalibration.Mode.TEXT,
        pictures=100,
        is_own=True,
        queries=100,
        scores=5_000,
        slope=20,
        offset=-6,
        histogram={"hits": [], "misses": []},
    )


def create_search_event(tenant, number):
    return SearchEvent.objects.create(
        tenant=tenant,
        search_id=f"search-{number}",
        mode="text",
        text="red shoe",
        results=3,
        milliseconds=12.5,
        created_at=timezone.now(),
    )


def create_search_config(number):
    return SearchConfig.objects.create(tenant=Tenant.objects.create(name=f"Tuned {number}"), **asdict(Weights()))


def create_experiment(tenant, number):
    return Experiment.objects.create(
        tenant=tenant,
        name="Looks only",
        variant_a=asdict(Weights()),
        variant_b=asdict(Weights()),
        planned_sample=100,
        status=Experiment.Status.RUNNING if number == 1 else Experiment.Status.STOPPED,
    )


def create_backup_codes(user):
    device = StaticDevice.objects.create(user=user, name="codes")
    device.token_set.create(token=StaticToken.random_token())
    return device


def create_group(tenant, *products, state="open", resolution=""):
    group = DuplicateGroup.objects.create(
        tenant=tenant,
        state=state,
        resolution=resolution,
        similarity=0.97,
        members_digest=digest(",".join(product.product_id for product in products)),
    )
    for product in products:
        group.members.create(tenant=tenant, product=product, similarity=0.97)
    return group


def create_heads(encoder):
    return EncoderHeads.objects.create(
        encoder=encoder,
        digest="f" * 64,
        word_vectors=b"",
        calibrations={},
        relevance={},
        duplicates={"distance": 0.1},
    )


def create_scan(tenant, *, product_id="", sha256="f" * 64, score=0.9):
    return ModerationEvent.objects.create(
        tenant=tenant,
        surface=ModerationEvent.Surface.BULK,
        category="weapons",
        score=score,
        threshold=0.5,
        scores={"weapons": score},
        would_block=True,
        blocked=True,
        product_id=product_id,
        sha256=sha256,
    )


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def act(desk, action, *selected, confirmed=True):
    """Run an action on the rows, past the page that asks first, and return the page that follows."""
    fields = {"action": action, "_selected_action": [row.pk for row in selected]}
    if confirmed:
        fields["confirmed"] = "yes"
    return desk.post(url(type(selected[0]), "changelist"), fields, follow=True)


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def logged():
    return [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]
