import django.db.models.deletion
from django.db import migrations, models

from generation.diffusion.attributes import Attribute, told_in_words


def move(apps, _schema_editor):
    run_model, told_model = (apps.get_model("generation", name) for name in ("TrainingRun", "ToldOfImages"))
    for run in run_model.objects.exclude(attribute_values={}, texts={}).iterator(chunk_size=1):
        lines = told_in_words(map(Attribute.from_mapping, run.config.get("attributes", ())), run.attribute_values)
        if text := run.config.get("text"):
            unknown = sum(not own for own in run.texts.values())
            lines.append(
                f"text “{run.text_template}” (read by {text['encoder']}, up to {text['tokens']} tokens), "
                f"unknown of {unknown:,} of {len(run.texts):,} images"
            )
        told_model.objects.create(run_id=run.pk, attribute_values=run.attribute_values, texts=run.texts)
        run_model.objects.filter(pk=run.pk).update(conditions=lines)


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0013_texts_of_runs'),
    ]

    operations = [
        migrations.CreateModel(
            name='ToldOfImages',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='told_of_images', serialize=False, to='generation.trainingrun')),
                ('attribute_values', models.JSONField(default=dict)),
                ('texts', models.JSONField(default=dict)),
            ],
        ),
        migrations.AddField(
            model_name='trainingrun',
            name='conditions',
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
    ]
