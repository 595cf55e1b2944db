"""What becomes of a rater's ratings when they withdraw; the one way in which saves may be removed.

The site's role may delete no revision. The function below does it as the tables' owner, of a rater who has withdrawn and
beside an event of the study's log that names the sittings; a save that comes after is refused.
"""

from django.db import migrations, models

KEEP = """
CREATE OR REPLACE FUNCTION rating_revision_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        FOREACH field IN ARRAY ARRAY['remark', 'reason'] LOOP
            IF to_jsonb(OLD) || jsonb_build_object(field, '', field || '_nonce', '') = to_jsonb(NEW) AND EXISTS (
                SELECT FROM audit_event redaction
                    JOIN rating_sitting sitting ON sitting.id = OLD.sitting_id
                    JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
                    WHERE redaction.chain = 'study ' || enrolment.study_id AND redaction.action = 'redacted'
                        AND redaction.detail ->> 'field' = field
                        AND redaction.detail -> 'revisions' @> to_jsonb(OLD.id)
            ) THEN RETURN NEW; END IF;
        END LOOP;
    END IF;
"""
REMOVAL = """
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM rating_sitting sitting
            JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
            JOIN audit_event removal ON removal.chain = 'study ' || enrolment.study_id
            WHERE sitting.id = OLD.sitting_id AND enrolment.withdrawn_at IS NOT NULL
                AND enrolment.ratings_removed_at IS NOT NULL
                AND removal.action = 'redacted' AND removal.detail ->> 'field' = 'ratings'
                AND removal.detail -> 'sittings' ? OLD.sitting_id::text
    ) THEN RETURN OLD; END IF;
"""
REFUSE = """
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
WHILE_OPEN = """
CREATE OR REPLACE FUNCTION refuse_unless_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_state text;
    removed_at timestamptz;
BEGIN
    SELECT study.state, enrolment.ratings_removed_at INTO its_state, removed_at
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
    IF removed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a rater who has withdrawn rates no more' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
WHILE_OPEN_BEFORE = """
CREATE OR REPLACE FUNCTION refuse_unless_open() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""
FUNCTIONS = """
-- The lock that each save of a sitting takes too (rating_revision_chain): who holds it, saves wait for.
CREATE FUNCTION rating_hold_sittings(rater bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('sitting ' || id, 0))
        FROM (SELECT id FROM rating_sitting WHERE enrolment_id = rater ORDER BY id) sittings
$$;

CREATE FUNCTION rating_remove_ratings(rater bigint) RETURNS void
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
    UPDATE rating_enrolment SET ratings_removed_at = now(), years = NULL, subspecialty = '', ai_knowledge = '',
        display = '{}' WHERE id = rater;
    DELETE FROM rating_ratingrevision WHERE sitting_id IN (SELECT id FROM rating_sitting WHERE enrolment_id = rater);
    DELETE FROM rating_rating WHERE presentation_id IN (
        SELECT presentation.id FROM rating_presentation presentation
            JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id WHERE sitting.enrolment_id = rater
    );
    UPDATE rating_presentation SET first_shown_at = NULL
        WHERE sitting_id IN (SELECT id FROM rating_sitting WHERE enrolment_id = rater);
    UPDATE rating_sitting SET rated_count = 0, next_position = 1, furthest_position = 0, ended_at = NULL,
        timed_count = 0, timed_ms = 0 WHERE enrolment_id = rater;
END $$;
"""
NO_FUNCTIONS = """
DROP FUNCTION rating_remove_ratings(bigint);
DROP FUNCTION rating_hold_sittings(bigint);
"""
CHOICES = [
    ("keep", "Ratings stay under the pseudonym and count in no result"),
    ("remove", "Ratings are removed; the log says how many"),
]


class Migration(migrations.Migration):
    dependencies = [("rating", "0015_blinding_verdicts"), ("audit", "0002_chained")]

    operations = [
        migrations.AddField(
            "study",
            "withdrawal",
            models.CharField(
                choices=CHOICES,
                db_default="keep",
                default="keep",
                help_text="As the consent says. Only the rater's own withdrawal removes ratings, never an organiser's.",
                max_length=6,
                verbose_name="when a rater withdraws",
            ),
        ),
        migrations.AddField("enrolment", "ratings_removed_at", models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(KEEP + REMOVAL + REFUSE, KEEP + REFUSE),
        migrations.RunSQL(WHILE_OPEN, WHILE_OPEN_BEFORE),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
    ]
