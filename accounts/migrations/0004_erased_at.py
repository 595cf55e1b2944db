from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_link_makers")]

    operations = [
        migrations.AddField("user", "erased_at", models.DateTimeField(editable=False, null=True)),
    ]
