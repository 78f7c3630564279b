"""Products with their pictures and vectors, and the jobs that bring them in."""

import secrets
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from pgvector.django import HalfVectorField, VectorField

from accounts.models import Tenant


class Encoder(models.Model):
    """An encoder that vectors were made with; vectors of two encoders are never compared."""

    class State(models.TextChoices):
        SERVING = "serving"
        FILLING = "filling"
        STANDBY = "standby"

    name = models.CharField(max_length=100, unique=True)
    bundle = models.CharField(max_length=500, blank=True, help_text="a folder in ENCODER_DIR, or an absolute path")
    dimensions = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10,
        choices=State,
        default=State.STANDBY,
        help_text="searches use the serving one; new pictures get vectors of it and of the one that is filled in",
    )
    state_since = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "state", name="encoder_serving_or_filling_unique", condition=Q(state__in=["serving", "filling"])
            )
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A thing that the shop sells, under the shop's own id. Filters and ranking read the promoted columns."""

    class Status(models.TextChoices):
        PENDING = "pending"
        INDEXED = "indexed"
        FAILED = "failed"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="products")
    product_id = models.CharField(max_length=255)
    uuid = models.UUIDField(default=uuid.uuid4, null=True, editable=False, help_text="our own id of it")
    image_urls = ArrayField(models.TextField(blank=True), help_text="empty for a picture sent inside the request")
    metadata = models.JSONField(default=dict)
    name = models.CharField(max_length=500, blank=True)
    category = models.CharField(max_length=255, blank=True)
    brand = models.CharField(max_length=255, blank=True)
    price = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    colors = ArrayField(models.CharField(max_length=20), default=list, help_text="basic colour names")
    tags = ArrayField(models.CharField(max_length=100), default=list)
    in_stock = models.BooleanField(default=True)
    parent_id = models.CharField(max_length=255, blank=True, help_text="the product that this is a variant of")
    product_type = models.CharField(max_length=100, blank=True)
    quality = models.FloatField(null=True, blank=True, help_text="of the first picture, 0 to 1")
    popularity = models.FloatField(default=0, db_default=0, help_text="from clicks, carts and purchases, 0 to 1")
    status = models.CharField(max_length=10, choices=Status)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    is_demo = models.BooleanField(default=False)
    translations = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="name and category in other languages, by language"
    )
    is_exempt_from_moderation = models.BooleanField(
        default=False, db_default=False, help_text="somebody has looked at it and allowed it"
    )
    sent_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="of the merchant's version that is stored: when it was sent"
    )
    sent_whole_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="the same, but for changes of the metadata alone"
    )
    patched = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        editable=False,
        help_text="when keys of the metadata were changed since it was sent whole",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    indexed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "product_id", name="product_id_unique")]
        indexes = [
            models.Index("tenant", F("created_at").desc(), F("id").desc(), name="product_newest"),
            models.Index("tenant", "status", name="product_status"),
            models.Index("tenant", Lower("category"), name="product_category"),
            models.Index("tenant", Lower("brand"), name="product_brand"),
            models.Index("tenant", "price", name="product_price"),
            GinIndex("colors", name="product_colors"),
            GinIndex(OpClass("metadata", "jsonb_path_ops"), name="product_metadata"),
            models.Index("uuid", name="product_uuid"),
            models.Index("tenant", "parent_id", name="product_parent", condition=~Q(parent_id="")),
        ]

    def __str__(self) -> str:
        return self.product_id


class ProductColor(models.Model):
    """A colour that a product is found by, as a point in sRGB: the distance of two points is that of two colours."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, related_name="product_colors")
    rgb = VectorField(dimensions=3, help_text="red, green and blue, 0 to 255")
    share = models.FloatField(help_text="of the product that has this colour, 0 to 1")

    class Meta:
        indexes = [models.Index("tenant", name="product_color_tenant")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.rgb}"


class CustomField(models.Model):
    """A fact that a tenant declares to be in its products' metadata, so that they can be filtered and counted by it."""

    class Type(models.TextChoices):
        STRING = "string"
        NUMBER = "number"
        BOOLEAN = "boolean"
        ENUM = "enum"
        DATE = "date"
        STRINGS = "string[]", "list of strings"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="custom_fields")
    key = models.CharField(max_length=40)
    display_name = models.CharField(max_length=100)
    type = models.CharField(max_length=10, choices=Type)
    enum_values = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    filterable = models.BooleanField(default=True)
    facet = models.BooleanField(default=False)
    required = models.BooleanField(default=False)
    revalidation = models.JSONField(
        null=True, blank=True, editable=False, help_text="of the last change of type: what was checked and what misfits"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["key"]
        constraints = [models.UniqueConstraint("tenant", "key", name="custom_field_key_unique")]

    def __str__(self) -> str:
        return self.key


class ProductImage(models.Model):
    """A picture of a product, and what was seen in it. Its thumbnail is also what a new encoder embeds."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64)
    etag = models.CharField(max_length=300, blank=True, db_default="", help_text="as its server named this version")
    last_modified = models.CharField(max_length=100, blank=True, db_default="")
    checked_at = models.DateTimeField(default=timezone.now, db_default=Now(), help_text="last seen at its address")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumbnail = models.FileField(max_length=255)
    palette = models.JSONField(help_text="dominant colours: hex, share, name")
    shape = models.JSONField(help_text="aspect ratio, fill and silhouette of the foreground")
    quality = models.JSONField(help_text="score, grade, its parts, problems and a hint")
    product_type = models.CharField(max_length=100)
    product_type_confidence = models.FloatField()
    attributes = models.JSONField(default=dict, help_text="values worth suggesting, by attribute, the surest first")
    moderation = models.JSONField(default=dict, help_text="a score for each category, 0 to 1; ordinary is below 0.5")

    class Meta:
        ordering: ClassVar[list[str]] = ["position"]
        constraints = [models.UniqueConstraint("product", "position", name="image_position_unique")]
        indexes = [
            models.Index("tenant", "thumbnail", name="image_thumbnail"),
            models.Index("tenant", "checked_at", name="image_checked"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} #{self.position}"


class Embedding(models.Model):
    """The vector of a picture by an encoder: narrow rows, apart from products, because searches read all of them."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, related_name="embeddings")
    image = models.ForeignKey(ProductImage, models.CASCADE, related_name="embeddings")
    encoder = models.ForeignKey(Encoder, models.PROTECT, related_name="embeddings")
    vector = HalfVectorField(help_text="L2-normalised, as many dimensions as its encoder has")

    class Meta:
        constraints = [models.UniqueConstraint("image", "encoder", name="embedding_image_encoder_unique")]
        indexes = [models.Index("tenant", "encoder", name="embedding_tenant_encoder")]

    def __str__(self) -> str:
        return self.vector_id

    @property
    def vector_id(self) -> str:
        return f"vec_{self.pk}"


class EncoderHeads(models.Model):
    """What an encoder's words and scores are worth, as `catalog.encoder_heads` computes it once for all processes."""

    encoder = models.ForeignKey(Encoder, models.CASCADE, related_name="heads")
    digest = models.CharField(max_length=64, help_text="of the words and pictures that all this was computed from")
    word_vectors = models.BinaryField(help_text="float16, L2-normalised, one row for each word of each head")
    calibrations = models.JSONField(help_text="slopes, offsets and threshold of each head")
    relevance = models.JSONField(help_text="of texts and of images, where a catalogue tells nothing itself")
    duplicates = models.JSONField(
        default=dict, db_default={}, help_text="what cosines of near-duplicates are called, 0 to 1"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "encoder heads"
        constraints = [models.UniqueConstraint("encoder", "digest", name="encoder_heads_unique")]

    def __str__(self) -> str:
        return f"Heads of {self.encoder}"


class RelevanceCalibration(models.Model):
    """What an encoder's cosines are worth in a tenant's catalogue: relevance is logistic in slope * cosine + offset."""

    class Mode(models.TextChoices):
        TEXT = "text", "Text with picture"
        IMAGE = "image", "Picture with picture"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    encoder = models.ForeignKey(Encoder, models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode)
    pictures = models.PositiveIntegerField(help_text="in the catalogue when it was computed")
    is_own = models.BooleanField(help_text="from the catalogue's own scores, or the encoder's where they tell nothing")
    queries = models.PositiveIntegerField(help_text="with known answers, in the sample")
    scores = models.PositiveIntegerField(help_text="that the curve was fitted to")
    slope = models.FloatField()
    offset = models.FloatField()
    histogram = models.JSONField(help_text="shares of hits and of misses by cosine")
    computed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "encoder", "mode", name="relevance_mode_unique")]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} in {self.tenant} by {self.encoder}"


class VectorIndex(models.Model):
    """The HNSW index that a large tenant's vectors of one encoder have got; searches use it once it is built."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    encoder = models.ForeignKey(Encoder, models.CASCADE, related_name="+")
    rows = models.PositiveIntegerField(help_text="vectors when it was built")
    built_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "vector indexes"
        constraints = [models.UniqueConstraint("tenant", "encoder", name="vector_index_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name of the index in the database."""
        return f"embedding_hnsw_{self.tenant_id}_{self.encoder_id}"


def new_job_id() -> str:
    return f"job-{secrets.token_hex(12)}"


class Job(models.Model):
    """Work on a tenant's catalogue, as items; a queue is a query over them, so a crash loses nothing."""

    KEPT_FOR = timedelta(days=30)

    class Kind(models.TextChoices):
        INDEX = "index", "Import"
        DEMO = "demo", "Demo shop"
        REINDEX = "reindex", "Re-index"
        SYNC = "sync", "Full sync"
        DELETE = "delete", "Delete products"
        DUPLICATES = "duplicates", "Scan for duplicates"
        EXPORT = "export", "Export"
        ATTRIBUTES = "attributes", "Decide on suggestions"
        TRANSLATE = "translate", "Translate the catalogue"

    class Status(models.TextChoices):
        QUEUED = "queued"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELED = "canceled"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="jobs")
    job_id = models.CharField(max_length=40, unique=True, default=new_job_id, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    total = models.PositiveIntegerField()
    source = models.CharField(max_length=200, blank=True, db_default="", help_text="the file that it came from")
    options = models.JSONField(default=dict, db_default={}, help_text="what was asked for")
    result = models.JSONField(null=True, help_text="what it has found or made")
    counts = models.JSONField(null=True, editable=False, help_text="its items by status, once none is left to do")
    active_at = models.DateTimeField(null=True, editable=False, help_text="when somebody last claimed from it")
    callback_url = models.URLField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index("tenant", F("created_at").desc(), F("id").desc(), name="job_newest"),
            models.Index("tenant", "active_at", name="job_served"),
            models.Index("created_at", name="job_unfinished", condition=Q(finished_at=None)),
            models.Index(
                "tenant",
                F("active_at").asc(nulls_first=True),
                "id",
                name="job_turn",
                condition=Q(finished_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.job_id

    @classmethod
    def expired(cls) -> models.QuerySet["Job"]:
        """Return the jobs that finished long ago."""
        return cls.objects.filter(finished_at__lt=timezone.now() - cls.KEPT_FOR)


class JobItemQuerySet(models.QuerySet["JobItem"]):
    def claimable(self, at: datetime) -> Self:
        """Items whose turn has come, and items whose worker has not come back within its lease."""
        return self.filter(due_at__lte=at)

    def unfinished(self) -> Self:
        return self.exclude(due_at=None)


class JobItem(models.Model):
    """One step of a job, most often a product of it: what was asked for, and what became of it."""

    class Action(models.TextChoices):
        INDEX = "index"
        DELETE = "delete"
        PATCH = "patch", "Replace the metadata"
        COMPARE = "compare", "Compare a block of products with all others"
        EXPORT = "export", "Write a part of the export"
        DECIDE = "decide", "Decide on suggestions of a part of the catalogue"
        TRANSLATE = "translate", "Translate a part of the catalogue"

    class Status(models.TextChoices):
        QUEUED = "queued"
        PROCESSING = "processing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    # Its indexes below begin with the job; a further one of the job alone would be read past all that is settled.
    job = models.ForeignKey(Job, models.CASCADE, related_name="items", db_index=False)
    index = models.PositiveIntegerField(help_text="position in what was sent, from 0")
    action = models.CharField(max_length=10, choices=Action, default=Action.INDEX, db_default="index")
    product_id = models.CharField(max_length=255, blank=True)
    document = models.JSONField(help_text="the product as it was sent, or what else the step is about")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="by workers, since it was last queued")
    retries = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="after failures that time may mend, such as those of the network"
    )
    due_at = models.DateTimeField(
        null=True,
        blank=True,
        default=timezone.now,
        db_default=Now(),
        help_text="not to be claimed before: its turn, or the end of its worker's lease; none once it is settled",
    )
    code = models.CharField(max_length=50, blank=True)
    message = models.TextField(blank=True)
    retryable = models.BooleanField(default=False)

    objects: ClassVar[models.Manager["JobItem"]] = JobItemQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("job", "index", name="job_item_index_unique")]
        indexes = [
            models.Index("job", "status", "index", name="job_item_queue"),
            models.Index("job", "due_at", "index", name="job_item_due", condition=~Q(due_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index}"

    @classmethod
    def expired(cls) -> models.QuerySet["JobItem"]:
        """Return the items of jobs that finished long ago."""
        return cls.objects.filter(job__finished_at__lt=timezone.now() - Job.KEPT_FOR)


def new_group_id() -> str:
    return f"dup_{secrets.token_hex(12)}"


class DuplicateGroup(models.Model):
    """Products whose pictures are nearly the same, until somebody has decided what to do about them."""

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"
        IGNORED = "ignored"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="duplicate_groups")
    group_id = models.CharField(max_length=40, unique=True, default=new_group_id, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    resolution = models.CharField(max_length=20, blank=True, help_text="the action that resolved it")
    similarity = models.FloatField(help_text="of the two that are least alike of those that were joined, 0 to 1")
    members_digest = models.CharField(max_length=64, help_text="of the products' rows: the same group found again")
    found_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "members_digest", name="duplicate_group_unique")]
        indexes = [models.Index("tenant", "state", F("similarity").desc(), F("id").desc(), name="duplicate_group_list")]

    def __str__(self) -> str:
        return self.group_id


class DuplicateMember(models.Model):
    """A product of a group of duplicates."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    group = models.ForeignKey(DuplicateGroup, models.CASCADE, related_name="members")
    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    similarity = models.FloatField(help_text="to the product of the group that is most like it, 0 to 1")

    class Meta:
        constraints = [models.UniqueConstraint("group", "product", name="duplicate_member_unique")]

    def __str__(self) -> str:
        return f"{self.group_id} {self.product_id}"

    @property
    def cover(self) -> ProductImage | None:
        """The first picture of the product, among those that were fetched with it."""
        return next(iter(self.product.images.all()), None)


class DuplicateBlock(models.Model):
    """What one step of a scan for duplicates has found, until the last step has joined it all."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    index = models.PositiveIntegerField(help_text="of the step among those of its job")
    links = models.JSONField(help_text="near-duplicates: the rows of two products, and their similarity 0 to 1")

    class Meta:
        constraints = [models.UniqueConstraint("job", "index", name="duplicate_block_unique")]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.index}"


class ModerationPolicy(models.Model):
    """What a tenant does about pictures that should not be seen; a tenant without one watches and blocks nothing."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="moderation_policy")
    enforce = models.BooleanField(default=False, help_text="refuse what is flagged, instead of only telling of it")
    thresholds = models.JSONField(default=dict, help_text="by category, where they are not the default; 0 to 1")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "moderation policies"

    def __str__(self) -> str:
        return f"Moderation of {self.tenant}"


class ModerationFloor(models.Model):
    """A threshold of ours that no tenant can loosen: a picture at or above it is refused, in shadow mode too."""

    category = models.CharField(max_length=30, unique=True)
    threshold = models.FloatField(help_text="0 to 1")

    def __str__(self) -> str:
        return f"{self.category} from {self.threshold:g}"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it, and have every tenant's policy read anew."""
        Tenant.objects.update(revision=F("revision") + 1)
        super().save(*args, **kwargs)

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete it, and have every tenant's policy read anew."""
        Tenant.objects.update(revision=F("revision") + 1)
        return super().delete(*args, **kwargs)


def new_scan_id() -> str:
    return f"mod_{secrets.token_hex(12)}"


class ModerationEvent(models.Model):
    """A picture that was judged, wherever it came from, by the category that came nearest to its threshold."""

    KEPT_FOR = timedelta(days=30)

    class Surface(models.TextChoices):
        INDEXING = "indexing"
        BULK = "bulk"
        SEARCH_UPLOAD = "search_upload"
        WIDGET = "widget"

    class Review(models.TextChoices):
        NONE = "", "Not reviewed"
        ALLOWED_ONCE = "allowed_once", "This picture is allowed"
        ALLOWED_PRODUCT = "allowed_product", "The product is allowed"
        CONFIRMED = "confirmed", "Rightly flagged"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="moderation_events")
    event_id = models.CharField(max_length=40, unique=True, default=new_scan_id, editable=False)
    surface = models.CharField(max_length=20, choices=Surface)
    category = models.CharField(max_length=30)
    score = models.FloatField(help_text="0 to 1")
    threshold = models.FloatField()
    scores = models.JSONField(help_text="of all categories that were looked for, 0 to 1")
    would_block = models.BooleanField(help_text="enforcing would have refused it")
    blocked = models.BooleanField()
    product_id = models.CharField(max_length=255, blank=True, help_text="the shop's own id")
    sha256 = models.CharField(max_length=64, help_text="of the picture's bytes")
    review = models.CharField(max_length=20, choices=Review, blank=True)
    reviewed_by = models.CharField(max_length=300, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index("tenant", F("created_at").desc(), F("id").desc(), name="moderation_newest"),
            models.Index("tenant", F("created_at").desc(), name="moderation_flagged", condition=Q(would_block=True)),
            models.Index("tenant", "sha256", name="moderation_allowed", condition=Q(review="allowed_once")),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.score:.2f}"

    @classmethod
    def expired(cls) -> models.QuerySet["ModerationEvent"]:
        """Return the events that are older than the log reaches, but for what was allowed."""
        old = cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR)
        return old.exclude(review=cls.Review.ALLOWED_ONCE)


class AttributeDecision(models.Model):
    """What the shop has said to a suggestion of ours, so that it is not suggested again."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, models.CASCADE, related_name="attribute_decisions")
    attribute = models.CharField(max_length=30)
    value = models.CharField(max_length=100)
    accepted = models.BooleanField()
    decided_by = models.CharField(max_length=300)
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint("product", "attribute", "value", name="attribute_decision_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value}"


class CatalogSettings(models.Model):
    """How a tenant wants its catalogue kept; a tenant without a row has the defaults."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, related_name="catalog_settings")
    is_multilingual = models.BooleanField(default=False, help_text="translate names and categories")
    languages = ArrayField(models.CharField(max_length=5), default=list, blank=True, help_text="ISO 639-1 codes")

    class Meta:
        verbose_name_plural = "catalog settings"

    def __str__(self) -> str:
        return f"Catalogue of {self.tenant}"


MAX_PRICE = Decimal("999999999999.99")
