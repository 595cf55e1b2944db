"""Each sitting's revisions become a chain, and the studies' log moves into the audit app.

The trigger locks one sitting's chain until the save commits: the only saves that wait for each other are those of one
rater in two windows. `rating/reading/revision_chain.py` says the same content in Python.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION rating_revision_link(revision rating_ratingrevision, presentation_id bigint, before text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT audit_sha256(audit_cells(
        'revision 1', before, revision.sitting_id::text, revision.chain_number::text, revision.rating_id::text,
        presentation_id::text, revision.number::text, revision.client_key::text, audit_moment(revision.saved_at),
        revision.label, revision.confidence::text, revision.reasons::text, revision.active_ms::text,
        revision.idle_ms::text, revision.view_state::text, revision.remark_sha256, revision.reason_sha256
    ))
$$;

CREATE FUNCTION rating_revision_chain() RETURNS trigger LANGUAGE plpgsql AS $$
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
    NEW.sha256 := rating_revision_link(NEW, its_presentation, coalesce(before, ''));
    RETURN NEW;
END $$;

-- What may change: a text and its nonce, to nothing, beside an event of the study's log that says so.
CREATE FUNCTION rating_revision_keep() RETURNS trigger LANGUAGE plpgsql AS $$
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
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER rating_ratingrevision_append_only ON rating_ratingrevision;
DO $$
DECLARE
    stored record;
    revision rating_ratingrevision;
    before text := '';
    place integer := 0;
    last_sitting bigint;
BEGIN
    FOR stored IN
        SELECT r AS revision, presentation.id AS presentation_id, presentation.sitting_id
            FROM rating_ratingrevision r JOIN rating_rating rating ON rating.id = r.rating_id
            JOIN rating_presentation presentation ON presentation.id = rating.presentation_id
            ORDER BY presentation.sitting_id, r.id
    LOOP
        revision := stored.revision;
        revision.sitting_id := stored.sitting_id;
        revision.chain_number := 1;
        IF stored.sitting_id = last_sitting THEN
            revision.chain_number := place + 1;
        ELSE
            before := '';
            last_sitting := stored.sitting_id;
        END IF;
        place := revision.chain_number;
        IF revision.remark <> '' THEN
            revision.remark_nonce := audit_nonce();
            revision.remark_sha256 := audit_sha256(revision.remark_nonce || revision.remark);
        END IF;
        before := rating_revision_link(revision, stored.presentation_id, before);
        UPDATE rating_ratingrevision SET sitting_id = stored.sitting_id, chain_number = place, sha256 = before,
            remark_nonce = revision.remark_nonce, remark_sha256 = revision.remark_sha256 WHERE id = revision.id;
    END LOOP;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

CREATE TRIGGER rating_ratingrevision_append_only BEFORE UPDATE OR DELETE ON rating_ratingrevision
    FOR EACH ROW EXECUTE FUNCTION rating_revision_keep();
CREATE TRIGGER rating_ratingrevision_chained BEFORE INSERT ON rating_ratingrevision
    FOR EACH ROW EXECUTE FUNCTION rating_revision_chain();
CREATE TRIGGER rating_ratingrevision_not_emptied BEFORE TRUNCATE ON rating_ratingrevision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation();

SET LOCAL lungrater.maintenance = 'on';
INSERT INTO audit_event (chain, at, subject_kind, subject_key, action, actor_kind, actor, identity, identity_nonce,
    identity_sha256, reason, reason_nonce, reason_sha256, detail, sha256)
SELECT 'study ' || event.study_id, event.at, 'study', event.study_id::text, event.action,
    CASE WHEN event.user_id IS NULL THEN 'command line' ELSE 'person' END, person.uuid,
    coalesce(trim(trim(person.first_name || ' ' || person.last_name) || ' <' || person.email || '>'), ''), '', '',
    event.reason, '', '', event.detail, ''
    FROM rating_auditevent event LEFT JOIN accounts_user person ON person.id = event.user_id ORDER BY event.id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SET LOCAL lungrater.maintenance = 'off';
"""
BACKWARD = """
DROP TRIGGER rating_ratingrevision_not_emptied ON rating_ratingrevision;
DROP TRIGGER rating_ratingrevision_chained ON rating_ratingrevision;
DROP TRIGGER rating_ratingrevision_append_only ON rating_ratingrevision;
CREATE TRIGGER rating_ratingrevision_append_only BEFORE UPDATE OR DELETE ON rating_ratingrevision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION rating_revision_keep();
DROP FUNCTION rating_revision_chain();
DROP FUNCTION rating_revision_link(rating_ratingrevision, bigint, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("rating", "0006_revision_chain_columns"),
        ("audit", "0002_chained"),
        ("accounts", "0002_person_uuid"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
