"""The plans that every installation starts with; staff change them in the admin."""

from django.db import migrations

PLANS = [
    # name, title, price, products, requests a minute, calls a month, products in one bulk request
    ("free", "Free", "0", 100, 10, 1_000, 100),
    ("basic", "Basic", "29.99", 5_000, 60, None, 1_000),
    ("premium", "Premium", "99.99", 50_000, 200, None, 5_000),
    ("enterprise", "Enterprise", "299.99", None, None, None, 10_000),
]


def create_plans(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for position, (name, title, price, products, per_minute, monthly, batch) in enumerate(PLANS):
        plan.objects.create(
            name=name,
            title=title,
            monthly_price=price,
            max_products=products,
            requests_per_minute=per_minute,
            monthly_calls=monthly,
            max_batch_size=batch,
            position=position,
        )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [migrations.RunPython(create_plans, migrations.RunPython.noop)]
