"""Pictures on the pages of the admin."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from accounts.model_admin import NOTHING
from catalog.models import ProductImage


def show_picture(image: ProductImage | None, *, side: int) -> str:
    if image is None:
        return NOTHING
    style = f"width:{side}px;height:{side}px;object-fit:contain;background:#fff;border-radius:4px"
    return format_html('<img src="{}" alt="" loading="lazy" style="{}">', image.thumbnail.url, style)


class PictureColumns:
    """What a list shows of a picture."""

    @admin.display(description="")
    def preview(self, image: ProductImage) -> str:
        return show_picture(image, side=48)

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
