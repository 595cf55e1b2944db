"""The studies' log stands in the audit app by now; it cannot be undone, as its chain cannot."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rating", "0007_chained_revisions")]

    operations = [
        migrations.RemoveField(model_name="auditevent", name="study"),
        migrations.RemoveField(model_name="auditevent", name="user"),
        migrations.DeleteModel(name="AuditEvent"),
    ]
