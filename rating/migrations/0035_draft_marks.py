"""Marks that are set and not saved yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rating", "0034_no_display_of_raters")]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="marks",
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
    ]
