from django.db import migrations


class Migration(migrations.Migration):
    """Which queues have a worker is noted anew every ten seconds, in a table of jobs: nothing to carry over."""

    dependencies = [
        ('generation', '0002_longer_findings'),
    ]

    operations = [
        migrations.RenameField('generationjob', 'wishes', 'image_specs'),
        migrations.DeleteModel('WorkerSeen'),
    ]
