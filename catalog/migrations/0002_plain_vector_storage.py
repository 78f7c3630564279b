"""Keep vectors inside their rows: TOAST would fetch each from another table, and compress what does not compress."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE catalog_embedding ALTER COLUMN vector SET STORAGE PLAIN",
            "ALTER TABLE catalog_embedding ALTER COLUMN vector SET STORAGE EXTERNAL",
        ),
    ]
