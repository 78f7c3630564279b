"""Groups of near-duplicates, for staff: to look at side by side, and to open again."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline

from accounts.authentication import Caller
from accounts.model_admin import BY_TENANT, ReadOnlyAdmin, show_json, status_column
from catalog.admin.pictures import show_picture
from catalog.duplicates.groups import with_products
from catalog.duplicates.resolving import reopen_group
from catalog.models import DuplicateBlock, DuplicateGroup, DuplicateMember

# Of a group in the list.
SHOWN_PICTURES = 4


class MemberInline(TabularInline):  # type: ignore[misc]
    model = DuplicateMember
    fields = ["cover", "product_link", "shown_similarity"]
    readonly_fields = fields
    can_delete = False
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateMember]:
        members: QuerySet[DuplicateMember] = super().get_queryset(request)
        return members.select_related("product").prefetch_related("product__images").order_by("product_id")

    def has_add_permission(self, request: HttpRequest, obj: DuplicateGroup | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DuplicateGroup | None = None) -> bool:
        return False

    @admin.display(description="")
    def cover(self, member: DuplicateMember) -> str:
        return show_picture(member.cover, side=160)

    @admin.display(description="product")
    def product_link(self, member: DuplicateMember) -> str:
        link = reverse("admin:catalog_product_change", args=[member.product_id])
        name = f"{member.product.product_id} {member.product.name}".strip()
        return format_html('<a class="text-link" href="{}">{}</a>', link, name)

    @admin.display(description="similarity")
    def shown_similarity(self, member: DuplicateMember) -> str:
        return f"{member.similarity:.3f}"


@admin.register(DuplicateGroup)
class DuplicateGroupAdmin(ReadOnlyAdmin):
    is_audited_below = True
    list_display = ["group_id", "pictures", "tenant", "shown_state", "resolution", "least_similarity", "found_at"]
    list_filter = [BY_TENANT, "state", "found_at"]
    list_select_related = ["tenant"]
    search_fields = ["group_id__exact", "tenant__name"]
    ordering = ["-found_at"]
    inlines = [MemberInline]
    fields = [
        "tenant",
        "group_id",
        "shown_state",
        "resolution",
        "least_similarity",
        "found_at",
        "resolved_at",
        "resolved_by",
    ]
    actions = ["reopen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateGroup]:
        return with_products(super().get_queryset(request))

    @admin.action(description="Open selected groups again", permissions=["act"])
    def reopen(self, request: HttpRequest, groups: QuerySet[DuplicateGroup]) -> None:
        self.act_on_each(request, groups, "Opened again", lambda group: _reopen(request, group))

    @admin.display(description="products")
    def pictures(self, group: DuplicateGroup) -> str:
        members = list(group.members.all())
        shown = format_html_join(
            " ", "{}", ((show_picture(member.cover, side=36),) for member in members[:SHOWN_PICTURES])
        )
        return format_html('<span class="flex items-center gap-1">{} {}</span>', shown, len(members))

    @admin.display(description="similarity", ordering="similarity")
    def least_similarity(self, group: DuplicateGroup) -> str:
        return f"{group.similarity:.3f}"

    shown_state = status_column("state", open="info", resolved="success", ignored="warning")


def _reopen(request: HttpRequest, group: DuplicateGroup) -> bool:
    """Open a group again, unless it is open."""
    if group.state == DuplicateGroup.State.OPEN:
        return False
    staff = Caller(group.tenant, frozenset(), user=request.user)  # type: ignore[arg-type]  # nobody else gets here
    reopen_group(staff, group.group_id)
    return True


@admin.register(DuplicateMember)
class DuplicateMemberAdmin(ReadOnlyAdmin):
    list_display = ["picture", "product", "group", "tenant", "similarity"]
    list_display_links = ["picture", "product"]
    list_filter = [BY_TENANT, "group__state"]
    list_select_related = ["tenant", "group", "product"]
    search_fields = ["product__product_id__exact", "group__group_id__exact"]
    fields = ["picture", "tenant", "group", "product", "similarity"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateMember]:
        members: QuerySet[DuplicateMember] = super().get_queryset(request).prefetch_related("product__images")
        return members

    @admin.display(description="")
    def picture(self, member: DuplicateMember) -> str:
        return show_picture(member.cover, side=48)


@admin.register(DuplicateBlock)
class DuplicateBlockAdmin(ReadOnlyAdmin):
    """What steps of a scan have found so far; the last one joins it, and deletes it."""

    list_display = ["__str__", "job", "index", "tenant"]
    list_filter = [BY_TENANT]
    list_select_related = ["tenant", "job"]
    search_fields = ["job__job_id__exact"]
    fields = ["tenant", "job", "index", "shown_links"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicateBlock]:
        blocks: QuerySet[DuplicateBlock] = super().get_queryset(request).defer("links")
        return blocks

    @admin.display(description="links")
    def shown_links(self, block: DuplicateBlock) -> str:
        return show_json(block.links)
