"""Seals: signed statements about closed ranges of the trail, and where their heads were published."""

from django.db import migrations

SEALS = r"""
CREATE TABLE audit.instance (id uuid NOT NULL DEFAULT gen_random_uuid(), made_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX only_one_instance ON audit.instance ((true));
INSERT INTO audit.instance DEFAULT VALUES;

CREATE TABLE audit.seal (
  n bigint PRIMARY KEY CHECK (n > 0),
  after_seq bigint NOT NULL,
  upto_seq bigint NOT NULL CHECK (upto_seq >= after_seq),
  count bigint NOT NULL CHECK (count >= 0),
  text text NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX seal_upto ON audit.seal (upto_seq);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.instance
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

CREATE INDEX event_action ON audit.event (action, seq);
CREATE INDEX event_actor ON audit.event (actor, seq);

-- What was published where is no evidence, only the sealer's memory of what is still to be published.
CREATE TABLE audit.anchored (
  destination text PRIMARY KEY,
  n bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  trouble text NOT NULL DEFAULT ''
);
"""
UNDO = """
DROP INDEX audit.event_action;
DROP INDEX audit.event_actor;
DROP TABLE audit.anchored;
DROP TABLE audit.seal;
DROP TABLE audit.instance;
"""


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0003_following")]

    operations = [migrations.RunSQL(SEALS, UNDO)]
