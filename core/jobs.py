"""Names of the foundation's background tasks."""

from __future__ import annotations

RELAY_OUTBOX = "core.relay_outbox"
TIDY_UP = "core.tidy_up"
ENSURE_PARTITIONS = "core.ensure_partitions"
