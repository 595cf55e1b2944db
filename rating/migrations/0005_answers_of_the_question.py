"""A rating's label is an answer to the very question its session asks, whatever wrote it.

The questions stand in `rating/studies/questions.py`; a test holds the two together.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_other_answers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    SELECT format('“%s” is no answer in session %s of a study of the design “%s”', given.label, sitting.session, study.design)
        INTO wrong
        FROM given
        JOIN rating_presentation presentation ON presentation.id = given.presentation_id
        JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
        JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
        JOIN rating_study study ON study.id = enrolment.study_id
        WHERE given.label <> ALL (
            CASE
                WHEN study.design = 'pair' THEN ARRAY['1', '2']
                WHEN study.design = 'quartet' THEN ARRAY['1', '2', '3', '4']
                WHEN study.design = 'two-phase' AND sitting.session = 1 THEN ARRAY['usual', 'unusual', 'unsure']
                ELSE ARRAY['real', 'fake', 'unsure']
            END
        )
        LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_rating_answers_when_given AFTER INSERT ON rating_rating
    REFERENCING NEW TABLE AS given FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_answers();
CREATE TRIGGER rating_rating_answers_when_corrected AFTER UPDATE ON rating_rating
    REFERENCING NEW TABLE AS given FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_answers();
"""
BACKWARD = """
DROP TRIGGER rating_rating_answers_when_given ON rating_rating;
DROP TRIGGER rating_rating_answers_when_corrected ON rating_rating;
DROP FUNCTION refuse_other_answers();
"""


class Migration(migrations.Migration):
    dependencies = [("rating", "0004_rated_while_open")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
