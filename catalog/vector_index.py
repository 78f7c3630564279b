"""HNSW indexes for large tenants, one partial index for each tenant and encoder, built while searches go on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, OuterRef

from catalog.models import Embedding, VectorIndex

logger = logging.getLogger(__name__)

# Any number that no other advisory lock of this database uses.
BUILD_LOCK = 7_462_001
# Building in memory is about ten times as quick; 100,000 vectors of 512 half floats need some 130 MB.
BUILD_MEMORY = "512MB"
# Candidates looked at for each vector while building, pgvector's default being 64. Words lie farther from all pictures
# than pictures from each other, and with the default two to three more of a hundred products are missed by them.
EF_CONSTRUCTION = 200


def build_missing_indexes() -> list[VectorIndex]:
    """Build the index of every tenant that has grown past EXACT_SEARCH_ROWS vectors; return what was built.

    Does nothing while another process is building.
    """
    with _build_lock() as is_ours:
        if not is_ours:
            return []
        return [_build(index) for index in _find_missing()]


def _find_missing() -> list[VectorIndex]:
    built = VectorIndex.objects.filter(tenant=OuterRef("tenant"), encoder=OuterRef("encoder"))
    large = (
        Embedding.objects.values("tenant", "encoder", "encoder__dimensions")
        .annotate(rows=Count("pk"))
        .filter(~Exists(built), rows__gt=settings.EXACT_SEARCH_ROWS)
    )
    return [VectorIndex(tenant_id=row["tenant"], encoder_id=row["encoder"], rows=row["rows"]) for row in large]


def _build(index: VectorIndex) -> VectorIndex:
    logger.info("building vector index", extra={"index": index.name, "rows": index.rows})
    with connection.cursor() as cursor:
        cursor.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY}'")
        # What a build that was killed has left behind; there is no VectorIndex for it, so nobody uses it.
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY {index.name} ON catalog_embedding"
            f" USING hnsw ((vector::halfvec({index.encoder.dimensions})) halfvec_cosine_ops)"
            f" WITH (ef_construction = {EF_CONSTRUCTION})"
            f" WHERE tenant_id = {index.tenant_id} AND encoder_id = {index.encoder_id}"
        )
        cursor.execute("RESET maintenance_work_mem")
    index.save()
    return index


@contextmanager
def _build_lock() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [BUILD_LOCK])
        is_ours: bool = cursor.fetchone()[0]
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])
