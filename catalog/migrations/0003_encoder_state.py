"""Let the database say which encoder serves; until now ENCODER said it in every process."""

from pathlib import PurePath

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import Count, F


def mark_serving(apps, schema_editor):
    """Take the encoder that ENCODER names, or, where its default has changed, the one with the most vectors."""
    encoders = apps.get_model("catalog", "Encoder").objects
    encoders.update(bundle=F("name"))
    serving = (
        encoders.filter(name=PurePath(settings.ENCODER).name).first()
        or encoders.annotate(vectors=Count("embeddings")).order_by("-vectors", "pk").first()
    )
    if serving is not None:
        is_named = serving.name == PurePath(settings.ENCODER).name
        bundle = settings.ENCODER if is_named else serving.name
        encoders.filter(pk=serving.pk).update(state="serving", bundle=bundle)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_plain_vector_storage")]

    operations = [
        migrations.AddField(
            "encoder",
            "bundle",
            models.CharField(blank=True, default="", help_text="a folder in ENCODER_DIR, or an absolute path", max_length=500),
            preserve_default=False,
        ),
        migrations.AddField(
            "encoder",
            "state",
            models.CharField(
                choices=[("serving", "Serving"), ("filling", "Filling"), ("standby", "Standby")],
                default="standby",
                help_text="searches use the serving one; new pictures get vectors of it and of the one that is filled in",
                max_length=10,
            ),
        ),
        migrations.AddField("encoder", "state_since", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.RunPython(mark_serving, migrations.RunPython.noop),
        migrations.AddConstraint(
            "encoder",
            models.UniqueConstraint(
                "state", name="encoder_serving_or_filling_unique", condition=models.Q(state__in=["serving", "filling"])
            ),
        ),
    ]
