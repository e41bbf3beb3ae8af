"""What the trail is searched by: columns that the database reads out of each line, and an index for each of them.

``audit.columns`` is the one place that says which column is which field of a line; the recorder fills the columns with
it, and the check of the trail holds them against the lines, so that what is found is what is sealed. A name may be
erased from now on: its row stays, without name and salt.
"""

from django.db import migrations

COLUMNS = r"""
ALTER TABLE audit.event
  ADD COLUMN request text, ADD COLUMN batch uuid, ADD COLUMN task text, ADD COLUMN operation text,
  ADD COLUMN space text, ADD COLUMN source text, ADD COLUMN reference text, ADD COLUMN token text, ADD COLUMN ip text;

CREATE FUNCTION audit.columns(event jsonb) RETURNS TABLE (
  action text, outcome text, actor text, submission uuid, status text, request text, batch uuid, task text,
  operation text, space text, source text, reference text, token text, ip text
) LANGUAGE sql IMMUTABLE AS $$
  SELECT event->>'action', event->>'outcome', event->'actor'->>'id', (event->>'submission')::uuid,
         event->'after'->>'status', event->>'requestId', (event->>'batch')::uuid, event->>'task',
         event->>'operation', event->>'space', event->>'sourceSpace', event->>'reference',
         coalesce(event->>'token', substring(event->>'auth' from '^token:.*')), event->>'ip'
$$;

ALTER TABLE ONLY audit.event DISABLE TRIGGER append_only;
UPDATE audit.event AS e SET (action, outcome, actor, submission, status, request, batch, task, operation, space, source,
                             reference, token, ip) = (SELECT * FROM audit.columns(e.line::jsonb->'event'));
ALTER TABLE ONLY audit.event ENABLE TRIGGER append_only;

CREATE INDEX event_request ON audit.event (request, seq) WHERE request IS NOT NULL;
CREATE INDEX event_batch ON audit.event (batch, seq) WHERE batch IS NOT NULL;
CREATE INDEX event_task ON audit.event (task, seq) WHERE task IS NOT NULL;
CREATE INDEX event_operation ON audit.event (operation, seq) WHERE operation IS NOT NULL;
CREATE INDEX event_space ON audit.event (space, seq) WHERE space IS NOT NULL;
CREATE INDEX event_source ON audit.event (source, seq) WHERE source IS NOT NULL;
CREATE INDEX event_reference ON audit.event (reference, seq) WHERE reference IS NOT NULL;
CREATE INDEX event_token ON audit.event (token, seq) WHERE token IS NOT NULL;
CREATE INDEX event_ip ON audit.event (ip, seq) WHERE ip IS NOT NULL;
CREATE INDEX event_outcome ON audit.event (outcome, seq) WHERE outcome <> 'ok';
CREATE INDEX event_at ON audit.event (at, seq);

ALTER TABLE audit.actor_name ALTER COLUMN salt DROP NOT NULL, ALTER COLUMN name DROP NOT NULL,
  ADD CONSTRAINT erased_together CHECK ((salt IS NULL) = (name IS NULL));

CREATE OR REPLACE FUNCTION audit.record(events text[]) RETURNS TABLE (seq bigint, hash text) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7411001);
  RETURN QUERY
    WITH numbered AS MATERIALIZED (
      SELECT nextval('audit.event_seq') AS n, clock_timestamp() AS moment, item, item::jsonb AS parsed
      FROM unnest(events) AS item
    ), written AS (
      INSERT INTO audit.event (seq, at, line, txid, action, outcome, actor, submission, status, request, batch, task,
                               operation, space, source, reference, token, ip)
      SELECT n, moment,
             format('{"seq":%s,"at":"%s","db":%s,"event":%s}', n,
                    to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    to_json(session_user::text), item),
             pg_current_xact_id(), c.*
      FROM numbered, LATERAL audit.columns(parsed) AS c
      RETURNING seq, line
    )
    SELECT written.seq, encode(sha256('\x00'::bytea || convert_to(line, 'UTF8')), 'hex') FROM written ORDER BY 1;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0005_reading_the_trail")]

    operations = [migrations.RunSQL(COLUMNS, migrations.RunSQL.noop)]
