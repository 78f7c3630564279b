"""Find the products that are there already by their colours; each product's are written once, batch by batch."""

from django.db import migrations
from django.db.models import Max

BATCH = 10_000

FILL = """
    INSERT INTO catalog_productcolor (tenant_id, product_id, rgb, share)
    SELECT
        image.tenant_id,
        image.product_id,
        ARRAY[
            ('x' || substr(swatch.hex, 2, 2))::bit(8)::int,
            ('x' || substr(swatch.hex, 4, 2))::bit(8)::int,
            ('x' || substr(swatch.hex, 6, 2))::bit(8)::int
        ]::vector,
        swatch.share
    FROM catalog_productimage image, jsonb_to_recordset(image.palette) AS swatch(hex text, share double precision)
    WHERE
        image.position = 0
        AND image.product_id >= %s
        AND image.product_id < %s
        AND swatch.share >= 0.15
        AND NOT EXISTS (SELECT FROM catalog_productcolor known WHERE known.product_id = image.product_id)
    ORDER BY image.product_id, swatch.share DESC
"""


def fill_product_colors(apps, schema_editor):
    last = apps.get_model("catalog", "Product").objects.aggregate(last=Max("pk"))["last"] or 0
    with schema_editor.connection.cursor() as cursor:
        for start in range(0, last + 1, BATCH):
            cursor.execute(FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0005_search_columns")]

    operations = [migrations.RunPython(fill_product_colors, migrations.RunPython.noop)]
