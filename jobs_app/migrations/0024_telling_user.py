"""Finds as which user the portal works, however many tasks tell nothing; built while the table is in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("jobs_app", "0023_request_traces")]

    operations = [
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(
                fields=["-created_at", "-id"],
                name="submission_telling_user",
                condition=Q(outcome_basis="answer", task_user__isnull=False),
            ),
        ),
    ]
