from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("pool", "0006_file_outcomes"),
    ]

    operations = [
        migrations.RemoveField(model_name="importjob", name="duplicates"),
        migrations.RemoveField(model_name="importjob", name="refused"),
    ]
