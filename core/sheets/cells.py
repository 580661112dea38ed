"""What may stand in a cell. The only place that decides whether a spreadsheet would run a text as a formula."""

from __future__ import annotations

#: What a formula begins with (OWASP, "CSV injection"): a tab or a line break is skipped by some programs, which then
#: see what follows; older ones call others by "|" and "%"; the last four are the first four of East Asian input.
_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def neutral(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet could take it for a formula.

    Numbers, dates and truth values are never texts here, so that -5 stays a number.
    """
    return f"'{text}" if text.startswith(_BEGINNINGS) else text
