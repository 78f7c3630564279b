"""Index what filters ask for most: brands, and values in metadata. Products can be written meanwhile."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0006_fill_product_colors"),
    ]

    operations = [
        AddIndexConcurrently(
            "product", models.Index("tenant", Lower("brand"), name="product_brand")
        ),
        AddIndexConcurrently(
            "product", GinIndex(OpClass("metadata", "jsonb_path_ops"), name="product_metadata")
        ),
    ]
