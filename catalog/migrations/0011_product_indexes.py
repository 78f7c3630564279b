"""Index pictures by when they were last seen, products by missing translations. Both can be written meanwhile."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models



class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0010_product_versions"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='productimage',
            index=models.Index(models.F('tenant'), models.F('checked_at'), name='image_checked'),
        ),
        # Its condition is that of `catalog.translation.products.stale_products`, word for word.
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY product_untranslated ON catalog_product (tenant_id, id)"
            " WHERE coalesce(translations #>> '{source,name}', '') <> name"
            " OR coalesce(translations #>> '{source,category}', '') <> category",
            "DROP INDEX CONCURRENTLY product_untranslated",
        ),
    ]
