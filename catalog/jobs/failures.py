"""Why products of a job have failed, by cause, so that a merchant repairs all of a kind at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import Case, Count, F, Func, Max, Min, Q, QuerySet, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left

from catalog.documents import MAX_URL_LENGTH
from catalog.jobs.items import NOT_WELL_FORMED
from catalog.jobs.report import failed_items
from catalog.models import Job, JobItem

# Groups that are shown, the largest first.
MAX_GROUPS = 30
# Its message is about one product, and so no reason that it shares with others: all are one group.
ONE_GROUP = frozenset({NOT_WELL_FORMED})
# Failures of the way to a picture: each host has its own.
BY_HOST = frozenset({"image_fetch_failed", "invalid_image_url"})


@dataclass(frozen=True)
class Cause:
    """What a code of failure means to a merchant, and what helps."""

    title: str
    hint: str


CAUSES: Mapping[str, Cause] = MappingProxyType(
    {
        "image_fetch_failed": Cause(
            "Picture could not be downloaded",
            "Open an address below in a browser that is not signed in. If the picture shows, retry. "
            "If not, put it back or send the product with another address.",
        ),
        "invalid_image_url": Cause(
            "The picture's address cannot be used",
            "Send the product with a complete public address, such as https://shop.example/shoe.jpg.",
        ),
        "image_too_large": Cause(
            "Picture is too large", "Save it smaller: 2,000 pixels wide or high are plenty. Then retry."
        ),
        "unsupported_format": Cause(
            "Picture has a format that we cannot read",
            "Save it as JPEG, PNG or WebP, then retry.",
        ),
        "image_decode_failed": Cause(
            "Picture is broken", "It may have been cut off when it was uploaded. Upload it again, then retry."
        ),
        "invalid_image_data": Cause(
            "Picture inside the request is no picture", "Check how your program encodes it, and send the product again."
        ),
        NOT_WELL_FORMED: Cause(
            "Product was not sent as it must be",
            "Correct what the message names in your feed and send these products again: a retry cannot help.",
        ),
        "plan_limit_reached": Cause(
            "Your plan is full", "Delete products that you no longer sell or choose a larger plan, then retry."
        ),
        "moderation_blocked": Cause(
            "Picture was refused by moderation",
            "Look at it under Moderation. If it is harmless, allow it, then retry.",
        ),
        "worker_lost": Cause(
            "Indexing stopped at this product", "Retry once. If it stops again, send us the picture: the fault is ours."
        ),
        "not_found": Cause("Product was deleted meanwhile", "If you want it back, send it again."),
    }
)


@dataclass(frozen=True)
class FailureGroup:
    """Failed products of a job with one code, and one reason and host where that code has them (else empty)."""

    code: str
    host: str
    reason: str
    products: int
    message: str
    is_uniform: bool

    @property
    def cause(self) -> Cause:
        return CAUSES.get(self.code) or Cause(
            self.code.replace("_", " ").capitalize(), "Correct what the message names, then retry."
        )

    @property
    def can_retry(self) -> bool:
        return self.code != NOT_WELL_FORMED


def failure_groups(job: Job) -> list[FailureGroup]:
    """Return the largest groups of a job's failed products, the largest first."""
    groups = (
        failures(job)  # type: ignore[misc]  # the annotations
        .order_by()
        .values("code", "host", "reason")
        .annotate(products=Count("pk"), first=Min("message"), last=Max("message"))
        .order_by("-products", "code", "host", "reason")[:MAX_GROUPS]
    )
    return [
        FailureGroup(
            group["code"],
            group["host"],
            group["reason"],
            group["products"],
            message=group["first"],
            is_uniform=group["first"] == group["last"],
        )
        for group in groups
    ]


def failures(
    job: Job, *, code: str | None = None, host: str | None = None, reason: str | None = None
) -> QuerySet[JobItem]:
    """Return a job's failed items, or those of a group, with `address`, `link`, `host` and `reason`.

    `address` is that of the first picture, `link` the same if it is a web address, `host` its host where the code is
    one of hosts, and `reason` the first sentence of the message where it is not about one product alone.
    """
    items = failed_items(job, code).annotate(address=_address()).annotate(link=_link())
    items = items.annotate(
        host=_text(When(code__in=BY_HOST, then=_split("link", "/", 3)), Value("")),
        reason=_text(When(code__in=ONE_GROUP, then=Value("")), _split("message", ". ", 1)),
    )
    wanted = {"host": host, "reason": reason}
    return items.filter(**{name: value for name, value in wanted.items() if value is not None})


def _address() -> Left:
    # A picture may have been sent itself, as megabytes of base64, in place of its address.
    sent = Coalesce(
        KT("document__sent__image_url"), KT("document__sent__images__0"), KT("document__images__0"), Value("")
    )
    return Left(sent, MAX_URL_LENGTH)


def _link() -> Case:
    is_web = Q(address__startswith="https://") | Q(address__startswith="http://")
    return _text(When(is_web, then=F("address")), Value(""))


def _text(when: When, otherwise: Value | Func) -> Case:
    return Case(when, default=otherwise, output_field=TextField())


def _split(text: str, separator: str, part: int) -> Func:
    """Return a part of a text, from 1; a regular expression takes ten times as long."""
    return Func(F(text), Value(separator), Value(part), function="SPLIT_PART", output_field=TextField())
