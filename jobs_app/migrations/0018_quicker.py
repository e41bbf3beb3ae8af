"""Fewer indexes, so that a new row costs less: those that another one covers, or by which nobody looks for rows.

The ones that stay only get the names that the models give them; nothing is built anew.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

DROPPED = {
    "jobs_app_submission_person_id_60c36e29": "jobs_app_submission (person_id)",
    "jobs_app_submission_service_id_7faf3736": "jobs_app_submission (service_id)",
    "jobs_app_submission_token_id_1646690c": "jobs_app_submission (token_id)",
    "jobs_app_submission_accountable_id_396f94d9": "jobs_app_submission (accountable_id)",
    "jobs_app_submission_task_id_bf220e15_like": "jobs_app_submission (task_id text_pattern_ops)",
    "jobs_app_submissionfile_submission_id_c2a488c1": "jobs_app_submissionfile (submission_id)",
    "jobs_app_submissionfile_file_id_80d280ad_like": "jobs_app_submissionfile (file_id text_pattern_ops)",
}
DROP = [f"DROP INDEX {name}" for name in DROPPED]
MAKE = [f"CREATE INDEX {name} ON {columns}" for name, columns in DROPPED.items()]
NAME = [
    "ALTER TABLE jobs_app_submission RENAME CONSTRAINT jobs_app_submission_task_id_key TO one_submission_per_task",
    "ALTER INDEX jobs_app_submissionfile_file_id_80d280ad RENAME TO file_by_id",
]
AS_BEFORE = [
    "ALTER TABLE jobs_app_submission RENAME CONSTRAINT one_submission_per_task TO jobs_app_submission_task_id_key",
    "ALTER INDEX file_by_id RENAME TO jobs_app_submissionfile_file_id_80d280ad",
]


def unindexed(to: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(
        to, django.db.models.deletion.PROTECT, null=True, related_name=related_name, db_index=False
    )


STATE = [
    migrations.AlterField("submission", "person", unindexed(settings.AUTH_USER_MODEL, "submissions")),
    migrations.AlterField("submission", "service", unindexed("jobs_app.service", "submissions")),
    migrations.AlterField("submission", "token", unindexed("jobs_app.apitoken", "+")),
    migrations.AlterField("submission", "accountable", unindexed(settings.AUTH_USER_MODEL, "+")),
    migrations.AlterField("submission", "task_id", models.TextField(null=True)),
    migrations.AddConstraint(
        "submission", models.UniqueConstraint(fields=("task_id",), name="one_submission_per_task")
    ),
    migrations.AlterField(
        "submissionfile",
        "submission",
        models.ForeignKey(
            "jobs_app.submission", django.db.models.deletion.CASCADE, related_name="files", db_index=False
        ),
    ),
    migrations.AlterField("submissionfile", "file_id", models.TextField()),
    migrations.AddIndex("submissionfile", models.Index(fields=["file_id"], name="file_by_id")),
]


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0016_sign_in")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(DROP + NAME, MAKE + AS_BEFORE)], state_operations=STATE
        )
    ]
