"""Moderation, for staff: what was judged, what shops want of it, and the floors that no shop can loosen."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.model_admin import BY_TENANT, NOTHING, ReadOnlyAdmin, StaffAdmin, actor_of, asks_first, show_json
from accounts.revisions import lock_configuration
from catalog.models import ModerationEvent, ModerationFloor, ModerationPolicy, ProductImage
from catalog.moderation.policy import change_policy, default_thresholds, detector_notes, find_above_floors, policy_of
from catalog.moderation.review import review_event
from catalog.moderation.scores import CATEGORIES


def _threshold(*, required: bool) -> forms.FloatField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return forms.FloatField(min_value=0, max_value=1, required=required, widget=widget)


def _title(category: str) -> str:
    return category.replace("_", " ").capitalize()


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A shop's policy; a threshold left empty is the default."""

    nudity = _threshold(required=False)
    violence = _threshold(required=False)
    weapons = _threshold(required=False)
    drugs = _threshold(required=False)
    hate_symbols = _threshold(required=False)
    minors_risk = _threshold(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        defaults, floors = default_thresholds(), policy_of(self.instance.tenant).floors
        for name in CATEGORIES:
            floor = f", and our floor {floors[name]:g}: no threshold may be above it" if name in floors else ""
            self.fields[name].help_text = f"The default is {defaults[name]:g}{floor}."
            self.initial[name] = self.instance.thresholds.get(name)

    def clean(self) -> dict[str, Any]:
        """Refuse what a floor does; no floor can be laid until this is saved."""
        lock_configuration(self.instance.tenant)
        for name, message in find_above_floors(self.thresholds()).items():
            self.add_error(name, message)
        return self.cleaned_data

    def thresholds(self) -> Mapping[str, float | None]:
        return {name: self.cleaned_data.get(name) for name in CATEGORIES}


@admin.register(ModerationPolicy)
class ModerationPolicyAdmin(StaffAdmin):
    is_audited_below = True
    form = PolicyForm
    list_display = ["tenant", "enforce", "own_thresholds", "updated_at"]
    list_filter = [BY_TENANT, "enforce"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__name"]
    ordering = ["-updated_at"]
    fields = ["tenant", "enforce", *CATEGORIES, "updated_at"]
    readonly_fields = ["tenant", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the shop: one without a row watches and blocks nothing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModerationPolicy | None = None) -> bool:
        """Have thresholds emptied instead, which is audited as any other change of the policy."""
        return False

    def save_model(self, request: HttpRequest, obj: ModerationPolicy, form: Any, change: bool) -> None:
        change_policy(obj.tenant, actor_of(request), {"enforce": obj.enforce, "thresholds": form.thresholds()})

    @admin.display(description="thresholds of its own")
    def own_thresholds(self, policy: ModerationPolicy) -> str:
        return ", ".join(f"{name} {threshold:g}" for name, threshold in policy.thresholds.items()) or NOTHING


class FloorForm(forms.ModelForm):  # type: ignore[type-arg]
    category = forms.ChoiceField(choices=[(name, _title(name)) for name in CATEGORIES], widget=UnfoldAdminSelectWidget)
    threshold = _threshold(required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["threshold"].help_text = "0 to 1. A picture with this score, or more, is refused at every shop."


@admin.register(ModerationFloor)
class ModerationFloorAdmin(StaffAdmin):
    """Our own thresholds. Saving or deleting one has every process read every shop's policy anew."""

    form = FloorForm
    list_display = ["category", "threshold", "meaning"]
    search_fields = ["category"]
    ordering = ["category"]
    fields = ["category", "threshold", "meaning"]
    readonly_fields = ["meaning"]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ModerationFloor]) -> None:
        """Delete them one by one, as only that has policies read anew."""
        for floor in queryset:
            floor.delete()

    @admin.display(description="what it does")
    def meaning(self, floor: ModerationFloor) -> str:
        if floor._state.adding:
            return (
                "From there on pictures are refused at every shop, also in shadow mode, and no review can allow "
                "them. It counts from the next picture that is judged on; pictures that are indexed stay."
            )
        notes = {told["category"]: told["note"] for told in detector_notes()}
        return (
            f"Pictures that score {floor.threshold:g} or more are refused at every shop, also in shadow mode, and no "
            f"review can allow them. {notes.get(floor.category, '')}"
        )


class CategoryFilter(admin.SimpleListFilter):
    """Categories that there are; to ask the events which ones they have would read all of them."""

    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, _title(name)) for name in CATEGORIES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ModerationEvent]) -> QuerySet[ModerationEvent]:
        chosen = self.value()
        return queryset.filter(category=chosen) if chosen else queryset


@admin.register(ModerationEvent)
class ModerationEventAdmin(ReadOnlyAdmin):
    is_audited_below = True
    list_display = [
        "event_id",
        "tenant",
        "surface",
        "shown_category",
        "outcome",
        "product_id",
        "review",
        "created_at",
    ]
    list_filter = [BY_TENANT, "would_block", "blocked", "surface", CategoryFilter, "review", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["event_id__exact", "product_id__exact", "sha256__exact"]
    search_help_text = "The whole id of an event or a product, or the SHA-256 of a picture"
    fields = [
        "tenant",
        "event_id",
        "surface",
        "shown_category",
        "shown_scores",
        "would_block",
        "blocked",
        "product_id",
        "sha256",
        "picture",
        "review",
        "reviewed_by",
        "reviewed_at",
        "created_at",
    ]
    actions = ["allow_once", "allow_product", "confirm"]

    @admin.action(description="Allow these very pictures", permissions=["act"])
    @asks_first("The same pictures pass from now on, at these shops. Products that they held up are indexed again.")
    def allow_once(self, request: HttpRequest, events: QuerySet[ModerationEvent]) -> None:
        self._review(request, events, "allow_once", "Allowed these pictures")

    @admin.action(description="Allow their products, whatever they show", permissions=["act"])
    @asks_first("Whatever these products show passes from now on, but for what our own floors refuse.")
    def allow_product(self, request: HttpRequest, events: QuerySet[ModerationEvent]) -> None:
        self._review(request, events, "allow_product", "Allowed the products")

    @admin.action(description="Confirm that they were rightly flagged", permissions=["act"])
    def confirm(self, request: HttpRequest, events: QuerySet[ModerationEvent]) -> None:
        self._review(request, events, "confirm", "Confirmed")

    def _review(self, request: HttpRequest, events: QuerySet[ModerationEvent], decision: str, did: str) -> None:
        def review(event: ModerationEvent) -> None:
            reviewed = review_event(event.tenant, actor_of(request), event.event_id, decision)
            if reviewed.job is not None:
                messages.info(request, f"{event.product_id}: {reviewed.next_step}")

        self.act_on_each(request, events, did, review)

    @admin.display(description="category", ordering="category")
    def shown_category(self, event: ModerationEvent) -> str:
        return f"{event.category} {event.score:.2f} of {event.threshold:.2f}"

    @display(label={"blocked": "danger", "would block": "warning", "passed": "success"})  # type: ignore[untyped-decorator]
    def outcome(self, event: ModerationEvent) -> str:
        if event.blocked:
            return "blocked"
        return "would block" if event.would_block else "passed"

    @admin.display(description="scores")
    def shown_scores(self, event: ModerationEvent) -> str:
        return show_json(event.scores)

    @admin.display(description="picture")
    def picture(self, event: ModerationEvent) -> str:
        """Return the picture if it is kept, to be seen by who asks for it."""
        image = ProductImage.objects.filter(tenant=event.tenant, sha256=event.sha256).first()
        if image is None:
            return "None is kept: it was refused, or searched with."
        return format_html(
            '<details><summary class="cursor-pointer text-link">Show it</summary>'
            '<img src="{}" alt="The picture that was judged" loading="lazy" style="max-width:320px"></details>',
            image.thumbnail.url,
        )
