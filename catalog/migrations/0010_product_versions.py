"""Remember which version of a product and of its pictures is stored."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models



class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0009_job_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name='product',
            name='is_exempt_from_moderation',
            field=models.BooleanField(db_default=False, default=False, help_text='somebody has looked at it and allowed it'),
        ),
        migrations.AddField(
            model_name='product',
            name='patched',
            field=models.JSONField(blank=True, db_default={}, default=dict, editable=False, help_text='when keys of the metadata were changed since it was sent whole'),
        ),
        migrations.AddField(
            model_name='product',
            name='sent_at',
            field=models.DateTimeField(blank=True, editable=False, help_text="of the merchant's version that is stored: when it was sent", null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='sent_whole_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='the same, but for changes of the metadata alone', null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='translations',
            field=models.JSONField(blank=True, db_default={}, default=dict, help_text='name and category in other languages, by language'),
        ),
        migrations.AddField(
            model_name='productimage',
            name='checked_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, help_text='last seen at its address'),
        ),
        migrations.AddField(
            model_name='productimage',
            name='etag',
            field=models.CharField(blank=True, db_default='', help_text='as its server named this version', max_length=300),
        ),
        migrations.AddField(
            model_name='productimage',
            name='last_modified',
            field=models.CharField(blank=True, db_default='', max_length=100),
        ),
    ]
