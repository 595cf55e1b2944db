"""After the freeze the slices of a study's stacks stand, as its images do."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_slice_unless_draft() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_state text;
BEGIN
    SELECT t.state INTO its_state FROM rating_studyimage i JOIN rating_study t ON t.id = i.study_id
        WHERE i.id = CASE WHEN TG_OP = 'DELETE' THEN OLD.study_image_id ELSE NEW.study_image_id END;
    IF its_state IS DISTINCT FROM 'draft' AND its_state IS NOT NULL THEN
        RAISE EXCEPTION '% of a study that is % stands', TG_TABLE_NAME, its_state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.study_image_id <> OLD.study_image_id THEN
        RAISE EXCEPTION '% stays with its image', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER rating_studyslice_of_a_draft BEFORE INSERT OR UPDATE OR DELETE ON rating_studyslice
    FOR EACH ROW EXECUTE FUNCTION refuse_slice_unless_draft();
"""
BACKWARD = """
DROP TRIGGER rating_studyslice_of_a_draft ON rating_studyslice;
DROP FUNCTION refuse_slice_unless_draft();
"""


class Migration(migrations.Migration):
    dependencies = [("rating", "0024_stacks")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
