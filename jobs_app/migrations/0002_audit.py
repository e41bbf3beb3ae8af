"""The audit trail and the rules that only the database can hold.

The application's role writes the trail through ``audit.record`` alone: the function takes the shared lock, draws the
number and the time *after* the lock (so that a range can be closed without missing anybody), and stores the exact line.
"""

from django.db import migrations

TRAIL = r"""
CREATE SCHEMA audit;
CREATE SEQUENCE audit.event_seq CACHE 1;
CREATE TABLE audit.event (
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  line text NOT NULL CHECK (position(chr(10) in line) = 0),
  txid xid8 NOT NULL,
  action text NOT NULL,
  outcome text,
  actor text,
  submission uuid,
  status text,
  PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);
CREATE INDEX event_submission ON audit.event (submission, seq) WHERE submission IS NOT NULL;

CREATE TABLE audit.actor_name (
  actor text NOT NULL,
  salt text NOT NULL,
  name text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (actor, hash),
  UNIQUE (actor, name)
);

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

CREATE FUNCTION audit.make_partitions(ahead int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  size constant bigint := 5000000;
  newest bigint;
  made int := 0;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(7411002);
  SELECT last_value / size INTO newest FROM audit.event_seq;
  FOR n IN 0 .. newest + ahead LOOP
    part := format('event_%s', n);
    CONTINUE WHEN to_regclass(format('audit.%I', part)) IS NOT NULL;
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.event INCLUDING ALL)', part);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()', part);
    EXECUTE format('ALTER TABLE audit.event ATTACH PARTITION audit.%I FOR VALUES FROM (%s) TO (%s)',
                   part, n * size, (n + 1) * size);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
SELECT audit.make_partitions(1);

CREATE FUNCTION audit.actor_hash(of_actor text, of_name text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fresh_salt constant text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
  found text;
BEGIN
  SELECT hash INTO found FROM audit.actor_name WHERE actor = of_actor AND name = of_name;
  IF found IS NOT NULL THEN
    RETURN found;
  END IF;
  INSERT INTO audit.actor_name (actor, salt, name, hash)
    VALUES (of_actor, fresh_salt, of_name, encode(sha256(convert_to(fresh_salt || of_name, 'UTF8')), 'hex'))
    ON CONFLICT DO NOTHING;
  SELECT hash INTO STRICT found FROM audit.actor_name WHERE actor = of_actor AND name = of_name;
  RETURN found;
END $$;

CREATE FUNCTION audit.record(events text[]) RETURNS TABLE (seq bigint, hash text) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7411001);
  RETURN QUERY
    WITH numbered AS MATERIALIZED (
      SELECT nextval('audit.event_seq') AS n, clock_timestamp() AS moment, item, item::jsonb AS parsed
      FROM unnest(events) AS item
    ), written AS (
      INSERT INTO audit.event (seq, at, line, txid, action, outcome, actor, submission, status)
      SELECT n, moment,
             format('{"seq":%s,"at":"%s","db":%s,"event":%s}', n,
                    to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    to_json(session_user::text), item),
             pg_current_xact_id(), parsed->>'action', parsed->>'outcome', parsed->'actor'->>'id',
             (parsed->>'submission')::uuid, parsed->'after'->>'status'
      FROM numbered
      RETURNING seq, line
    )
    SELECT written.seq, encode(sha256('\x00'::bytea || convert_to(line, 'UTF8')), 'hex') FROM written ORDER BY 1;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
"""

RULES = r"""
CREATE FUNCTION audit.require_event() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit.event
                 WHERE submission = NEW.id AND txid = pg_current_xact_id() AND status = NEW.status) THEN
    RAISE EXCEPTION 'submission % became % without an audit event', NEW.id, NEW.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER created_with_event AFTER INSERT ON jobs_app_submission
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit.require_event();
CREATE CONSTRAINT TRIGGER moved_with_event AFTER UPDATE ON jobs_app_submission
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION audit.require_event();

CREATE FUNCTION audit.require_another_person() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  submitted record;
BEGIN
  SELECT accountable_id, request_sha256 INTO submitted FROM public.jobs_app_submission WHERE id = NEW.submission_id;
  IF submitted.accountable_id = NEW.by_id THEN
    RAISE EXCEPTION 'nobody decides on their own submission' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF submitted.request_sha256 <> NEW.request_sha256 THEN
    RAISE EXCEPTION 'the decision is about another request' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER another_person BEFORE INSERT OR UPDATE ON jobs_app_approval
  FOR EACH ROW EXECUTE FUNCTION audit.require_another_person();

CREATE FUNCTION audit.require_approvals() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.approvals_needed > (SELECT count(*) FROM public.jobs_app_approval
                             WHERE submission_id = NEW.id AND decision = 'approved') THEN
    RAISE EXCEPTION 'submission % lacks approvals', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approved_before_sending BEFORE INSERT OR UPDATE ON jobs_app_submission
  FOR EACH ROW WHEN (NEW.status IN ('queued', 'sending')) EXECUTE FUNCTION audit.require_approvals();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
"""

UNDO = """
DROP TRIGGER approved_before_sending ON jobs_app_submission;
DROP TRIGGER another_person ON jobs_app_approval;
DROP TRIGGER moved_with_event ON jobs_app_submission;
DROP TRIGGER created_with_event ON jobs_app_submission;
DROP SCHEMA audit CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0001_initial")]

    operations = [migrations.RunSQL(TRAIL + RULES, UNDO)]
