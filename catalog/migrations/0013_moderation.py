"""Keep policies, floors and events of moderation."""

import catalog.models
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


# At or above it a picture is refused for everybody. No ordinary photograph came near (of 4,401 at most 0.47).
FLOORS = {"minors_risk": 0.9}


def lay_floors(apps, schema_editor):
    floors = apps.get_model("catalog", "ModerationFloor")
    floors.objects.bulk_create(floors(category=category, threshold=threshold) for category, threshold in FLOORS.items())


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0012_duplicates"),
    ]

    operations = [
        migrations.CreateModel(
            name='ModerationEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(default=catalog.models.new_scan_id, editable=False, max_length=40, unique=True)),
                ('surface', models.CharField(choices=[('indexing', 'Indexing'), ('bulk', 'Bulk'), ('search_upload', 'Search Upload'), ('widget', 'Widget')], max_length=20)),
                ('category', models.CharField(max_length=30)),
                ('score', models.FloatField(help_text='0 to 1')),
                ('threshold', models.FloatField()),
                ('scores', models.JSONField(help_text='of all categories that were looked for, 0 to 1')),
                ('would_block', models.BooleanField(help_text='enforcing would have refused it')),
                ('blocked', models.BooleanField()),
                ('product_id', models.CharField(blank=True, help_text="the shop's own id", max_length=255)),
                ('sha256', models.CharField(help_text="of the picture's bytes", max_length=64)),
                ('review', models.CharField(blank=True, choices=[('', 'Not reviewed'), ('allowed_once', 'This picture is allowed'), ('allowed_product', 'The product is allowed'), ('confirmed', 'Rightly flagged')], max_length=20)),
                ('reviewed_by', models.CharField(blank=True, max_length=300)),
                ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='ModerationFloor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(max_length=30, unique=True)),
                ('threshold', models.FloatField(help_text='0 to 1')),
            ],
        ),
        migrations.CreateModel(
            name='ModerationPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('enforce', models.BooleanField(default=False, help_text='refuse what is flagged, instead of only telling of it')),
                ('thresholds', models.JSONField(default=dict, help_text='by category, where they are not the default; 0 to 1')),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name_plural': 'moderation policies',
            },
        ),
        migrations.AddField(
            model_name='moderationevent',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moderation_events', to='accounts.tenant'),
        ),
        migrations.AddField(
            model_name='moderationpolicy',
            name='tenant',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='moderation_policy', to='accounts.tenant'),
        ),
        migrations.AddIndex(
            model_name='moderationevent',
            index=models.Index(models.F('tenant'), models.OrderBy(models.F('created_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='moderation_newest'),
        ),
        migrations.AddIndex(
            model_name='moderationevent',
            index=models.Index(models.F('tenant'), models.OrderBy(models.F('created_at'), descending=True), condition=models.Q(('would_block', True)), name='moderation_flagged'),
        ),
        migrations.AddIndex(
            model_name='moderationevent',
            index=models.Index(models.F('tenant'), models.F('sha256'), condition=models.Q(('review', 'allowed_once')), name='moderation_allowed'),
        ),
        migrations.RunPython(lay_floors, migrations.RunPython.noop),
    ]
