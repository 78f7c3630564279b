"""Products and their pictures, for staff: to look at, to index again, to allow and to remove."""

from collections.abc import Iterable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import pluralize
from unfold.admin import TabularInline

from accounts.model_admin import (
    BY_TENANT,
    NOTHING,
    ReadOnlyAdmin,
    StaffAdmin,
    asks_first,
    name_rows,
    show_json,
    status_column,
)
from accounts.models import Tenant
from catalog.admin.pictures import PictureColumns, show_picture
from catalog.jobs.lifecycle import reindex_products
from catalog.models import AttributeDecision, Product, ProductImage
from catalog.products import delete_products


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
    list_filter = [BY_TENANT, "status", "is_demo", "in_stock", "is_exempt_from_moderation", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["product_id", "name"]
    inlines = [PictureInline]
    actions = ["reindex", "exempt", "end_exemption"]
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
                    "shown_metadata",
                ]
            },
        ),
        ("Made of it", {"fields": ["shown_translations", "is_exempt_from_moderation", "decisions"]}),
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

    @admin.action(description="Allow selected products in moderation", permissions=["act"])
    @asks_first("Whatever their pictures show is let through from now on, but for what our own floors refuse.")
    def exempt(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        self._set_exempt(request, products, "Allowed in moderation", is_exempt=True)

    @admin.action(description="Judge selected products again in moderation", permissions=["act"])
    def end_exemption(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        self._set_exempt(request, products, "No longer exempt from moderation", is_exempt=False)

    def _set_exempt(self, request: HttpRequest, products: QuerySet[Product], did: str, *, is_exempt: bool) -> None:
        # Locked in the order of those who delete products.
        rows = Product.objects.select_for_update().filter(pk__in=products.order_by().values("pk"))
        chosen = list(rows.filter(is_exempt_from_moderation=not is_exempt).order_by("pk"))
        Product.objects.filter(pk__in=[product.pk for product in chosen]).update(is_exempt_from_moderation=is_exempt)
        self.report(request, chosen, did)

    @admin.display(description="metadata")
    def shown_metadata(self, product: Product) -> str:
        return show_json(product.metadata)

    @admin.display(description="translations")
    def shown_translations(self, product: Product) -> str:
        return show_json(product.translations or None)

    @admin.display(description="suggestions decided on")
    def decisions(self, product: Product) -> str:
        rows = product.attribute_decisions.order_by("attribute", "value")
        return ", ".join(f"{row} {'accepted' if row.accepted else 'rejected'}" for row in rows) or NOTHING

    @admin.display(description="")
    def picture(self, product: Product) -> str:
        return show_picture(product.images.first(), side=36)

    @admin.display
    def cover(self, product: Product) -> str:
        return show_picture(product.images.first(), side=240)

    @admin.display(description="price", ordering="price")
    def shown_price(self, product: Product) -> str:
        return NOTHING if product.price is None else f"{product.price:,.2f} {product.currency}"

    @admin.display(description="quality", ordering="quality")
    def shown_quality(self, product: Product) -> str:
        return NOTHING if product.quality is None else f"{product.quality:.2f}"


@admin.register(ProductImage)
class ProductImageAdmin(PictureColumns, ReadOnlyAdmin):
    list_display = [
        "preview",
        "product",
        "tenant",
        "position",
        "size",
        "product_type",
        "grade",
        "swatches",
        "checked_at",
    ]
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
        "etag",
        "last_modified",
        "checked_at",
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
        return show_picture(image, side=320)


@admin.register(AttributeDecision)
class AttributeDecisionAdmin(ReadOnlyAdmin):
    """What was said to a suggestion; one that is deleted can be suggested again, and its product stays as it is."""

    list_display = ["product", "attribute", "value", "accepted", "tenant", "decided_by", "decided_at"]
    list_filter = [BY_TENANT, "accepted", "decided_at"]
    list_select_related = ["tenant", "product"]
    search_fields = ["product__product_id__exact", "value__exact", "decided_by"]
    fields = ["tenant", "product", "attribute", "value", "accepted", "decided_by", "decided_at"]

    has_delete_permission = StaffAdmin.has_delete_permission
