"""Answers begun and not saved yet; a rating that is saved drops its draft, which costs its save no query."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


FORWARD = """
CREATE FUNCTION drop_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT audit_maintenance(TG_RELID) THEN
        DELETE FROM rating_draft WHERE presentation_id = NEW.presentation_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_rating_drops_draft AFTER INSERT ON rating_rating
    FOR EACH ROW EXECUTE FUNCTION drop_draft();
"""
BACKWARD = """
DROP TRIGGER rating_rating_drops_draft ON rating_rating;
DROP FUNCTION drop_draft();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rating', "0017_both_arms_alike"),
    ]

    operations = [
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('presentation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='draft', serialize=False, to='rating.presentation')),
                ('label', models.CharField(blank=True, max_length=7)),
                ('confidence', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('reasons', models.JSONField(blank=True, default=list)),
                ('remark', models.TextField(blank=True, max_length=4000)),
                ('written_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
