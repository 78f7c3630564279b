"""Products, pictures, vectors and jobs, for staff: to look at, to index again and to remove."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.model_admin import (
    BY_TENANT,
    ConfigurationAdmin,
    ReadOnlyAdmin,
    StaffAdmin,
    asks_first,
    name_rows,
    status_column,
)
from accounts.models import Tenant
from accounts.revisions import bump_revisions
from catalog.job_report import with_progress
from catalog.jobs import JobConflict, cancel_job, reindex_products, retry_failed
from catalog.models import (
    CustomField,
    Embedding,
    Encoder,
    Job,
    JobItem,
    Product,
    ProductImage,
    RelevanceCalibration,
    VectorIndex,
)
from catalog.products import delete_products
from catalog.relevance import calibration_of
from catalog.vision.relevance import FAIR, STRONG

# A picture can be sent inside a document, as megabytes of base64.
SHOWN_DOCUMENT = 4_000
NOTHING = "-"


def _picture(image: ProductImage | None, *, side: int) -> str:
    if image is None:
        return NOTHING
    style = f"width:{side}px;height:{side}px;object-fit:contain;background:#fff;border-radius:4px"
    return format_html('<img src="{}" alt="" loading="lazy" style="{}">', image.thumbnail.url, style)


class PictureColumns:
    """What a list shows of a picture."""

    @admin.display(description="")
    def preview(self, image: ProductImage) -> str:
        return _picture(image, side=48)

    @admin.display
    def size(self, image: ProductImage) -> str:
        return f"{image.width} x {image.height}"

    @admin.display(description="quality")
    def grade(self, image: ProductImage) -> str:
        return f"{image.quality['score']:.2f} {image.quality['grade']}"

    @admin.display(description="palette")
    def swatches(self, image: ProductImage) -> str:
        return format_html_join(
            " ",
            '<span title="{} {}" class="inline-block rounded-default w-4 h-4" style="background:{}"></span>',
            ((swatch["name"], f"{swatch['share']:.0%}", swatch["hex"]) for swatch in image.palette),
        )


class PictureInline(PictureColumns, TabularInline):  # type: ignore[misc]
    model = ProductImage
    fields = ["preview", "size", "product_type", "grade", "swatches"]
    readonly_fields = fields
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = [
        "picture",
        "product_id",
        "name",
        "tenant",
        "category",
        "shown_price",
        "shown_quality",
        "shown_status",
        "updated_at",
    ]
    list_display_links = ["picture", "product_id"]
    list_filter = [BY_TENANT, "status", "is_demo", "in_stock", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["product_id", "name"]
    inlines = [PictureInline]
    actions = ["reindex"]
    shown_status = status_column(indexed="success", failed="danger")
    fieldsets = [
        (None, {"fields": ["cover", "tenant", "product_id", "shown_status", "error_code", "error_message", "is_demo"]}),
        (
            "Sent by the shop",
            {
                "fields": [
                    "name",
                    "category",
                    "brand",
                    "shown_price",
                    "in_stock",
                    "tags",
                    "parent_id",
                    "image_urls",
                    "metadata",
                ]
            },
        ),
        ("Seen in the pictures", {"fields": ["product_type", "colors", "shown_quality"]}),
        ("When", {"fields": ["created_at", "updated_at", "indexed_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        products: QuerySet[Product] = super().get_queryset(request).prefetch_related("images")
        return products

    has_delete_permission = StaffAdmin.has_delete_permission

    def get_deleted_objects(
        self, objs: Iterable[Product], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the products alone: Django would load every vector, and ask for rights that nobody has."""
        products = list(objs)
        pictures = ProductImage.objects.filter(product__in=products).count()
        return ([str(product) for product in products], {"products": len(products), "pictures": pictures}, set(), [])

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        delete_products(Product.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        delete_products(queryset)

    @admin.action(description="Re-index selected products", permissions=["act"])
    def reindex(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        jobs = [
            job
            for tenant in Tenant.objects.filter(products__in=products).distinct()
            if (job := reindex_products(tenant, products.filter(tenant=tenant))) is not None
        ]
        for job in jobs:
            self.log_addition(request, job, f"Indexes {job.total:,} product{pluralize(job.total)} again")
        started = sum(job.total for job in jobs)
        if jobs:
            messages.success(request, f"Indexing {started:,} product{pluralize(started)} again: {name_rows(jobs)}.")
        if left := products.count() - started:
            messages.warning(
                request, f"{left:,} product{pluralize(left)} came with the picture itself: nothing to fetch again."
            )

    @admin.display(description="")
    def picture(self, product: Product) -> str:
        return _picture(product.images.first(), side=36)

    @admin.display
    def cover(self, product: Product) -> str:
        return _picture(product.images.first(), side=240)

    @admin.display(description="price", ordering="price")
    def shown_price(self, product: Product) -> str:
        return NOTHING if product.price is None else f"{product.price:,.2f} {product.currency}"

    @admin.display(description="quality", ordering="quality")
    def shown_quality(self, product: Product) -> str:
        return NOTHING if product.quality is None else f"{product.quality:.2f}"


@admin.register(CustomField)
class CustomFieldAdmin(ConfigurationAdmin):
    """What a shop's products must be like; their type is left to the API, which checks the products first."""

    list_display = ["key", "tenant", "display_name", "type", "filterable", "facet", "required", "checked"]
    list_filter = [BY_TENANT, "type", "filterable", "facet", "required"]
    list_select_related = ["tenant"]
    search_fields = ["key__exact", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = [
        "tenant",
        "key",
        "display_name",
        "type",
        "enum_values",
        "filterable",
        "facet",
        "required",
        "revalidation",
        "created_at",
    ]
    readonly_fields = ["tenant", "key", "type", "enum_values", "revalidation", "created_at"]
    saved_fields = ["display_name", "filterable", "facet", "required"]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    @admin.display
    def checked(self, field: CustomField) -> str:
        report = field.revalidation
        return f"{report['status']}, {report['misfits']:,} of {report['checked']:,} misfit" if report else NOTHING


@admin.register(ProductImage)
class ProductImageAdmin(PictureColumns, ReadOnlyAdmin):
    list_display = ["preview", "product", "tenant", "position", "size", "product_type", "grade", "swatches"]
    list_display_links = ["preview", "product"]
    list_filter = [BY_TENANT]
    list_select_related = ["tenant", "product"]
    search_fields = ["product__product_id__exact", "sha256__exact", "product_type__exact"]
    ordering = ["-pk"]
    fields = [
        "picture",
        "tenant",
        "product",
        "position",
        "size",
        "sha256",
        "swatches",
        "product_type",
        "product_type_confidence",
        "shown_attributes",
        "shown_moderation",
        "quality",
        "outline",
    ]

    @admin.display(description="attributes")
    def shown_attributes(self, image: ProductImage) -> str:
        values = [
            f"{name}: {suggestion['value']} {suggestion['confidence']:.0%}"
            for name, suggestions in image.attributes.items()
            for suggestion in suggestions
        ]
        return ", ".join(values) or NOTHING

    @admin.display(description="moderation")
    def shown_moderation(self, image: ProductImage) -> str:
        return ", ".join(f"{category} {score:.2f}" for category, score in image.moderation.items()) or NOTHING

    @admin.display
    def outline(self, image: ProductImage) -> str:
        return f"{image.shape['aspect_ratio']:.2f} as wide as high, fills {image.shape['fill']:.0%} of its box"

    @admin.display
    def picture(self, image: ProductImage) -> str:
        return _picture(image, side=320)


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


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["job_id", "tenant", "kind", "shown_status", "progress", "failed", "created_at", "finished_at"]
    list_filter = [BY_TENANT, "status", "kind", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["job_id__startswith", "tenant__name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    actions = ["retry_failed", "cancel"]
    shown_status = status_column(processing="info", completed="success", failed="danger", canceled="warning")
    fieldsets = [
        (None, {"fields": ["job_id", "tenant", "kind", "shown_status", "progress", "failed", "item_links"]}),
        ("When", {"fields": ["created_at", "started_at", "active_at", "finished_at"]}),
        ("Callback", {"fields": ["callback_url", "callback_due_at", "callback_attempts"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return with_progress(super().get_queryset(request))

    @admin.action(description="Retry failed items of selected jobs", permissions=["act"])
    def retry_failed(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        retried = []
        for job in jobs:
            try:
                if retry_failed(job):
                    retried.append(job)
            except JobConflict as conflict:
                messages.error(request, f"{job}: {conflict.detail}")
        self.report(request, retried, "Queued the failed items again")

    @admin.action(description="Cancel selected jobs", permissions=["act"])
    @asks_first("Items that wait are never indexed; those at work still finish.")
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        canceled = []
        for job in jobs:
            try:
                cancel_job(job)
                canceled.append(job)
            except JobConflict as conflict:
                messages.error(request, f"{job}: {conflict.detail}")
        self.report(request, canceled, "Cancelled")

    @admin.display
    def progress(self, job: Any) -> str:
        return f"{job.processed:,} of {job.total:,}"

    @admin.display
    def failed(self, job: Any) -> int:
        return int(job.failed)

    @admin.display(description="items")
    def item_links(self, job: Job) -> str:
        every = f"{reverse('admin:catalog_jobitem_changelist')}?job__id__exact={job.pk}"
        links = [(every, "all"), (f"{every}&status__exact={JobItem.Status.FAILED}", "failed")]
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', links)


@admin.register(JobItem)
class JobItemAdmin(ReadOnlyAdmin):
    list_display = ["product_id", "job", "index", "tenant", "shown_status", "attempts", "code", "message"]
    list_filter = [BY_TENANT, "status", "retryable"]
    list_select_related = ["tenant", "job"]
    search_fields = ["product_id__exact", "job__job_id__exact", "code__exact"]
    shown_status = status_column(processing="info", succeeded="success", failed="danger", canceled="warning")
    fields = [
        "tenant",
        "job",
        "index",
        "product_id",
        "shown_status",
        "attempts",
        "leased_until",
        "code",
        "message",
        "retryable",
        "shown_document",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobItem]:
        items: QuerySet[JobItem] = super().get_queryset(request).defer("document")
        return items

    @admin.display(description="document, as it was sent")
    def shown_document(self, item: JobItem) -> str:
        text = json.dumps(item.document, indent=2, ensure_ascii=False)
        shown = text if len(text) <= SHOWN_DOCUMENT else f"{text[:SHOWN_DOCUMENT]}…"
        return format_html('<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{}</pre>', shown)
