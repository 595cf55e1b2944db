"""Models that came before models had members are every researcher's by a membership, as they have been by its absence."""

from typing import Any

from django.db import migrations


def share_with_everybody(apps: Any, _schema_editor: Any) -> None:
    checkpoints = apps.get_model("generation", "Checkpoint").objects.filter(run=None, memberships=None)
    memberships = apps.get_model("generation", "CheckpointMembership").objects
    memberships.bulk_create(memberships.model(subject=row, part="viewer") for row in checkpoints)


class Migration(migrations.Migration):
    dependencies = [("generation", "0009_model_members")]

    operations = [migrations.RunPython(share_with_everybody, migrations.RunPython.noop)]
