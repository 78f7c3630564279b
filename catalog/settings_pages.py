"""The portal's page of settings: languages, export, and the danger zone."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.catalog_settings import change_multilingual, multilingual_of, translation_job
from catalog.danger_zone import CONFIRMATION, delete_all_products, export_catalogue
from catalog.jobs.report import open_download, with_progress
from catalog.jobs.rights import missing_right
from catalog.models import Job, Product
from catalog.settings_api import MultilingualInput
from catalog.translation.products import shown_translations
from catalog.translation.translators import glossary_languages

LANGUAGE_NAMES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "pl": "Polish",
}
# Products that are looked at for one that can be shown in other languages.
EXAMPLES = 50


@dataclass(frozen=True)
class Language:
    code: str
    name: str
    is_chosen: bool


@dataclass(frozen=True)
class Example:
    """A product, and what it is called in other languages."""

    product: Product
    translations: list[tuple[str, str, str]]

    @property
    def image_url(self) -> str:
        cover = next(iter(self.product.images.all()), None)
        return cover.thumbnail.url if cover is not None else ""


@dataclass(frozen=True)
class Progress:
    """A job as the page shows it; `share` is 0 to 100."""

    job: Job
    share: int
    download_url: str = ""


@require_GET
@portal_page("settings:read")
def overview(request: PortalRequest) -> HttpResponse:
    """Show what is chosen, how far it has come, and what can be done with all products."""
    tenant, permissions = request.caller.tenant, request.caller.permissions
    chosen = multilingual_of(tenant)
    context = _jobs(request) | {
        "multilingual": chosen,
        "languages": [Language(code, LANGUAGE_NAMES[code], code in chosen.languages) for code in glossary_languages()],
        "example": _example(tenant) if chosen.enabled else None,
        "products": tenant.products.count(),
        "demo_products": tenant.products.filter(is_demo=True).count(),
        "confirmation": CONFIRMATION,
        "can_write": "settings:write" in permissions,
        "can_export": missing_right(Job.Kind.EXPORT, permissions) is None,
        "can_delete": "products:delete" in permissions,
    }
    return render(request, "catalog/settings.html", context)


@require_GET
@portal_page("settings:read")
def progress(request: PortalRequest) -> HttpResponse:
    """Show how far the jobs of this page have come; htmx asks while one is at work."""
    part = request.GET.get("part")
    template = f"catalog/settings_{part}.html" if part in ("translation", "export", "deletion") else ""
    if not template:
        return redirect("settings")
    can_export = missing_right(Job.Kind.EXPORT, request.caller.permissions) is None
    return render(request, template, _jobs(request) | {"can_export": can_export})


@require_POST
@portal_page("settings:write")
def save_multilingual(request: PortalRequest) -> HttpResponse:
    """Keep what was ticked."""
    form = MultilingualInput(
        data={"enabled": request.POST.get("enabled") == "on", "languages": request.POST.getlist("language")}
    )
    if not form.is_valid():
        messages.error(request, "There is no such language. Choose some of those below.")
        return redirect("settings")
    chosen = form.validated_data
    if chosen["enabled"] and not chosen["languages"]:
        messages.error(request, "Choose at least one language, or switch translations off.")
        return redirect("settings")
    change_multilingual(request.caller.tenant, request.caller.actor, **chosen)
    messages.success(request, "Saved. Your products follow in the background.")
    return redirect("settings")


@require_POST
@portal_page("settings:read")
def export(request: PortalRequest) -> HttpResponse:
    """Start an export."""
    if missing := missing_right(Job.Kind.EXPORT, request.caller.permissions):
        messages.error(request, f"Missing required permission: {missing}")
        return redirect("settings")
    export_catalogue(request.caller.tenant, request.caller.actor)
    return redirect("settings")


@require_POST
@portal_page("products:delete")
def delete_products(request: PortalRequest) -> HttpResponse:
    """Delete all products, if that is what was typed."""
    if request.POST.get("confirm", "").strip() != CONFIRMATION:
        messages.error(request, f"Nothing is deleted. Type {CONFIRMATION} to delete all products.")
        return redirect("settings")
    job = delete_all_products(request.caller.tenant, request.caller.actor)
    messages.success(request, f"{job.total} {'product is' if job.total == 1 else 'products are'} being deleted.")
    return redirect("settings")


def _jobs(request: PortalRequest) -> dict[str, Progress | None]:
    tenant, permissions = request.caller.tenant, request.caller.permissions
    return {
        "translation": _progress(translation_job(tenant), permissions),
        "export": _progress(_newest(tenant, Job.Kind.EXPORT), permissions),
        "deletion": _progress(_newest(tenant, Job.Kind.DELETE), permissions),
    }


def _newest(tenant: Tenant, kind: Job.Kind) -> Job | None:
    return with_progress(tenant.jobs.filter(kind=kind)).order_by("-created_at", "-pk").first()


def _progress(job: Job | None, permissions: Collection[str]) -> Progress | None:
    if job is None:
        return None
    done: int = job.processed  # type: ignore[attr-defined]  # of with_progress
    share = 100 if job.finished_at is not None else 100 * done // max(1, job.total)
    return Progress(job, share, open_download(job, permissions))


def _example(tenant: Tenant) -> Example | None:
    """Return the product of the newest that is called something in the most languages, a long name first."""
    newest = tenant.products.exclude(translations={}).prefetch_related("images").order_by("-created_at", "-pk")
    examples = [Example(product, _said(product)) for product in newest[:EXAMPLES]]
    best = max(examples, key=lambda example: (len(example.translations), len(example.product.name)), default=None)
    return best if best is not None and best.translations else None


def _said(product: Product) -> list[tuple[str, str, str]]:
    shown = shown_translations(product.translations, product.metadata)
    return [
        (code, LANGUAGE_NAMES[code], said.get("name", ""))
        for code, said in sorted(shown.items(), key=lambda item: glossary_languages().index(item[0]))
        if said.get("name")
    ]
