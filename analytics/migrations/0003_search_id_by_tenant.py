"""A search_id is unique among a tenant's searches: a client sends one back with a further page. Events come meanwhile."""

from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0002_tenant_revision"),
        ("analytics", "0002_feedback_and_history"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY search_event_id_unique"
                    " ON analytics_searchevent (tenant_id, search_id)",
                    "DROP INDEX CONCURRENTLY search_event_id_unique",
                ),
            ],
            state_operations=[
                migrations.AddConstraint(
                    model_name="searchevent",
                    constraint=models.UniqueConstraint("tenant", "search_id", name="search_event_id_unique"),
                ),
            ],
        ),
        migrations.AlterField(
            model_name="searchevent",
            name="search_id",
            field=models.CharField(max_length=40),
        ),
    ]
