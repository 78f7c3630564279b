"""Index jobs and items by whose turn it is. Jobs can be written meanwhile."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models



class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0008_job_steps"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='jobitem',
            index=models.Index(models.F('job'), models.F('due_at'), models.F('index'), condition=models.Q(('due_at', None), _negated=True), name='job_item_due'),
        ),
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(models.F('tenant'), models.F('active_at'), name='job_served'),
        ),
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(models.F('tenant'), models.OrderBy(models.F('active_at'), nulls_first=True), models.F('id'), condition=models.Q(('finished_at', None)), name='job_turn'),
        ),
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(models.F('created_at'), condition=models.Q(('finished_at', None)), name='job_unfinished'),
        ),
    ]
