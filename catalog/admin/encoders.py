"""Encoders, their vectors, and what is computed from these, for staff."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.model_admin import BY_TENANT, NOTHING, ReadOnlyAdmin, asks_first, show_json
from accounts.revisions import bump_revisions
from catalog.models import Embedding, Encoder, EncoderHeads, RelevanceCalibration, VectorIndex
from catalog.relevance import calibration_of
from catalog.vision.near_duplicates import NEAR, Scale
from catalog.vision.relevance import FAIR, STRONG


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    list_display = ["name", "shown_state", "state_since", "vectors", "dimensions", "bundle", "created_at"]
    search_fields = ["name"]
    ordering = ["-created_at"]
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[Encoder]:
        encoders: QuerySet[Encoder] = super().get_queryset(request).annotate(counted=Count("embeddings"))
        return encoders

    @display(
        description="state",
        ordering="state",
        label={Encoder.State.SERVING: "success", Encoder.State.FILLING: "info"},
    )  # type: ignore[untyped-decorator]
    def shown_state(self, encoder: Encoder) -> str:
        return encoder.state

    @admin.display
    def vectors(self, encoder: Any) -> str:
        return f"{encoder.counted:,}"


@admin.register(EncoderHeads)
class EncoderHeadsAdmin(ReadOnlyAdmin):
    list_display = ["encoder", "called_duplicates", "digest", "created_at"]
    list_filter = ["encoder"]
    list_select_related = ["encoder"]
    search_fields = ["encoder__name", "digest__startswith"]
    fields = ["encoder", "called_duplicates", "shown_calibrations", "shown_relevance", "digest", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EncoderHeads]:
        heads: QuerySet[EncoderHeads] = super().get_queryset(request).defer("word_vectors")
        return heads

    @admin.display(description="called 0.95 alike")
    def called_duplicates(self, heads: EncoderHeads) -> str:
        return f"from cosine {Scale(**heads.duplicates).cosine(NEAR):.3f}" if heads.duplicates else NOTHING

    @admin.display(description="calibrations")
    def shown_calibrations(self, heads: EncoderHeads) -> str:
        return show_json(heads.calibrations)

    @admin.display(description="relevance")
    def shown_relevance(self, heads: EncoderHeads) -> str:
        return show_json(heads.relevance)


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    list_display = ["vector_id", "tenant", "product", "encoder"]
    list_filter = [BY_TENANT, "encoder"]
    list_select_related = ["tenant", "product", "encoder"]
    search_fields = ["product__product_id__exact"]
    fields = ["tenant", "product", "image", "encoder"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Embedding]:
        embeddings: QuerySet[Embedding] = super().get_queryset(request).defer("vector")
        return embeddings


@admin.register(RelevanceCalibration)
class RelevanceCalibrationAdmin(ReadOnlyAdmin):
    list_display = ["tenant", "mode", "encoder", "smart_threshold", "is_own", "pictures", "computed_at"]
    list_filter = [BY_TENANT, "encoder", "mode", "is_own"]
    list_select_related = ["tenant", "encoder"]
    search_fields = ["tenant__name"]
    ordering = ["-computed_at"]
    fields = [
        "tenant",
        "mode",
        "encoder",
        "smart_threshold",
        "fair_from",
        "strong_from",
        "is_own",
        "pictures",
        "queries",
        "scores",
        "computed_at",
    ]
    actions = ["compute_again"]

    @admin.action(description="Compute selected calibrations again", permissions=["act"])
    @asks_first("A worker computes them anew within minutes; until then these tenants use the encoder's own.")
    def compute_again(self, request: HttpRequest, calibrations: QuerySet[RelevanceCalibration]) -> None:
        given_up = list(calibrations)
        calibrations.delete()
        self.report(request, given_up, "Given up, to be computed again")

    @admin.display
    def smart_threshold(self, row: RelevanceCalibration) -> str:
        return f"{calibration_of(row).threshold:.3f}"

    @admin.display
    def fair_from(self, row: RelevanceCalibration) -> str:
        return f"{calibration_of(row).curve.crossing(FAIR):.3f}"

    @admin.display
    def strong_from(self, row: RelevanceCalibration) -> str:
        return f"{calibration_of(row).curve.crossing(STRONG):.3f}"


@admin.register(VectorIndex)
class VectorIndexAdmin(ReadOnlyAdmin):
    list_display = ["name", "tenant", "encoder", "rows", "built_at"]
    list_filter = [BY_TENANT, "encoder"]
    list_select_related = ["tenant", "encoder"]
    search_fields = ["tenant__name"]
    ordering = ["-built_at"]
    actions = ["rebuild"]

    @admin.action(description="Build selected indexes again", permissions=["act"])
    @asks_first("A worker builds them anew, which takes minutes; until then these tenants are searched row by row.")
    def rebuild(self, request: HttpRequest, indexes: QuerySet[VectorIndex]) -> None:
        with transaction.atomic():
            bump_revisions(indexes)
            given_up = list(indexes)
            indexes.delete()
        self.report(request, given_up, "Given up, to be built again")
