"""Let jobs do more than index products, and their items wait for a moment to be tried again."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models



class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_filter_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='job',
            name='job_active',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_callback_due',
        ),
        migrations.RemoveField(
            model_name='job',
            name='callback_attempts',
        ),
        migrations.RemoveField(
            model_name='job',
            name='callback_due_at',
        ),
        migrations.AddField(
            model_name='job',
            name='options',
            field=models.JSONField(db_default={}, default=dict, help_text='what was asked for'),
        ),
        migrations.AddField(
            model_name='job',
            name='result',
            field=models.JSONField(help_text='what it has found or made', null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='source',
            field=models.CharField(blank=True, db_default='', help_text='the file that it came from', max_length=200),
        ),
        migrations.AddField(
            model_name='jobitem',
            name='action',
            field=models.CharField(choices=[('index', 'Index'), ('delete', 'Delete'), ('patch', 'Replace the metadata'), ('compare', 'Compare a block of products with all others'), ('export', 'Write a part of the export'), ('decide', 'Decide on suggestions of a part of the catalogue'), ('translate', 'Translate a part of the catalogue')], db_default='index', default='index', max_length=10),
        ),
        migrations.AlterField(
            model_name='jobitem',
            name='job',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='catalog.job'),
        ),
        migrations.AddField(
            model_name="jobitem",
            name="due_at",
            field=models.DateTimeField(null=True),
        ),
        # What is settled has none, as all rows have now; what is not is claimed when its worker's lease ends.
        migrations.RunSQL(
            "UPDATE catalog_jobitem SET due_at = coalesce(leased_until, now()) WHERE status IN ('queued', 'processing')",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="jobitem",
            name="due_at",
            field=models.DateTimeField(
                blank=True,
                db_default=django.db.models.functions.datetime.Now(),
                default=django.utils.timezone.now,
                help_text="not to be claimed before: its turn, or the end of its worker's lease; none once it is settled",
                null=True,
            ),
        ),
        migrations.RemoveField(
            model_name='jobitem',
            name='leased_until',
        ),
        migrations.AddField(
            model_name='jobitem',
            name='retries',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='after failures that time may mend, such as those of the network'),
        ),
        migrations.AlterField(
            model_name='job',
            name='active_at',
            field=models.DateTimeField(editable=False, help_text='when somebody last claimed from it', null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='kind',
            field=models.CharField(choices=[('index', 'Import'), ('demo', 'Demo shop'), ('reindex', 'Re-index'), ('sync', 'Full sync'), ('delete', 'Delete products'), ('duplicates', 'Scan for duplicates'), ('export', 'Export'), ('attributes', 'Decide on suggestions'), ('translate', 'Translate the catalogue')], max_length=10),
        ),
        migrations.AlterField(
            model_name='jobitem',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, help_text='by workers, since it was last queued'),
        ),
        migrations.AlterField(
            model_name='jobitem',
            name='document',
            field=models.JSONField(help_text='the product as it was sent, or what else the step is about'),
        ),
        migrations.AddField(
            model_name='job',
            name='counts',
            field=models.JSONField(editable=False, help_text='its items by status, once none is left to do', null=True),
        ),
    ]
