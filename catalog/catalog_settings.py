"""How a tenant wants its catalogue kept: read it, change it, and have the catalogue follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from rest_framework import serializers

from accounts import audit
from accounts.models import Tenant
from accounts.revisions import bump_revision
from catalog.jobs.lifecycle import create_job
from catalog.jobs.report import with_progress
from catalog.models import CatalogSettings, Job
from catalog.translation.steps import translation_steps


@dataclass(frozen=True)
class Multilingual:
    """Whether names and categories are translated, and to which languages (ISO 639-1)."""

    enabled: bool = False
    languages: tuple[str, ...] = ()


def multilingual_of(tenant: Tenant) -> Multilingual:
    """Return what a tenant has chosen; the languages are kept while it is off."""
    row = CatalogSettings.objects.filter(tenant=tenant).first()
    return Multilingual(row.is_multilingual, tuple(row.languages)) if row is not None else Multilingual()


@transaction.atomic
def change_multilingual(
    tenant: Tenant, actor: str, *, enabled: bool | None = None, languages: Sequence[str] | None = None
) -> Multilingual:
    """Change what is named, and start a job that brings all products up to date when that is another choice now.

    Switched off, it drops the translations. Raises ValidationError when it is on and has no languages.
    """
    bump_revision(tenant)
    before = multilingual_of(tenant)
    after = Multilingual(
        enabled=before.enabled if enabled is None else enabled,
        languages=before.languages if languages is None else tuple(dict.fromkeys(languages)),
    )
    if after == before:
        return after
    if after.enabled and not after.languages:
        message = serializers.ErrorDetail("Name the languages to translate to.", code="required")
        raise serializers.ValidationError({"multilingual": {"languages": [message]}})
    CatalogSettings.objects.update_or_create(
        tenant=tenant, defaults={"is_multilingual": after.enabled, "languages": list(after.languages)}
    )
    audit.record(tenant, actor, "settings.multilingual_changed", before=_told(before), after=_told(after))
    if before.enabled or after.enabled:
        create_job(tenant, Job.Kind.TRANSLATE, translation_steps(tenant))
    return after


def translation_job(tenant: Tenant) -> Job | None:
    """Return the job that last brought the translations up to date, with its progress."""
    return with_progress(tenant.jobs.filter(kind=Job.Kind.TRANSLATE)).order_by("-created_at", "-pk").first()


def _told(chosen: Multilingual) -> dict[str, object]:
    return {"enabled": chosen.enabled, "languages": list(chosen.languages)}
