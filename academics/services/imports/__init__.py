"""Bringing in what a school has on disk."""

from __future__ import annotations

from academics.services.imports.report import Problem, Report
from academics.services.imports.roster import import_roster

__all__ = ["Problem", "Report", "import_roster"]
