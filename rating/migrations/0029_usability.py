"""How usable the site is, asked at the end of a rater's last sitting."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rating", "0028_marks"),
    ]

    operations = [
        migrations.AddField(
            model_name="study",
            name="ask_usability",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="The ten questions of the System Usability Scale, at the end of a rater's last sitting.",
                verbose_name="ask how usable the site is",
            ),
        ),
        migrations.CreateModel(
            name="UsabilityAnswer",
            fields=[
                (
                    "sitting",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="usability_answer",
                        serialize=False,
                        to="rating.sitting",
                    ),
                ),
                ("items", models.JSONField()),
                (
                    "answered_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                "items", function="jsonb_array_length", output_field=models.IntegerField()
                            ),
                            10,
                        ),
                        name="usability_has_ten_items",
                    )
                ],
            },
        ),
    ]
