"""An event names what was done, with what outcome, through what and by whom, or the database doesn't take it.

Who reads the trail relies on these. Without them one line, which the application's role can add past the application,
would have stopped every page and export that comes across it.
"""

from django.db import migrations

READABLE = r"""
CREATE FUNCTION audit.readable(event jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF (jsonb_typeof(event->'action') = 'string' AND jsonb_typeof(event->'outcome') = 'string'
      AND jsonb_typeof(event->'channel') = 'string' AND jsonb_typeof(event->'actor'->'id') = 'string'
      AND jsonb_typeof(event->'actor'->'name') = 'string') IS NOT TRUE THEN
    RAISE EXCEPTION 'an event names its action, outcome, channel and actor' USING ERRCODE = 'check_violation';
  END IF;
  RETURN event;
END $$;

CREATE OR REPLACE FUNCTION audit.record(events text[]) RETURNS TABLE (seq bigint, hash text) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7411001);
  RETURN QUERY
    WITH numbered AS MATERIALIZED (
      SELECT nextval('audit.event_seq') AS n, clock_timestamp() AS moment, item, audit.readable(item::jsonb) AS parsed
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
    dependencies = [("jobs_app", "0024_telling_user")]

    operations = [migrations.RunSQL(READABLE, migrations.RunSQL.noop)]
