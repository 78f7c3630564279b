"""The banners that an answer carries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Tenant
from accounts.revisions import until_changed
from merchandising.models import PromoBanner
from merchandising.scopes import Occasion, normalise

MAX_BANNERS = 3


@dataclass(frozen=True)
class Banner:
    """A message of the shop's beside results; what is empty is not shown."""

    id: str
    title: str
    body: str
    cta_text: str
    cta_url: str
    image_url: str
    background_color: str
    foreground_color: str
    position: str
    occasion: Occasion


def banners_for(tenant: Tenant, text: str, categories: Collection[str], at: datetime) -> list[Banner]:
    """Return the first three banners for a search in these words whose results have these categories."""
    found = {normalise(category) for category in categories}
    coming = [
        banner for banner in banners_of(tenant) if banner.occasion.is_open(text, at) and banner.occasion.comes(found)
    ]
    return coming[:MAX_BANNERS]


@until_changed
def banners_of(tenant: Tenant) -> tuple[Banner, ...]:
    """Return the active banners of a tenant, by priority, then the newest first."""
    rows = PromoBanner.objects.filter(tenant=tenant, active=True).order_by(*PromoBanner.SHOWN_ORDER)
    return tuple(_banner(row) for row in rows)


def _banner(row: PromoBanner) -> Banner:
    return Banner(
        id=str(row.pk),
        title=row.title,
        body=row.body,
        cta_text=row.cta_text,
        cta_url=row.cta_url,
        image_url=row.image_url,
        background_color=row.background_color,
        foreground_color=row.foreground_color,
        position=row.position,
        occasion=Occasion(row.scope_type, row.scope_value, row.start_at, row.end_at),
    )
