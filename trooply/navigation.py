"""The portal's navigation: the pages that somebody may open, in the order of a merchant's day."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.authentication import Caller


@dataclass(frozen=True)
class Page:
    """An entry: the name of its URL, what it is called, its icon, and the permission that its page asks for, if any."""

    name: str
    label: str
    icon: str
    permission: str


@dataclass(frozen=True)
class Section:
    """Pages that belong together, under a heading if there is one."""

    heading: str
    pages: tuple[Page, ...]


SECTIONS = (
    Section("", (Page("overview", "Overview", "overview", "products:read"),)),
    Section(
        "Catalogue",
        (
            Page("products", "Products", "products", "products:read"),
            Page("import", "Import", "import", "products:bulk"),
            Page("portal-jobs", "Jobs", "jobs", "products:read"),
            Page("quality", "Quality", "quality", "products:read"),
            Page("duplicates", "Duplicates", "duplicates", "products:read"),
            Page("attributes", "Attributes", "attributes", "products:read"),
            Page("moderation", "Moderation", "shield", "moderation:read"),
            Page("custom-fields", "Custom fields", "fields", "custom_fields:read"),
        ),
    ),
    Section(
        "Search",
        (
            Page("search", "Search", "search", "search:execute"),
            Page("history", "History", "history", "analytics:read"),
            Page("merchandising", "Merchandising", "pin", "merchandising:read"),
            Page("promos", "Promo banners", "banner", "banners:read"),
            Page("search-settings", "Ranking", "sliders", "settings:read"),
        ),
    ),
    Section(
        "Account",
        (
            Page("webhooks", "Webhooks", "webhooks", "webhooks:read"),
            Page("settings", "Settings", "settings", "settings:read"),
            Page("docs", "API docs", "docs", ""),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give templates the sections of pages that the signed-in user may open; nothing to others."""
    caller = getattr(request, "caller", None)
    if caller is None:
        return {}
    shown = [(section.heading, [page for page in section.pages if _may_open(caller, page)]) for section in SECTIONS]
    return {"navigation": [(heading, pages) for heading, pages in shown if pages]}


def _may_open(caller: Caller, page: Page) -> bool:
    return not page.permission or page.permission in caller.permissions
