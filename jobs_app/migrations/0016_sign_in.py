"""Strangers' tries at the second step and throttled ones are counted too; the table of what must not be used twice."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs_app", "0015_people"),
    ]

    operations = [
        migrations.AlterField(
            model_name="refusedattempt",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sign_in", "Sign In"),
                    ("factor", "Factor"),
                    ("throttled", "Throttled"),
                    ("token", "Token"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="rolegrant",
            name="source",
            field=models.CharField(
                choices=[("portal", "Portal"), ("sso", "Sso")],
                db_default="portal",
                default="portal",
                help_text="Groups of the identity provider give roles at each sign-in, and take only those away.",
                max_length=10,
            ),
        ),
        # As Django's createcachetable makes it.
        migrations.RunSQL(
            """
            CREATE TABLE jobs_app_cache (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX jobs_app_cache_expires ON jobs_app_cache (expires);
            """,
            "DROP TABLE jobs_app_cache",
        ),
    ]
