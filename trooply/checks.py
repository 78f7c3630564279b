"""System checks of what the product cannot do without: a recent pgvector, and its scan options on every connection."""

import re
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import OperationalError, connection

# 0.8 brought iterative scans, without which a filtered page comes back short; 0.8.5 mended them for halfvec.
MINIMUM_PGVECTOR = (0, 8, 5)


@checks.register(checks.Tags.compatibility)
def check_pgvector(**kwargs: Any) -> list[CheckMessage]:
    """Check the version of pgvector and read its connection options back from the server."""
    try:
        return _check_server()
    except OperationalError as error:
        hint = f"Start the database, or correct DATABASE_URL: {error}"
        return [
            checks.Warning("PostgreSQL cannot be reached, so pgvector was not checked.", hint=hint, id="trooply.W001")
        ]


def _check_server() -> list[CheckMessage]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
        )
        row = cursor.fetchone()
        version = row[0] if row else ""
        options = {name: _show(cursor, name) for name in settings.VECTOR_OPTIONS}
    return [*_version_errors(version), *_option_errors(options)]


def _show(cursor: Any, name: str) -> str:
    cursor.execute("SELECT current_setting(%s, true)", [name])
    return cursor.fetchone()[0] or ""


def _version_errors(version: str) -> list[CheckMessage]:
    minimum = ".".join(map(str, MINIMUM_PGVECTOR))
    if not version:
        return [Error("PostgreSQL has no pgvector.", hint=f"Install pgvector {minimum} or later.", id="trooply.E001")]
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < MINIMUM_PGVECTOR:
        hint = f"Install pgvector {minimum} or later, then run ALTER EXTENSION vector UPDATE."
        return [Error(f"pgvector is {version}.", hint=hint, id="trooply.E002")]
    return []


def _option_errors(options: dict[str, str]) -> list[CheckMessage]:
    return [
        Error(
            f"{name} is {found!r} on the connection, not {settings.VECTOR_OPTIONS[name]!r}.",
            hint="A connection pooler between Django and PostgreSQL must pass the `options` parameter on.",
            id="trooply.E003",
        )
        for name, found in options.items()
        if found != settings.VECTOR_OPTIONS[name]
    ]
