"""How many products one request of the Catalog API may hold, by the tiers of its document."""

from django.db import migrations, models

BATCH_SIZES = {"free": 10, "basic": 50, "premium": 100, "enterprise": 100}


def set_sizes(apps, schema_editor):
    plans = apps.get_model("billing", "Plan").objects
    for name, size in BATCH_SIZES.items():
        plans.filter(name=name).update(catalog_batch_size=size)


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_plans")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="catalog_batch_size",
            field=models.PositiveIntegerField(
                default=100, help_text="products in one request of the Catalog API"
            ),
        ),
        migrations.RunPython(set_sizes, migrations.RunPython.noop),
    ]
