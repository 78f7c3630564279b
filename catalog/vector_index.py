"""HNSW indexes for large tenants, one partial index for each tenant and encoder, built while searches go on."""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef

from accounts.models import Tenant
from accounts.revisions import bump_revision, bump_revisions
from catalog import locks
from catalog.models import Embedding, Encoder, VectorIndex

logger = logging.getLogger(__name__)

# Building in memory is about ten times as quick; 100,000 vectors of 512 half floats need some 130 MB.
BUILD_MEMORY = "512MB"
# Candidates looked at for each vector while building, pgvector's default being 64. Words lie farther from all pictures
# than pictures from each other, and with the default two to three more of a hundred products are missed by them.
EF_CONSTRUCTION = 200


def build_missing_indexes() -> list[VectorIndex]:
    """Build the index of every tenant that has grown past EXACT_SEARCH_ROWS vectors of the encoder that serves.

    Returns what was built. Does nothing while another process is building. An encoder that is filled in is left alone:
    to build once, when it is full, is quicker than to add each vector.
    """
    with locks.tried(locks.BUILD) as is_ours:
        if not is_ours:
            return []
        serving = Encoder.objects.filter(state=Encoder.State.SERVING)
        return [_build(index) for encoder in serving for index in _find_missing(encoder)]


def count_missing_indexes(encoder: Encoder) -> int:
    """Return how many tenants have grown large by an encoder's vectors and have no index of them."""
    return len(_find_missing(encoder))


def build_indexes(encoder: Encoder) -> Iterator[VectorIndex]:
    """Build the missing indexes of an encoder one by one, after whoever is building."""
    with locks.held(locks.BUILD):
        for index in _find_missing(encoder):
            yield _build(index)


def drop_indexes(encoder: Encoder) -> None:
    """Drop the indexes of an encoder, also one whose build was killed."""
    with locks.held(locks.BUILD):
        _stop_using(encoder)
        _drop(f"^embedding_hnsw_[0-9]+_{encoder.pk}$")


def drop_tenant_indexes(tenant: Tenant) -> None:
    """Drop the indexes of a tenant, also one whose build was killed."""
    with locks.held(locks.BUILD):
        VectorIndex.objects.filter(tenant=tenant).delete()
        _drop(f"^embedding_hnsw_{tenant.pk}_[0-9]+$")


def _drop(pattern: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'catalog_embedding' AND indexname ~ %s", [pattern]
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@transaction.atomic
def _stop_using(encoder: Encoder) -> None:
    indexes = VectorIndex.objects.filter(encoder=encoder)
    bump_revisions(indexes)
    indexes.delete()


def _find_missing(encoder: Encoder) -> list[VectorIndex]:
    built = VectorIndex.objects.filter(tenant=OuterRef("tenant"), encoder=encoder)
    large = (
        Embedding.objects.filter(encoder=encoder)
        .values("tenant")
        .annotate(rows=Count("pk"))
        .filter(~Exists(built), rows__gt=settings.EXACT_SEARCH_ROWS)
    )
    return [VectorIndex(tenant_id=row["tenant"], encoder=encoder, rows=row["rows"]) for row in large]


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
    with transaction.atomic():
        bump_revision(index.tenant)
        index.save()
    return index
