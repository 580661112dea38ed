from __future__ import annotations

from django.db import migrations

from attendance.sql import FIGURES, FIGURES_INLINE, FIGURES_SIGNATURE

_DROP = f"DROP FUNCTION {FIGURES_SIGNATURE}"


class Migration(migrations.Migration):
    """The formula becomes part of the statements that ask for it; kept figures change within their page."""

    dependencies = [("attendance", "0009_anomalies")]

    operations = [
        migrations.RunSQL([_DROP, FIGURES_INLINE], [_DROP, FIGURES]),
        # Each closing changes a row per student. With room for the new version on its page, none of five indexes is
        # written.
        migrations.RunSQL(
            "ALTER TABLE attendance_statistics SET (fillfactor = 70)",
            "ALTER TABLE attendance_statistics RESET (fillfactor)",
        ),
    ]
