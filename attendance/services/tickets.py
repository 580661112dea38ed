"""Redeemed scan tickets, kept for as long as somebody could try to use one again."""

from __future__ import annotations

from datetime import datetime, timedelta

from attendance.models import ScanTicketUse

#: Far beyond `codes.TICKET_LIFE`, so that no difference between clocks brings a ticket back to life.
KEPT = timedelta(days=1)


def forget(*, now: datetime) -> int:
    """Delete what is too old to matter; how many rows that were."""
    return ScanTicketUse.objects.filter(used_at__lt=now - KEPT).delete()[0]
