from __future__ import annotations

from tests.colleges import college, elsewhere, held_clock, operator, unhurried

__all__ = ["college", "elsewhere", "held_clock", "operator", "unhurried"]
