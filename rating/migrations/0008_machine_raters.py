"""Machines may rate; what is one stays one, so that no machine's word ever counts as a person's."""

from django.db import migrations, models

STAYS = """
CREATE TRIGGER rating_enrolment_machine_stays BEFORE UPDATE ON rating_enrolment
    FOR EACH ROW WHEN (OLD.machine IS DISTINCT FROM NEW.machine) EXECUTE FUNCTION refuse_frozen_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rating', '0007_count_deaths'),
    ]

    operations = [
        migrations.AddField(
            model_name='enrolment',
            name='machine',
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.RunSQL(STAYS, "DROP TRIGGER rating_enrolment_machine_stays ON rating_enrolment;"),
    ]
