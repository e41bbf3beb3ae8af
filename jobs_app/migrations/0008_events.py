"""Who was erased gets no name again: a request that still knows the old name must not bring it back.

Erasing takes lock 7411003 for itself; whoever has a new name to store shares it, and looks again once it is held.
"""

from django.db import migrations

NAMES = r"""
CREATE OR REPLACE FUNCTION audit.actor_hash(of_actor text, of_name text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fresh_salt constant text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
  found text;
BEGIN
  SELECT hash INTO found FROM audit.actor_name WHERE actor = of_actor AND name = of_name;
  IF found IS NOT NULL THEN
    RETURN found;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(7411003);
  SELECT hash INTO found FROM audit.actor_name WHERE actor = of_actor AND name IS NULL ORDER BY hash LIMIT 1;
  IF found IS NOT NULL THEN
    RETURN found;
  END IF;
  INSERT INTO audit.actor_name (actor, salt, name, hash)
    VALUES (of_actor, fresh_salt, of_name, encode(sha256(convert_to(fresh_salt || of_name, 'UTF8')), 'hex'))
    ON CONFLICT DO NOTHING;
  SELECT hash INTO STRICT found FROM audit.actor_name WHERE actor = of_actor AND name = of_name;
  RETURN found;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0007_repeatable_calls")]

    operations = [migrations.RunSQL(NAMES, migrations.RunSQL.noop)]
