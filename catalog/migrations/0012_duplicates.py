"""Keep groups of near-duplicates, and what an encoder's cosines of them are called."""

import catalog.models
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models



class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0011_product_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicateGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group_id', models.CharField(default=catalog.models.new_group_id, editable=False, max_length=40, unique=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('resolved', 'Resolved'), ('ignored', 'Ignored')], default='open', max_length=10)),
                ('resolution', models.CharField(blank=True, help_text='the action that resolved it', max_length=20)),
                ('similarity', models.FloatField(help_text='of the two that are least alike of those that were joined, 0 to 1')),
                ('members_digest', models.CharField(help_text="of the products' rows: the same group found again", max_length=64)),
                ('found_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('resolved_by', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='DuplicateBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveIntegerField(help_text='of the step among those of its job')),
                ('links', models.JSONField(help_text='near-duplicates: the rows of two products, and their similarity 0 to 1')),
            ],
        ),
        migrations.CreateModel(
            name='DuplicateMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('similarity', models.FloatField(help_text='to the product of the group that is most like it, 0 to 1')),
            ],
        ),
        migrations.AddField(
            model_name='encoderheads',
            name='duplicates',
            field=models.JSONField(db_default={}, default=dict, help_text='what cosines of near-duplicates are called, 0 to 1'),
        ),
        migrations.AddField(
            model_name='duplicateblock',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.job'),
        ),
        migrations.AddField(
            model_name='duplicateblock',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant'),
        ),
        migrations.AddConstraint(
            model_name='duplicateblock',
            constraint=models.UniqueConstraint(models.F('job'), models.F('index'), name='duplicate_block_unique'),
        ),
        migrations.AddField(
            model_name='duplicategroup',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='duplicate_groups', to='accounts.tenant'),
        ),
        migrations.AddField(
            model_name='duplicatemember',
            name='group',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='catalog.duplicategroup'),
        ),
        migrations.AddField(
            model_name='duplicatemember',
            name='product',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product'),
        ),
        migrations.AddField(
            model_name='duplicatemember',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant'),
        ),
        migrations.AddIndex(
            model_name='duplicategroup',
            index=models.Index(models.F('tenant'), models.F('state'), models.OrderBy(models.F('similarity'), descending=True), models.OrderBy(models.F('id'), descending=True), name='duplicate_group_list'),
        ),
        migrations.AddConstraint(
            model_name='duplicategroup',
            constraint=models.UniqueConstraint(models.F('tenant'), models.F('members_digest'), name='duplicate_group_unique'),
        ),
        migrations.AddConstraint(
            model_name='duplicatemember',
            constraint=models.UniqueConstraint(models.F('group'), models.F('product'), name='duplicate_member_unique'),
        ),
    ]
