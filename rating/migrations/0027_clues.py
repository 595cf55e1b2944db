"""Clues: what raters are told to look for after the first informed session."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rating", "0026_bundle_jobs")]

    operations = [
        migrations.AddField(
            "study",
            "clues",
            models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="What raters are told to look for after the first informed session. Empty: nothing more.",
                verbose_name="clues before the sessions that follow",
            ),
        ),
    ]
