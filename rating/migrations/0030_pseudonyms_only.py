"""Studies whose raters researchers know by pseudonym alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rating", "0029_usability"),
    ]

    operations = [
        migrations.AddField(
            model_name="study",
            name="pseudonyms_only",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Who R01 is stands on one page for administrators, who invite the raters; researchers see codes. "
                "It cannot be changed once somebody is enrolled.",
                verbose_name="pseudonyms only",
            ),
        ),
    ]
