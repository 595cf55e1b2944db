"""Several images per presentation: sets of two or four, and the places their images stand at."""

import django.db.models.deletion
from django.db import migrations, models


# The places of a set's images are part of its order, so they stay as well.
STAYS = """
DROP TRIGGER rating_presentation_stays ON rating_presentation;
CREATE TRIGGER rating_presentation_stays BEFORE UPDATE ON rating_presentation
    FOR EACH ROW WHEN (
        (OLD.sitting_id, OLD.position, OLD.study_image_id, OLD.kind, OLD.token{old})
        IS DISTINCT FROM (NEW.sitting_id, NEW.position, NEW.study_image_id, NEW.kind, NEW.token{new})
    ) EXECUTE FUNCTION refuse_frozen_change();
"""
FORWARD, BACKWARD = STAYS.format(old=", OLD.places", new=", NEW.places"), STAYS.format(old="", new="")


class Migration(migrations.Migration):

    dependencies = [
        ('rating', '0010_paused'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='rating',
            name='rating_label_known',
        ),
        migrations.AddField(
            model_name='presentation',
            name='places',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=4),
        ),
        migrations.AddField(
            model_name='study',
            name='sought',
            field=models.CharField(choices=[('real', 'The real image; all others of the set are generated'), ('fake', 'The generated image; all others of the set are real')], db_default='real', default='real', help_text='Only for a forced choice: every set has one such image.', max_length=4, verbose_name='which image of a set is looked for'),
        ),
        migrations.AddField(
            model_name='studyimage',
            name='beside',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='companions', to='rating.studyimage'),
        ),
        migrations.AlterField(
            model_name='rating',
            name='label',
            field=models.CharField(choices=[('real', 'Real'), ('fake', 'Fake'), ('unsure', 'Unsure'), ('usual', 'Usual'), ('unusual', 'Unusual'), ('1', '1'), ('2', '2'), ('3', '3'), ('4', '4')], max_length=7),
        ),
        migrations.AlterField(
            model_name='ratingrevision',
            name='label',
            field=models.CharField(choices=[('real', 'Real'), ('fake', 'Fake'), ('unsure', 'Unsure'), ('usual', 'Usual'), ('unusual', 'Unusual'), ('1', '1'), ('2', '2'), ('3', '3'), ('4', '4')], max_length=7),
        ),
        migrations.AlterField(
            model_name='study',
            name='design',
            field=models.CharField(choices=[('single', 'One image at a time: real, fake or unsure'), ('two-phase', 'First a session that does not tell the purpose, then real, fake or unsure'), ('pair', 'Forced choice: two images side by side, which one is it?'), ('quartet', 'Forced choice: four images at a time, which one is it?')], db_default='single', default='single', max_length=9),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(('label__in', ['real', 'fake', 'unsure', 'usual', 'unusual', '1', '2', '3', '4'])), name='rating_label_known'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
