"""Each person gets a uuid, by which the trail names them for good."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField("user", "uuid", models.UUIDField(null=True, editable=False)),
        migrations.RunSQL("UPDATE accounts_user SET uuid = gen_random_uuid()", migrations.RunSQL.noop),
        migrations.AlterField(
            "user", "uuid", models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
        ),
    ]
