"""After the freeze the database itself refuses whatever could confound the study.

A study's row: everything but its life (state and stamps), which only moves forward. Its strata and images:
everything. Its orders: everything but when an image was first shown; and once a sitting's order is complete
(`order_sha256`), no presentation is added to it.
"""

from django.db import migrations

LIFE = (
    *("state", "manifest_sha256", "order_version", "frozen_at", "opened_at", "closed_at", "unblinded_at"),
    *("unblinding_asked_by_id", "unblinding_reason"),
)
STATES = "draft", "frozen", "open", "closed", "unblinded"
ORDER = "sitting_id", "position", "study_image_id", "kind", "token", "places"
SITTING = "enrolment_id", "session", "attempt", "seed", "order_version"
ENROLMENT = "study_id", "user_id", "number", "slot"


def quoted(words):
    return ", ".join(f"'{word}'" for word in words)


def changes(columns):
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return f"({old}) IS DISTINCT FROM ({new})"


def refusing(table, when):
    return f"""
CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table}
    FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse_frozen_change();
"""


def of_a_draft(table):
    return f"""
CREATE TRIGGER {table}_of_a_draft BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_draft();
"""


FORWARD = f"""
CREATE FUNCTION refuse_frozen_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is frozen: this could confound the study', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION keep_protocol() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states CONSTANT text[] := ARRAY[{quoted(STATES)}];
    life CONSTANT text[] := ARRAY[{quoted(LIFE)}];
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state = 'draft' THEN RETURN OLD; END IF;
        RAISE EXCEPTION 'a study that is % cannot be deleted', OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF array_position(states, NEW.state::text) < array_position(states, OLD.state::text) THEN
        RAISE EXCEPTION 'a study never goes back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'draft' AND (
        to_jsonb(OLD) - life <> to_jsonb(NEW) - life
        OR (OLD.manifest_sha256, OLD.order_version, OLD.frozen_at)
            IS DISTINCT FROM (NEW.manifest_sha256, NEW.order_version, NEW.frozen_at)
    ) THEN
        RAISE EXCEPTION 'the protocol of a study that is % stands', OLD.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rating_study_keeps_protocol BEFORE UPDATE OR DELETE ON rating_study
    FOR EACH ROW EXECUTE FUNCTION keep_protocol();

CREATE FUNCTION refuse_unless_draft() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_state text;
BEGIN
    SELECT state INTO its_state FROM rating_study
        WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.study_id ELSE NEW.study_id END;
    IF its_state IS DISTINCT FROM 'draft' AND its_state IS NOT NULL THEN
        RAISE EXCEPTION '% of a study that is % stands', TG_TABLE_NAME, its_state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.study_id <> OLD.study_id THEN
        RAISE EXCEPTION '% stays with its study', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
{of_a_draft("rating_stratum")}
{of_a_draft("rating_studyimage")}
{refusing("rating_presentation", changes(ORDER))}
{refusing("rating_sitting", changes(SITTING) + " OR (OLD.order_sha256 <> '' AND NEW.order_sha256 <> OLD.order_sha256)")}
{refusing("rating_enrolment", changes(ENROLMENT))}
CREATE TRIGGER rating_enrolment_machine_stays BEFORE UPDATE ON rating_enrolment
    FOR EACH ROW WHEN (OLD.machine IS DISTINCT FROM NEW.machine) EXECUTE FUNCTION refuse_frozen_change();

CREATE FUNCTION refuse_removal_after_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM rating_sitting s
        JOIN rating_enrolment e ON e.id = s.enrolment_id
        JOIN rating_study t ON t.id = e.study_id
        WHERE s.id = OLD.sitting_id AND t.state <> 'draft'
    ) THEN
        RAISE EXCEPTION 'the orders of a frozen study stand' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER rating_presentation_not_removed BEFORE DELETE ON rating_presentation
    FOR EACH ROW EXECUTE FUNCTION refuse_removal_after_freeze();

CREATE FUNCTION refuse_addition_to_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM rating_sitting
        WHERE id IN (SELECT DISTINCT sitting_id FROM added) AND order_sha256 <> ''
    ) THEN
        RAISE EXCEPTION 'this order is complete' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rating_presentation_not_added AFTER INSERT ON rating_presentation
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_addition_to_order();
"""
BACKWARD = """
DROP TRIGGER rating_study_keeps_protocol ON rating_study;
DROP TRIGGER rating_stratum_of_a_draft ON rating_stratum;
DROP TRIGGER rating_studyimage_of_a_draft ON rating_studyimage;
DROP TRIGGER rating_presentation_stays ON rating_presentation;
DROP TRIGGER rating_sitting_stays ON rating_sitting;
DROP TRIGGER rating_enrolment_stays ON rating_enrolment;
DROP TRIGGER rating_enrolment_machine_stays ON rating_enrolment;
DROP TRIGGER rating_presentation_not_removed ON rating_presentation;
DROP TRIGGER rating_presentation_not_added ON rating_presentation;
DROP FUNCTION refuse_frozen_change();
DROP FUNCTION keep_protocol();
DROP FUNCTION refuse_unless_draft();
DROP FUNCTION refuse_removal_after_freeze();
DROP FUNCTION refuse_addition_to_order();
"""


class Migration(migrations.Migration):
    dependencies = [("rating", "0002_append_only")]

    # A later migration that adds a column to rating_study must fill it by its default alone: updates of frozen rows are refused.
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
