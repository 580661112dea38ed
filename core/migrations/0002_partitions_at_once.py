from __future__ import annotations

from django.db import migrations

from core.sql import ENSURE_PARTITION


class Migration(migrations.Migration):
    """Two who need one new year at the same moment: the second no longer fails over the table of the first."""

    dependencies = [("core", "0001_initial")]

    operations = [migrations.RunSQL(ENSURE_PARTITION, migrations.RunSQL.noop)]
