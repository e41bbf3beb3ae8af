"""The list by operation: what is seldom done isn't looked for among everything else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0018_quicker")]

    operations = [
        migrations.AddIndex(
            "submission",
            models.Index(fields=["operation", "-created_at", "-id"], name="submission_by_operation"),
        ),
    ]
