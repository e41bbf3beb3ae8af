import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Whoever owns the table is the command line. Everybody else gives approver and administrator only in the transaction
# that confirms a proposal about exactly that: an older one can't be used again after the role was taken.
GUARDED = """
CREATE FUNCTION audit.guard_role() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_guarded boolean := NEW.role IN ('approver', 'administrator');
BEGIN
  IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    NEW.is_first := is_guarded AND NEW.proposal_id IS NULL
      AND NOT EXISTS (SELECT FROM public.jobs_app_rolegrant WHERE role = NEW.role);
    RETURN NEW;
  END IF;
  NEW.granted_at := now();
  NEW.is_first := false;
  IF is_guarded AND NOT EXISTS (
    SELECT FROM public.jobs_app_proposal
    WHERE id = NEW.proposal_id AND kind = 'role' AND state = 'confirmed' AND decided_at = now()
      AND subject = 'person:' || NEW.person_id AND after->'roles' ? NEW.role
  ) THEN
    RAISE EXCEPTION 'giving % takes two administrators', NEW.role USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER given_by_two BEFORE INSERT ON jobs_app_rolegrant
  FOR EACH ROW EXECUTE FUNCTION audit.guard_role();

CREATE FUNCTION audit.guard_person() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
    OR NOT EXISTS (
      SELECT FROM public.jobs_app_rolegrant WHERE person_id = NEW.id AND role IN ('approver', 'administrator')
    )
    OR EXISTS (
      SELECT FROM public.jobs_app_proposal
      WHERE kind = 'sign_in' AND state = 'confirmed' AND decided_at = now() AND subject = 'person:' || NEW.id
    )
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'bringing back person:% takes two administrators', NEW.id USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER brought_back_by_two BEFORE UPDATE OF is_active, last_day ON jobs_app_user
  FOR EACH ROW WHEN (
    (NEW.is_active AND NOT OLD.is_active)
    OR (OLD.last_day IS NOT NULL AND (NEW.last_day IS NULL OR NEW.last_day > OLD.last_day))
  ) EXECUTE FUNCTION audit.guard_person();

CREATE FUNCTION audit.not_for_oneself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'nobody proposes or decides about their own rights'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER not_proposed_for_oneself BEFORE INSERT ON jobs_app_proposal
  FOR EACH ROW WHEN (NEW.kind IN ('role', 'sign_in') AND NEW.subject = 'person:' || NEW.proposed_by_id)
  EXECUTE FUNCTION audit.not_for_oneself();
CREATE TRIGGER not_confirmed_for_oneself BEFORE UPDATE ON jobs_app_proposal
  FOR EACH ROW WHEN (NEW.state = 'confirmed' AND NEW.kind IN ('role', 'sign_in')
    AND NEW.subject = 'person:' || NEW.decided_by_id)
  EXECUTE FUNCTION audit.not_for_oneself();
"""
UNGUARDED = """
DROP TRIGGER not_confirmed_for_oneself ON jobs_app_proposal;
DROP TRIGGER not_proposed_for_oneself ON jobs_app_proposal;
DROP FUNCTION audit.not_for_oneself();
DROP TRIGGER brought_back_by_two ON jobs_app_user;
DROP FUNCTION audit.guard_person();
DROP TRIGGER given_by_two ON jobs_app_rolegrant;
DROP FUNCTION audit.guard_role();
"""

# The database's own time of confirming is what the guards above know the transaction by; and who confirms, or has
# proposed, counts only while they may sign in.
PROPOSALS = """
CREATE OR REPLACE FUNCTION audit.guard_proposal() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'proposal % is decided already', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.state = 'confirmed' THEN
    NEW.decided_at := now();
    IF 2 > (
      SELECT count(*) FROM public.jobs_app_rolegrant g JOIN public.jobs_app_user p ON p.id = g.person_id
      WHERE g.role = 'administrator' AND g.person_id IN (NEW.proposed_by_id, NEW.decided_by_id)
        AND p.is_active AND coalesce(p.last_day >= (now() AT TIME ZONE 'UTC')::date, true)
    ) THEN
      RAISE EXCEPTION 'proposal % takes two administrators', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
"""
PROPOSALS_BEFORE = """
CREATE OR REPLACE FUNCTION audit.guard_proposal() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'proposal % is decided already', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.state = 'confirmed' AND 2 > (
    SELECT count(*) FROM public.jobs_app_rolegrant
    WHERE role = 'administrator' AND person_id IN (NEW.proposed_by_id, NEW.decided_by_id)
  ) THEN
    RAISE EXCEPTION 'proposal % takes two administrators', OLD.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0014_policy"),
    ]

    operations = [
        migrations.AlterModelManagers(name="user", managers=[]),
        migrations.AddField(
            model_name="rolegrant",
            name="is_first",
            field=models.BooleanField(default=False, help_text="Nobody had the role; it came from the command line."),
        ),
        migrations.AddField(
            model_name="rolegrant",
            name="proposal",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="jobs_app.proposal"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="email_since",
            field=models.DateTimeField(
                blank=True, help_text="When an administrator last changed the address.", null=True
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="invited_at",
            field=models.DateTimeField(
                blank=True, help_text="When the last link to set their password was made.", null=True
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="invited_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="last_day",
            field=models.DateField(
                blank=True, help_text="The last day (UTC) on which they may sign in; nothing: no end.", null=True
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="reminded",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Days before the last day of the last mail about it; 0: it is over, and the trail says so.",
                null=True,
            ),
        ),
        migrations.RunSQL(GUARDED, UNGUARDED),
        migrations.RunSQL(PROPOSALS, PROPOSALS_BEFORE),
    ]
