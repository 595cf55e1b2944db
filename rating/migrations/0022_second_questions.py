"""Second questions of a study and their answers, which the chain of a sitting's saves holds too.

A save without any is chained as before, so no stored hash changes. Free text has a hash of its own with a nonce, as a
remark has: it may be redacted.
"""

from django.db import migrations, models

LINK = """
CREATE OR REPLACE FUNCTION rating_revision_link(revision rating_ratingrevision, presentation_id bigint, before text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN revision.second_answers = '{}' AND revision.second_texts_sha256 = '' THEN audit_sha256(audit_cells(
        'revision 1', before, revision.sitting_id::text, revision.chain_number::text, revision.rating_id::text,
        presentation_id::text, revision.number::text, revision.client_key::text, audit_moment(revision.saved_at),
        revision.label, revision.confidence::text, revision.reasons::text, revision.active_ms::text,
        revision.idle_ms::text, revision.view_state::text, revision.remark_sha256, revision.reason_sha256
    )) ELSE audit_sha256(audit_cells(
        'revision 2', before, revision.sitting_id::text, revision.chain_number::text, revision.rating_id::text,
        presentation_id::text, revision.number::text, revision.client_key::text, audit_moment(revision.saved_at),
        revision.label, revision.confidence::text, revision.reasons::text, revision.active_ms::text,
        revision.idle_ms::text, revision.view_state::text, revision.remark_sha256, revision.reason_sha256,
        revision.second_answers::text, revision.second_texts_sha256
    )) END
$$;
"""
LINK_BEFORE = """
CREATE OR REPLACE FUNCTION rating_revision_link(revision rating_ratingrevision, presentation_id bigint, before text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT audit_sha256(audit_cells(
        'revision 1', before, revision.sitting_id::text, revision.chain_number::text, revision.rating_id::text,
        presentation_id::text, revision.number::text, revision.client_key::text, audit_moment(revision.saved_at),
        revision.label, revision.confidence::text, revision.reasons::text, revision.active_ms::text,
        revision.idle_ms::text, revision.view_state::text, revision.remark_sha256, revision.reason_sha256
    ))
$$;
"""
CHAIN_HEAD = """
CREATE OR REPLACE FUNCTION rating_revision_chain() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    its_presentation bigint;
    before text;
BEGIN
    IF audit_maintenance(TG_RELID) AND NEW.chain_number IS NOT NULL THEN RETURN NEW; END IF;
    SELECT presentation.id, presentation.sitting_id INTO its_presentation, NEW.sitting_id
        FROM rating_rating rating JOIN rating_presentation presentation ON presentation.id = rating.presentation_id
        WHERE rating.id = NEW.rating_id;
    PERFORM pg_advisory_xact_lock(hashtextextended('sitting ' || NEW.sitting_id, 0));
    NEW.chain_number := 0;
    SELECT chain_number, sha256 INTO NEW.chain_number, before FROM rating_ratingrevision
        WHERE sitting_id = NEW.sitting_id ORDER BY chain_number DESC LIMIT 1;
    NEW.chain_number := coalesce(NEW.chain_number, 0) + 1;
    NEW.saved_at := statement_timestamp();
    NEW.remark_nonce := CASE NEW.remark WHEN '' THEN '' ELSE audit_nonce() END;
    NEW.remark_sha256 := CASE NEW.remark WHEN '' THEN '' ELSE audit_sha256(NEW.remark_nonce || NEW.remark) END;
    NEW.reason_nonce := CASE NEW.reason WHEN '' THEN '' ELSE audit_nonce() END;
    NEW.reason_sha256 := CASE NEW.reason WHEN '' THEN '' ELSE audit_sha256(NEW.reason_nonce || NEW.reason) END;
"""
CHAIN_TEXTS = """
    NEW.second_texts_nonce := CASE NEW.second_texts WHEN '{}' THEN '' ELSE audit_nonce() END;
    NEW.second_texts_sha256 := CASE NEW.second_texts WHEN '{}' THEN ''
        ELSE audit_sha256(NEW.second_texts_nonce || NEW.second_texts::text) END;
"""
CHAIN_END = """
    NEW.sha256 := rating_revision_link(NEW, its_presentation, coalesce(before, ''));
    RETURN NEW;
END $$;
"""
KEEP = """
CREATE OR REPLACE FUNCTION rating_revision_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        FOREACH field IN ARRAY ARRAY[FIELDS] LOOP
            IF to_jsonb(OLD) || jsonb_build_object(field, BLANK, field || '_nonce', '') = to_jsonb(NEW) AND EXISTS (
                SELECT FROM audit_event redaction
                    JOIN rating_sitting sitting ON sitting.id = OLD.sitting_id
                    JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
                    WHERE redaction.chain = 'study ' || enrolment.study_id AND redaction.action = 'redacted'
                        AND redaction.detail ->> 'field' = field
                        AND redaction.detail -> 'revisions' @> to_jsonb(OLD.id)
            ) THEN RETURN NEW; END IF;
        END LOOP;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM rating_sitting sitting
            JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
            JOIN audit_event removal ON removal.chain = 'study ' || enrolment.study_id
            WHERE sitting.id = OLD.sitting_id AND enrolment.withdrawn_at IS NOT NULL
                AND enrolment.ratings_removed_at IS NOT NULL
                AND removal.action = 'redacted' AND removal.detail ->> 'field' = 'ratings'
                AND removal.detail -> 'sittings' ? OLD.sitting_id::text
    ) THEN RETURN OLD; END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
ANSWERS_HEAD = """
CREATE OR REPLACE FUNCTION refuse_other_answers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
"""
# Of second answers: to what the study asks, and nothing else.
ANSWERS_SECOND = """
    IF wrong IS NULL AND EXISTS (SELECT FROM given WHERE second_answers <> '{}' OR second_texts <> '{}') THEN
        SELECT format('the study asks no second question “%s”', codes.code)
            INTO wrong
            FROM given
            JOIN rating_presentation presentation ON presentation.id = given.presentation_id
            JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
            JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
            JOIN rating_study study ON study.id = enrolment.study_id
            CROSS JOIN LATERAL jsonb_object_keys(given.second_answers || given.second_texts) codes(code)
            WHERE NOT study.second_questions @> jsonb_build_array(jsonb_build_object('code', codes.code))
            LIMIT 1;
    END IF;
"""
ANSWERS_END = """
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""
KEEP_NOW = KEEP.replace("FIELDS", "'remark', 'reason', 'second_texts'").replace(
    "BLANK", "CASE field WHEN 'second_texts' THEN '{}'::jsonb ELSE to_jsonb(''::text) END"
)
KEEP_BEFORE = KEEP.replace("FIELDS", "'remark', 'reason'").replace("BLANK", "''")
FORWARD = LINK + CHAIN_HEAD + CHAIN_TEXTS + CHAIN_END + KEEP_NOW + ANSWERS_HEAD + ANSWERS_SECOND + ANSWERS_END
BACKWARD = LINK_BEFORE + CHAIN_HEAD + CHAIN_END + KEEP_BEFORE + ANSWERS_HEAD + ANSWERS_END


class Migration(migrations.Migration):
    dependencies = [("rating", "0021_archived_studies")]

    operations = [
        migrations.AddField("draft", "second", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField("rating", "second_answers", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField("rating", "second_texts", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField(
            "ratingrevision", "second_answers", models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField(
            "ratingrevision", "second_texts", models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField(
            "ratingrevision",
            "second_texts_nonce",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            "ratingrevision",
            "second_texts_sha256",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AddField(
            "study",
            "second_questions",
            models.JSONField(
                blank=True,
                db_default=[],
                default=list,
                help_text="What is asked of each image besides its label: a diagnosis, or how good the image is.",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
