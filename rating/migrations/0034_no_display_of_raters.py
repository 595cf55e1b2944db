"""What the migration before has moved to sittings goes; apart from it, as no table is altered beside its updates."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rating", "0033_display_of_sittings")]

    operations = [migrations.RemoveField(model_name="enrolment", name="display")]
