from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='revision',
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text='another number whenever what the tenant has configured is another'),
        ),
    ]
