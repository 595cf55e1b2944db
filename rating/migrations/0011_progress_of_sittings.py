"""A sitting knows how far it has come: columns that the database moves on with each rating that is added.

What a save, an image or a page costs must not grow with the length of the study, so nothing counts presentations
again. The study is locked before its sittings, in the order in which closing it locks them.
"""

from django.db import migrations, models

FILL = """
UPDATE rating_sitting SET
    presentation_count = counted.presentations,
    practice_count = counted.practice,
    rated_count = counted.rated,
    next_position = counted.next_position,
    furthest_position = counted.furthest_position,
    ended_at = counted.ended_at,
    timed_count = counted.timed,
    timed_ms = counted.timed_ms
FROM (
    SELECT presentation.sitting_id,
        count(*) AS presentations,
        count(*) FILTER (WHERE presentation.kind = 'practice') AS practice,
        count(rating.id) AS rated,
        min(presentation.position) FILTER (WHERE rating.id IS NULL) AS next_position,
        coalesce(max(presentation.position) FILTER (WHERE rating.id IS NOT NULL), 0) AS furthest_position,
        max(rating.rated_at) AS ended_at,
        count(rating.active_ms) AS timed,
        coalesce(sum(rating.active_ms), 0) AS timed_ms
    FROM rating_presentation presentation
    LEFT JOIN rating_rating rating ON rating.presentation_id = presentation.id
    GROUP BY presentation.sitting_id
) counted
WHERE rating_sitting.id = counted.sitting_id;
"""
FORWARD = """
CREATE FUNCTION advance_sittings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF audit_maintenance(TG_RELID) THEN RETURN NULL; END IF;  -- a restored sitting brings its columns along
    PERFORM FROM rating_study WHERE id IN (
        SELECT enrolment.study_id
        FROM added
        JOIN rating_presentation presentation ON presentation.id = added.presentation_id
        JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
        JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
    ) ORDER BY id FOR SHARE;
    -- Two ratings of one sitting at once: the second waits here, and then sees what the first has added.
    PERFORM FROM rating_sitting WHERE id IN (
        SELECT presentation.sitting_id
        FROM added
        JOIN rating_presentation presentation ON presentation.id = added.presentation_id
    ) ORDER BY id FOR NO KEY UPDATE;
    UPDATE rating_sitting sitting SET
        rated_count = sitting.rated_count + news.rated,
        next_position = (
            SELECT presentation.position
            FROM rating_presentation presentation
            WHERE presentation.sitting_id = sitting.id
                AND presentation.position >= sitting.next_position
                AND NOT EXISTS (SELECT FROM rating_rating WHERE presentation_id = presentation.id)
            ORDER BY presentation.position
            LIMIT 1
        ),
        furthest_position = greatest(sitting.furthest_position, news.furthest_position),
        ended_at = greatest(sitting.ended_at, news.ended_at),
        timed_count = sitting.timed_count + news.timed,
        timed_ms = sitting.timed_ms + news.timed_ms
    FROM (
        SELECT presentation.sitting_id,
            count(*) AS rated,
            max(presentation.position) AS furthest_position,
            max(added.rated_at) AS ended_at,
            count(added.active_ms) AS timed,
            coalesce(sum(added.active_ms), 0) AS timed_ms
        FROM added
        JOIN rating_presentation presentation ON presentation.id = added.presentation_id
        GROUP BY presentation.sitting_id
    ) news
    WHERE sitting.id = news.sitting_id;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_rating_moves_its_sitting_on AFTER INSERT ON rating_rating
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION advance_sittings();
"""
BACKWARD = """
DROP TRIGGER rating_rating_moves_its_sitting_on ON rating_rating;
DROP FUNCTION advance_sittings();
"""


def count(name, kind=models.PositiveIntegerField):
    return migrations.AddField("sitting", name, kind(db_default=0, default=0, editable=False))


class Migration(migrations.Migration):
    dependencies = [("rating", "0010_longer_findings")]

    operations = [
        count("presentation_count"),
        count("practice_count"),
        count("rated_count"),
        count("furthest_position"),
        count("timed_count"),
        count("timed_ms", models.PositiveBigIntegerField),
        migrations.AddField(
            "sitting",
            "next_position",
            models.PositiveIntegerField(db_default=1, default=1, editable=False, null=True),
        ),
        migrations.AddField("sitting", "ended_at", models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
