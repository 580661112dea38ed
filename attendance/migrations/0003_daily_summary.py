from __future__ import annotations

from django.db import migrations, models

from attendance.sql import (
    DAILY_SUMMARY,
    DROP_DAILY_SUMMARY,
    DROP_REFRESH_DAILY_SUMMARY,
    REFRESH_DAILY_SUMMARY,
)


class Migration(migrations.Migration):
    dependencies = [("academics", "0002_initial"), ("attendance", "0002_requests")]

    operations = [
        migrations.CreateModel(
            name="SummaryRefresh",
            fields=[
                ("view", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("as_of", models.DateTimeField()),
            ],
            options={
                "verbose_name": "refresh of a summary",
                "verbose_name_plural": "refreshes of summaries",
                "db_table": "attendance_summary_refresh",
            },
        ),
        migrations.RunSQL(DAILY_SUMMARY, DROP_DAILY_SUMMARY),
        migrations.RunSQL(REFRESH_DAILY_SUMMARY, DROP_REFRESH_DAILY_SUMMARY),
    ]
