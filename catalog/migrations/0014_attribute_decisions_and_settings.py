"""Remember what was said to suggestions, and how a tenant wants its catalogue kept."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models



class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_webhooks_and_audit"),
        ("catalog", "0013_moderation"),
    ]

    operations = [
        migrations.CreateModel(
            name='AttributeDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attribute', models.CharField(max_length=30)),
                ('value', models.CharField(max_length=100)),
                ('accepted', models.BooleanField()),
                ('decided_by', models.CharField(max_length=300)),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='CatalogSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_multilingual', models.BooleanField(default=False, help_text='translate names and categories')),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=5), blank=True, default=list, help_text='ISO 639-1 codes', size=None)),
            ],
            options={
                'verbose_name_plural': 'catalog settings',
            },
        ),
        migrations.AddField(
            model_name='attributedecision',
            name='product',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attribute_decisions', to='catalog.product'),
        ),
        migrations.AddField(
            model_name='attributedecision',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant'),
        ),
        migrations.AddField(
            model_name='catalogsettings',
            name='tenant',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='catalog_settings', to='accounts.tenant'),
        ),
        migrations.AddConstraint(
            model_name='attributedecision',
            constraint=models.UniqueConstraint(models.F('product'), models.F('attribute'), models.F('value'), name='attribute_decision_unique'),
        ),
    ]
