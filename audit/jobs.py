"""Names of audit's background tasks."""

from __future__ import annotations

SEAL = "audit.seal"
VERIFY = "audit.verify"
