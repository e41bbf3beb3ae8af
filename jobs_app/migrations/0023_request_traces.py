"""The W3C trace of the request that made a submission, for the log of its sending; no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs_app", "0022_saved_filters")]

    operations = [
        migrations.AddField(
            model_name="submission",
            name="request_trace",
            field=models.CharField(help_text="W3C's trace id of the request that made it.", max_length=32, null=True),
        ),
    ]
