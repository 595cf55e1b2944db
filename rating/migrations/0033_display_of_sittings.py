"""The display check belongs to a sitting, as a rater may sit elsewhere the next time; a study says whether it is asked."""

from django.db import migrations, models

REMOVE_RATINGS = """
CREATE OR REPLACE FUNCTION rating_remove_ratings(rater bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM rating_enrolment enrolment JOIN audit_event removal ON removal.chain = 'study ' || enrolment.study_id
            WHERE enrolment.id = rater AND enrolment.withdrawn_at IS NOT NULL AND removal.action = 'redacted'
                AND removal.detail ->> 'field' = 'ratings' AND removal.detail -> 'enrolment' = to_jsonb(rater)
    ) THEN
        RAISE EXCEPTION 'ratings are append-only: this rater has not withdrawn, or the log does not say that their ratings go'
            USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE rating_enrolment SET ratings_removed_at = now(), years = NULL, subspecialty = '', ai_knowledge = ''{enrolment}
        WHERE id = rater;
    DELETE FROM rating_ratingrevision WHERE sitting_id IN (SELECT id FROM rating_sitting WHERE enrolment_id = rater);
    DELETE FROM rating_rating WHERE presentation_id IN (
        SELECT presentation.id FROM rating_presentation presentation
            JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id WHERE sitting.enrolment_id = rater
    );
    UPDATE rating_presentation SET first_shown_at = NULL
        WHERE sitting_id IN (SELECT id FROM rating_sitting WHERE enrolment_id = rater);
    UPDATE rating_sitting SET rated_count = 0, next_position = 1, furthest_position = 0, ended_at = NULL,
        timed_count = 0, timed_ms = 0{sitting} WHERE enrolment_id = rater;
END $$;
"""
NOW = REMOVE_RATINGS.replace("{enrolment}", "").replace("{sitting}", ", display = '{}'")
BEFORE = REMOVE_RATINGS.replace("{enrolment}", ", display = '{}'").replace("{sitting}", "")
MOVE = """
UPDATE rating_sitting SET display = enrolment.display FROM rating_enrolment enrolment
    WHERE enrolment.id = enrolment_id AND session = 1 AND reset_at IS NULL AND enrolment.display <> '{}';
"""
MOVE_BACK = """
UPDATE rating_enrolment SET display = sitting.display FROM rating_sitting sitting
    WHERE sitting.enrolment_id = rating_enrolment.id AND sitting.session = 1 AND sitting.reset_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("rating", "0032_arena")]

    operations = [
        migrations.AddField(
            model_name="study",
            name="display_check",
            field=models.CharField(
                choices=[
                    ("off", "Not asked"),
                    ("offered", "Offered before the first image"),
                    ("required", "No image before it is made"),
                ],
                db_default="offered",
                default="offered",
                help_text="Contrast squares, the size of the screen by a card held to it, the light in the room; of each sitting.",
                max_length=8,
                verbose_name="display check",
            ),
        ),
        migrations.AddField(
            model_name="sitting",
            name="display",
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
        migrations.RunSQL(MOVE, MOVE_BACK),
        migrations.RunSQL(NOW, BEFORE),
    ]
