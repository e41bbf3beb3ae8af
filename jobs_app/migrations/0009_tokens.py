"""Limits, pauses and rotation of tokens, and who answers for a service.

A token that was revoked stays revoked, and one that was rotated never lives longer than it was given then, whoever
writes the row.
"""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

FOR_GOOD = """
CREATE FUNCTION token_ends_for_good() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
     OR OLD.rotated_at IS NOT NULL AND NEW.rotated_at IS DISTINCT FROM OLD.rotated_at
     OR OLD.retires_at IS NOT NULL AND (NEW.retires_at IS NULL OR NEW.retires_at > OLD.retires_at) THEN
    RAISE EXCEPTION 'token % has ended for good', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ends_for_good BEFORE UPDATE ON jobs_app_apitoken
  FOR EACH ROW EXECUTE FUNCTION token_ends_for_good();
"""
NOT_FOR_GOOD = "DROP TRIGGER ends_for_good ON jobs_app_apitoken; DROP FUNCTION token_ends_for_good();"


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0008_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="addresses",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), default=list, help_text="Networks (CIDR) it may be used from.", size=None
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(help_text="Exact to a minute.", null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="last_used_ip",
            field=models.GenericIPAddressField(null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="name",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="operations",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), default=list, help_text="What it may submit.", size=None
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="pause_reason",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="paused_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="paused_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="rate",
            field=models.TextField(default="", help_text="The most calls, such as 100/min; empty: no limit."),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="refusals",
            field=models.JSONField(default=dict, help_text="When the trail last heard of each reason for refusing it."),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="reminded",
            field=models.PositiveSmallIntegerField(
                help_text="Days before its end of the last mail about it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="replaces",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successors",
                to="jobs_app.apitoken",
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="retires_at",
            field=models.DateTimeField(help_text="Until when it works beside that one.", null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="revoke_reason",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="revoked_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="rotated_at",
            field=models.DateTimeField(help_text="When another token took its place.", null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="spaces",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                default=list,
                help_text="Where it may submit, source and target both.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="contact",
            field=models.TextField(default="", help_text="An address that hears of the ends of its tokens too."),
        ),
        migrations.AddField(
            model_name="service",
            name="default_reason",
            field=models.TextField(default="", help_text="The reason of a submission that gives none."),
        ),
        migrations.AddField(
            model_name="service",
            name="description",
            field=models.TextField(default=""),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "operations__contained_by",
                        [
                            "copy",
                            "move",
                            "trash",
                            "restore",
                            "preview_archive",
                            "extract",
                            "extract_some",
                            "package",
                            "delete",
                        ],
                    )
                ),
                name="token_operations_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("retires_at", None), ("rotated_at", None)),
                    models.Q(
                        ("retires_at__isnull", False),
                        (
                            "retires_at__lte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("rotated_at"), "+", models.Value(datetime.timedelta(days=1))
                            ),
                        ),
                        ("rotated_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="rotated_for_a_day_at_most",
            ),
        ),
        migrations.RunSQL(FOR_GOOD, NOT_FOR_GOOD),
    ]
