"""The materialized view of daily counts, for trends: they may be an hour old, and say so."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from attendance.models import SummaryRefresh


@transaction.atomic
def refresh(*, now: datetime) -> None:
    """Count all days anew. Readers go on reading the old counts until then; a second refresh waits for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT campushub_refresh_daily_summary()")
    SummaryRefresh.objects.update_or_create(view=SummaryRefresh.DAILY, defaults={"as_of": now})
