from __future__ import annotations

from tests.colleges import college, held_clock

__all__ = ["college", "held_clock"]
