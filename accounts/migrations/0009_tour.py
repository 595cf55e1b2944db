from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_personal_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='preferences',
            name='offers_tour',
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
    ]
