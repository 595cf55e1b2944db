"""The database itself stamps, numbers and chains each event, and lets nobody change, remove or empty them.

A row's number and hash come at the commit (a deferred trigger), so a chain is held for that moment only and no long
transaction keeps another waiting. `audit/chain.py` says the same content in Python; `verify` and a test hold the two together.

The functions belong to the tables' owner and run as such where they must write: the role that web and workers use owns
nothing and can neither disable a trigger nor write a number or a hash.
"""

from django.db import migrations

CELLS = """
-- One cell of a chain's content: LENGTH:BYTES, and - of what is absent.
CREATE FUNCTION audit_cell(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN content IS NULL THEN '-' ELSE octet_length(content) || ':' || content || ',' END
$$;
CREATE FUNCTION audit_cells(VARIADIC contents text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(audit_cell(content), '' ORDER BY place)
        FROM unnest(contents) WITH ORDINALITY AS given(content, place)
$$;
CREATE FUNCTION audit_sha256(content text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(content, 'UTF8')), 'hex')
$$;
CREATE FUNCTION audit_moment(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
CREATE FUNCTION audit_nonce() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT replace(gen_random_uuid()::text, '-', '')
$$;

-- Whether a table's owner restores or empties it, and says so by name: SET lungrater.maintenance = 'on'.
CREATE FUNCTION audit_maintenance(owned regclass) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('lungrater.maintenance', true), '') = 'on'
        AND pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = owned), 'USAGE')
$$;
CREATE FUNCTION refuse_truncation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF audit_maintenance(TG_RELID) THEN RETURN NULL; END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
EVENT = """
CREATE FUNCTION audit_event_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF audit_maintenance(TG_RELID) AND NEW.number IS NOT NULL THEN RETURN NEW; END IF;
    NEW.number := NULL;
    NEW.sha256 := '';
    IF NOT audit_maintenance(TG_RELID) THEN NEW.at := clock_timestamp(); END IF;
    NEW.identity_nonce := CASE NEW.identity WHEN '' THEN '' ELSE audit_nonce() END;
    NEW.identity_sha256 := CASE NEW.identity WHEN '' THEN '' ELSE audit_sha256(NEW.identity_nonce || NEW.identity) END;
    NEW.reason_nonce := CASE NEW.reason WHEN '' THEN '' ELSE audit_nonce() END;
    NEW.reason_sha256 := CASE NEW.reason WHEN '' THEN '' ELSE audit_sha256(NEW.reason_nonce || NEW.reason) END;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_event_stamped BEFORE INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_stamp();

CREATE FUNCTION audit_event_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place bigint;
    before text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit ' || NEW.chain, 0));
    SELECT number, sha256 INTO place, before FROM audit_event
        WHERE chain = NEW.chain AND number IS NOT NULL ORDER BY number DESC LIMIT 1;
    place := coalesce(place, 0) + 1;
    UPDATE audit_event SET number = place, sha256 = audit_sha256(audit_cells(
        'event 1', coalesce(before, ''), NEW.chain, place::text, audit_moment(NEW.at), NEW.subject_kind, NEW.subject_key,
        NEW.action, NEW.actor_kind, NEW.actor::text, NEW.identity_sha256, NEW.reason_sha256, NEW.detail::text
    )) WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_event_sealed AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION audit_event_seal();

-- What may change: number and hash, once, by the seal; a text and its nonce, to nothing, beside an event that says so.
CREATE FUNCTION audit_event_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field text;
    same jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.number IS NULL AND pg_trigger_depth() > 1
            AND to_jsonb(OLD) - ARRAY['number', 'sha256'] = to_jsonb(NEW) - ARRAY['number', 'sha256']
        THEN RETURN NEW; END IF;
        FOREACH field IN ARRAY ARRAY['identity', 'reason'] LOOP
            same := to_jsonb(OLD) || jsonb_build_object(field, '', field || '_nonce', '');
            IF OLD.number IS NOT NULL AND same = to_jsonb(NEW) AND EXISTS (
                SELECT FROM audit_event redaction WHERE redaction.chain = OLD.chain AND redaction.action = 'redacted'
                    AND redaction.detail ->> 'field' = field
                    AND redaction.detail -> 'numbers' @> to_jsonb(OLD.number)
            ) THEN RETURN NEW; END IF;
        END LOOP;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_keep();
CREATE TRIGGER audit_event_not_emptied BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation();
"""
BACKWARD = """
DROP TRIGGER audit_event_not_emptied ON audit_event;
DROP TRIGGER audit_event_append_only ON audit_event;
DROP TRIGGER audit_event_sealed ON audit_event;
DROP TRIGGER audit_event_stamped ON audit_event;
DROP FUNCTION audit_event_keep();
DROP FUNCTION audit_event_seal();
DROP FUNCTION audit_event_stamp();
DROP FUNCTION refuse_truncation();
DROP FUNCTION audit_maintenance(regclass);
DROP FUNCTION audit_nonce();
DROP FUNCTION audit_moment(timestamptz);
DROP FUNCTION audit_sha256(text);
DROP FUNCTION audit_cells(text[]);
DROP FUNCTION audit_cell(text);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(CELLS + EVENT, BACKWARD)]
