"""No rating lands after its study has closed, not even one whose request began before.

The share lock lets raters save side by side and makes a closing study wait for them, and them for it.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_unless_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_state text;
BEGIN
    SELECT study.state INTO its_state
        FROM rating_rating rating
        JOIN rating_presentation presentation ON presentation.id = rating.presentation_id
        JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
        JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
        JOIN rating_study study ON study.id = enrolment.study_id
        WHERE rating.id = NEW.rating_id
        FOR SHARE OF study;
    IF its_state <> 'open' THEN
        RAISE EXCEPTION 'a study that is % takes no rating', its_state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rating_ratingrevision_while_open BEFORE INSERT ON rating_ratingrevision
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_open();
"""
BACKWARD = """
DROP TRIGGER rating_ratingrevision_while_open ON rating_ratingrevision;
DROP FUNCTION refuse_unless_open();
"""


class Migration(migrations.Migration):
    dependencies = [("rating", "0003_frozen_stays_frozen")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
