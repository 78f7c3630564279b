"""What searches filter, rank and group by. Rows get their ids in batches and indexes are built beside writes."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import pgvector.django.vector
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BATCH = 10_000


def give_ids(apps, schema_editor):
    Product = apps.get_model("catalog", "Product")
    last = Product.objects.aggregate(last=models.Max("pk"))["last"] or 0
    with schema_editor.connection.cursor() as cursor:
        for start in range(0, last + 1, BATCH):
            cursor.execute(
                "UPDATE catalog_product SET uuid = gen_random_uuid() WHERE uuid IS NULL AND id >= %s AND id < %s",
                [start, start + BATCH],
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0002_tenant_revision"),
        ("catalog", "0004_heads_and_relevance"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=40)),
                ("display_name", models.CharField(max_length=100)),
                ("type", models.CharField(choices=[("string", "String"), ("number", "Number"), ("boolean", "Boolean"), ("enum", "Enum"), ("date", "Date"), ("string[]", "list of strings")], max_length=10)),
                ("enum_values", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None)),
                ("filterable", models.BooleanField(default=True)),
                ("facet", models.BooleanField(default=False)),
                ("required", models.BooleanField(default=False)),
                ("revalidation", models.JSONField(blank=True, editable=False, help_text="of the last change of type: what was checked and what misfits", null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tenant", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="custom_fields", to="accounts.tenant")),
            ],
            options={"ordering": ["key"]},
        ),
        migrations.AddConstraint(
            model_name="customfield",
            constraint=models.UniqueConstraint(models.F("tenant"), models.F("key"), name="custom_field_key_unique"),
        ),
        migrations.CreateModel(
            name="ProductColor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rgb", pgvector.django.vector.VectorField(dimensions=3, help_text="red, green and blue, 0 to 255")),
                ("share", models.FloatField(help_text="of the product that has this colour, 0 to 1")),
                ("product", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="product_colors", to="catalog.product")),
                ("tenant", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.tenant")),
            ],
        ),
        migrations.AddIndex(
            model_name="productcolor",
            index=models.Index(models.F("tenant"), name="product_color_tenant"),
        ),
        migrations.AlterField(
            model_name="product",
            name="status",
            field=models.CharField(choices=[("pending", "Pending"), ("indexed", "Indexed"), ("failed", "Failed")], max_length=10),
        ),
        migrations.AddField(
            model_name="product",
            name="popularity",
            field=models.FloatField(db_default=0, default=0, help_text="from clicks, carts and purchases, 0 to 1"),
        ),
        migrations.AddField(
            model_name="product",
            name="uuid",
            field=models.UUIDField(editable=False, help_text="our own id of it", null=True),
        ),
        migrations.AlterField(
            model_name="product",
            name="uuid",
            field=models.UUIDField(default=uuid.uuid4, editable=False, help_text="our own id of it", null=True),
        ),
        migrations.RunPython(give_ids, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="product",
            index=models.Index(models.F("uuid"), name="product_uuid"),
        ),
        AddIndexConcurrently(
            model_name="product",
            index=models.Index(models.F("tenant"), models.F("parent_id"), condition=models.Q(("parent_id", ""), _negated=True), name="product_parent"),
        ),
    ]
