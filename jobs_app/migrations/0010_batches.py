"""Batches of submissions, and a check of new rows that costs little when a thousand of them come at once."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# As before, but not called where no approval is needed: there is nothing that it could find missing then.
APPROVED = """
DROP TRIGGER approved_before_sending ON jobs_app_submission;
CREATE TRIGGER approved_before_sending BEFORE INSERT OR UPDATE ON jobs_app_submission
  FOR EACH ROW WHEN (NEW.status IN ('queued', 'sending') AND NEW.approvals_needed > 0)
  EXECUTE FUNCTION audit.require_approvals();
"""
AS_BEFORE = """
DROP TRIGGER approved_before_sending ON jobs_app_submission;
CREATE TRIGGER approved_before_sending BEFORE INSERT OR UPDATE ON jobs_app_submission
  FOR EACH ROW WHEN (NEW.status IN ('queued', 'sending')) EXECUTE FUNCTION audit.require_approvals();
"""


def protected(to: str, related_name: str, **options: object) -> models.ForeignKey:
    return models.ForeignKey(to, django.db.models.deletion.PROTECT, null=True, related_name=related_name, **options)


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0009_tokens")]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("operation", models.CharField(max_length=20, null=True)),
                ("reason", models.TextField(null=True)),
                ("reference", models.TextField(null=True)),
                ("source", models.CharField(max_length=10)),
                ("total", models.PositiveIntegerField(help_text="How many members it has.")),
                (
                    "refused",
                    models.JSONField(
                        default=list, help_text="The rows that were not taken, as the first answer showed them."
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("accountable", protected(settings.AUTH_USER_MODEL, "+")),
                ("person", protected(settings.AUTH_USER_MODEL, "batches")),
                ("retry_of", protected("jobs_app.batch", "retries")),
                ("service", protected("jobs_app.service", "batches")),
                ("token", protected("jobs_app.apitoken", "+")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("total__gt", 0)), name="batch_has_members"),
                    models.CheckConstraint(
                        condition=models.Q(person=None, service__isnull=False, token__isnull=False)
                        | models.Q(person__isnull=False, service=None, token=None, accountable=models.F("person")),
                        name="batch_of_a_person_or_a_service",
                    ),
                ]
            },
        ),
        migrations.AddField("submission", "batch", protected("jobs_app.batch", "members", db_index=False)),
        migrations.AddField(
            "submission",
            "row",
            models.PositiveIntegerField(
                null=True, help_text="Its number in the batch; of an imported table, the line of its first file."
            ),
        ),
        migrations.AlterField(
            "submissionfile",
            "row",
            models.PositiveIntegerField(help_text="Its place in the request; of an imported table, its line."),
        ),
        migrations.AddConstraint(
            "submission", models.UniqueConstraint(fields=["batch", "row"], name="one_submission_per_row")
        ),
        migrations.AddConstraint(
            "submission",
            models.CheckConstraint(
                condition=models.Q(batch=None, row=None) | models.Q(batch__isnull=False, row__isnull=False),
                name="member_has_its_row",
            ),
        ),
        migrations.RunSQL(APPROVED, AS_BEFORE),
    ]
