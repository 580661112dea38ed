"""Is this installation in order, and what to do where it is not."""

from __future__ import annotations

from core.doctor.checks import examine
from core.doctor.findings import Finding
from core.doctor.integrity import crossing_schools

__all__ = ["Finding", "crossing_schools", "examine"]
