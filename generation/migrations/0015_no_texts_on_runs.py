from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0014_told_of_images'),
    ]

    operations = [
        migrations.RemoveField(model_name='trainingrun', name='attribute_values'),
        migrations.RemoveField(model_name='trainingrun', name='texts'),
    ]
