"""What a merchant has laid down: rules, banners and synonyms."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import Tenant
from merchandising.scopes import ScopeType

MIN_BOOST, MAX_BOOST = 0.01, 5.0
MAX_PRIORITY = 10_000
MAX_PRODUCT_IDS = 100
MAX_WORDS = 20
MAX_WORD_LENGTH = 80
HEX_COLOR = r"^#[0-9a-fA-F]{6}$"


class Configured(models.Model):
    """A row that a tenant configures; whoever changes it bumps the tenant's revision."""

    # The most that a tenant may have: all of them are read into memory for its searches.
    LIMIT: ClassVar[int]
    SHOWN_ORDER: ClassVar[tuple[str, ...]] = ("-created_at", "-pk")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Scheduled(Configured):
    """A row that takes part in some searches, those of lower priority number first and the newest among equals."""

    SHOWN_ORDER: ClassVar[tuple[str, ...]] = ("priority", "-created_at", "-pk")

    scope_type = models.CharField(max_length=20, choices=ScopeType, default=ScopeType.ALWAYS)
    scope_value = models.CharField(max_length=255, blank=True, help_text="the query or the category; none for always")
    priority = models.PositiveSmallIntegerField(
        default=100, validators=[MaxValueValidator(MAX_PRIORITY)], help_text="the lowest number goes first"
    )
    start_at = models.DateTimeField(null=True, blank=True, help_text="takes part from then on")
    end_at = models.DateTimeField(null=True, blank=True, help_text="takes part before then")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(start_at=None) | Q(end_at=None) | Q(end_at__gt=F("start_at")),
                name="%(class)s_ends_after_start",
                violation_error_message="It would end before it starts.",
            ),
            models.CheckConstraint(
                condition=Q(scope_type=ScopeType.ALWAYS, scope_value="")
                | Q(~Q(scope_type=ScopeType.ALWAYS), ~Q(scope_value="")),
                name="%(class)s_scope_has_value",
                violation_error_message="Every scope but always needs a value, and always takes none.",
            ),
        ]
        indexes = [models.Index("tenant", "priority", F("created_at").desc(), name="%(class)s_order")]


class MerchandisingRule(Scheduled):
    """Moves products in the results that it takes part in: out of them, up or down, or to the top."""

    LIMIT: ClassVar[int] = 1_000

    class Type(models.TextChoices):
        BURY = "bury", "Bury"
        BOOST = "boost", "Boost"
        PIN = "pin", "Pin"

    rule_type = models.CharField(max_length=10, choices=Type)
    product_ids = ArrayField(
        models.CharField(max_length=255), size=MAX_PRODUCT_IDS, help_text="a pin shows them in this order"
    )
    boost_multiplier = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_BOOST), MaxValueValidator(MAX_BOOST)],
        help_text="of a boost: the score is multiplied with it, and is 1 at most; below 1 it moves products down",
    )
    ignore_filters = models.BooleanField(
        default=False, help_text="of a pin: show the products even where the filters of a search leave them out"
    )
    description = models.CharField(max_length=500, blank=True)

    class Meta(Scheduled.Meta):
        constraints = [
            *Scheduled.Meta.constraints,
            models.CheckConstraint(
                condition=Q(rule_type="boost", boost_multiplier__range=(MIN_BOOST, MAX_BOOST))
                | Q(~Q(rule_type="boost"), boost_multiplier=None),
                name="rule_boost_has_multiplier",
                violation_error_message="A boost needs a multiplier from 0.01 to 5, and nothing else takes one.",
            ),
            models.CheckConstraint(
                condition=Q(ignore_filters=False) | Q(rule_type="pin"),
                name="rule_only_pins_ignore_filters",
                violation_error_message="Only a pin may ignore filters.",
            ),
            models.CheckConstraint(
                condition=Q(product_ids__len__gt=0),
                name="rule_has_products",
                violation_error_message="A rule names at least one product.",
            ),
        ]

    def __str__(self) -> str:
        return self.description or f"{self.get_rule_type_display()} {', '.join(self.product_ids[:3])}"


class PromoBanner(Scheduled):
    """A message of the shop's beside results."""

    LIMIT: ClassVar[int] = 200

    class Position(models.TextChoices):
        TOP = "top", "Above the results"
        MIDDLE = "middle", "Between the results"
        BOTTOM = "bottom", "Below the results"

    title = models.CharField(max_length=120)
    body = models.CharField(max_length=500, blank=True)
    cta_text = models.CharField("CTA text", max_length=60, blank=True)
    cta_url = models.CharField("CTA URL", max_length=2_000, blank=True)
    image_url = models.CharField("image URL", max_length=2_000, blank=True)
    background_color = models.CharField(max_length=7, default="#08784f")
    foreground_color = models.CharField(max_length=7, default="#ffffff")
    position = models.CharField(max_length=10, choices=Position, default=Position.TOP)

    class Meta(Scheduled.Meta):
        constraints = [
            *Scheduled.Meta.constraints,
            models.CheckConstraint(
                condition=Q(background_color__regex=HEX_COLOR, foreground_color__regex=HEX_COLOR),
                name="banner_colors_are_hex",
                violation_error_message="Colours are written as #rrggbb.",
            ),
            models.CheckConstraint(
                condition=Q(cta_text="", cta_url="") | Q(~Q(cta_text=""), ~Q(cta_url="")),
                name="banner_cta_is_whole",
                violation_error_message="A call to action has both a text and an address.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class SynonymSet(Configured):
    """Words that mean the same, or that one word of a query may also mean."""

    LIMIT: ClassVar[int] = 1_000

    class Type(models.TextChoices):
        ONE_WAY = "one_way", "One way"
        TWO_WAY = "two_way", "Both ways"

    synonym_type = models.CharField(max_length=10, choices=Type, default=Type.TWO_WAY)
    root = models.CharField(
        max_length=MAX_WORD_LENGTH, blank=True, help_text="of one way: the word that may also mean the others"
    )
    words = ArrayField(models.CharField(max_length=MAX_WORD_LENGTH), size=MAX_WORDS)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(Q(synonym_type="one_way", words__len__gte=1), ~Q(root=""))
                | Q(synonym_type="two_way", root="", words__len__gte=2),
                name="synonyms_are_of_their_type",
                violation_error_message="One way needs a root and a word; both ways needs two words and no root.",
            ),
        ]
        indexes = [models.Index("tenant", F("created_at").desc(), name="synonymset_order")]

    def __str__(self) -> str:
        return f"{self.root} → {', '.join(self.words)}" if self.root else " = ".join(self.words)
