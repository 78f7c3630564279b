"""Tenants, the people who work for them, their credentials, what they are told by webhooks, and who did what."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.encryption import EncryptedTextField
from accounts.keys import SHOWN_LENGTH, KeyKind, digest, new_key
from accounts.permissions import ALL_PERMISSIONS, DEVELOPER_PERMISSIONS

# Emails and categories are compared without case, as `email__lower`, through their indexes on lower().
models.CharField.register_lookup(Lower)


def new_client_id() -> str:
    return f"client_{uuid.uuid4().hex}"


def new_webhook_id() -> str:
    return f"wh_{secrets.token_hex(12)}"


def new_delivery_id() -> str:
    return f"dlv_{secrets.token_hex(12)}"


def new_event_id() -> str:
    return f"msg_{secrets.token_hex(12)}"


class TenantManager(models.Manager["Tenant"]):
    @transaction.atomic
    def create_tenant(self, *, name: str) -> tuple["Tenant", str]:
        """Create an active tenant with its default groups; return it with its client secret, shown this once."""
        secret = new_key(KeyKind.CLIENT_SECRET)
        tenant = self.create(name=name, client_secret_digest=digest(secret))
        tenant.user_groups.create(name="Admin", permissions=sorted(ALL_PERMISSIONS))
        tenant.user_groups.create(name="Developer", permissions=sorted(DEVELOPER_PERMISSIONS))
        return tenant, secret


class Tenant(models.Model):
    """A shop: the account that owns products, users, credentials and a plan."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    name = models.CharField(max_length=200)
    client_id = models.CharField(max_length=64, unique=True, default=new_client_id, editable=False)
    client_secret_digest = models.CharField(max_length=64, db_index=True, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    revision = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="another number whenever what the tenant has configured is another"
    )
    # Of an instance by which the revision was bumped, whose number may be rolled back; see accounts.revisions.
    is_changing = False
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[TenantManager] = TenantManager()

    def __str__(self) -> str:
        return self.name

    def replace_client_secret(self) -> str:
        """Give the tenant a new client secret and return it; the old one and its tokens stop working at once."""
        secret = new_key(KeyKind.CLIENT_SECRET)
        self.client_secret_digest = digest(secret)
        self.save(update_fields=["client_secret_digest"])
        return secret


class CallbackSecret(models.Model):
    """What signs the calls to the `callback_url` of a tenant's jobs; made at the first one."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    secret = EncryptedTextField()

    def __str__(self) -> str:
        return f"of {self.tenant_id}"


class UserGroup(models.Model):
    """A named set of permissions that a tenant gives to its users."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="user_groups")
    name = models.CharField(max_length=100)
    permissions = ArrayField(models.CharField(max_length=50), default=list)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "name", name="user_group_name_unique")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who signs in with this email address."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__lower=(email or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: a member of one tenant's team, or our own staff (no tenant)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="users", null=True, blank=True)
    email = models.EmailField()
    full_name = models.CharField(max_length=200, blank=True)
    user_groups = models.ManyToManyField(UserGroup, related_name="users", blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="A user with this email address exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.email


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, at: datetime) -> Self:
        """Keys that open the door at this time."""
        return self.filter(revoked_at=None).exclude(expires_at__lte=at)


class ApiKeyManager(models.Manager.from_queryset(ApiKeyQuerySet)):  # type: ignore[misc]
    def create_key(
        self, *, tenant: Tenant, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> tuple["ApiKey", str]:
        """Create an API key; return it with its secret, shown this once."""
        key = new_key(KeyKind.API_KEY)
        row: ApiKey = self.create(
            tenant=tenant,
            name=name,
            prefix=key[:SHOWN_LENGTH],
            digest=digest(key),
            scopes=scopes,
            expires_at=expires_at,
        )
        return row, key


class ApiKey(models.Model):
    """A long-lived key with scopes, for a merchant's servers; only its digest is kept."""

    # Writing the time of use at every request would turn each read into a write.
    LAST_USED_PRECISION = timedelta(minutes=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=SHOWN_LENGTH, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=50))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyManager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def record_use(self, at: datetime) -> None:
        """Remember that the key was used, to the minute."""
        if self.last_used_at is None or at - self.last_used_at > self.LAST_USED_PRECISION:
            ApiKey.objects.filter(pk=self.pk).update(last_used_at=at)


class IdempotentRequest(models.Model):
    """A write that came with an `Idempotency-Key`, and its answer once there is one."""

    KEPT_FOR = timedelta(hours=24)

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    location = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", "key", name="idempotent_request_unique")]

    def __str__(self) -> str:
        return self.key

    @classmethod
    def expired(cls) -> models.QuerySet["IdempotentRequest"]:
        """Return the answers that are too old to be replayed."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR)


class WebhookEndpointManager(models.Manager["WebhookEndpoint"]):
    def get_queryset(self) -> models.QuerySet["WebhookEndpoint"]:
        """Decrypt secrets only where they are needed: one that cannot be read any more takes nothing else with it."""
        return super().get_queryset().defer("secret", "previous_secret")


class WebhookEndpoint(models.Model):
    """Where a tenant wants to be told of events."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled", "Disabled by the shop"
        FAILING = "failing", "Disabled after days of failure"
        GONE = "gone", "Disabled because it answered 410"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="webhook_endpoints")
    webhook_id = models.CharField(max_length=40, unique=True, default=new_webhook_id, editable=False)
    url = models.URLField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=50))
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True, help_text="signs beside the present one until it expires")
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="of the first failure after the last success")
    paused_until = models.DateTimeField(null=True, blank=True, help_text="it has asked for slower deliveries")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[WebhookEndpointManager] = WebhookEndpointManager()

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.webhook_id


class WebhookEvent(models.Model):
    """Something that happened and that somebody wants to know: written in the transaction of what it tells of."""

    KEPT_FOR = timedelta(days=30)

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    event_id = models.CharField(max_length=40, unique=True, default=new_event_id, editable=False)
    type = models.CharField(max_length=50)
    data = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @classmethod
    def expired(cls) -> models.QuerySet["WebhookEvent"]:
        """Return the events that are older than the log of deliveries reaches."""
        return cls.objects.filter(created_at__lt=timezone.now() - cls.KEPT_FOR)


class WebhookDelivery(models.Model):
    """An event on its way to an endpoint, or to the `callback_url` of a job, until that has accepted it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="webhook_deliveries")
    delivery_id = models.CharField(max_length=40, unique=True, default=new_delivery_id, editable=False)
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", null=True, blank=True)
    callback_url = models.URLField(max_length=2000, blank=True, help_text="where there is no endpoint")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    due_at = models.DateTimeField(
        default=timezone.now, help_text="of the next attempt, while it is pending; while one is under way, its lease"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(default=list, help_text="the attempts: at, status, error, milliseconds, answer")
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index("endpoint", "due_at", name="delivery_due", condition=models.Q(status="pending")),
            models.Index(
                "tenant", "due_at", name="callback_due", condition=models.Q(status="pending", endpoint__isnull=True)
            ),
            models.Index("endpoint", models.F("created_at").desc(), models.F("id").desc(), name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return self.delivery_id


class AuditEntry(models.Model):
    """Who did what; the database refuses to change or delete one, and it outlives the tenant."""

    tenant_id = models.BigIntegerField(db_index=True)
    tenant_name = models.CharField(max_length=200)
    actor = models.CharField(max_length=300)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=300, blank=True)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
