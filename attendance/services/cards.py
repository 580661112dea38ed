"""Numbers of cards: found by their blind index, never by opening what is sealed."""

from __future__ import annotations

from core.crypto import blind_index


def card_index(number: str) -> str:
    """The index of a card's number as readers write it: whatever its case, its blanks and its leading zeros."""
    return blind_index("".join(number.split()).upper().lstrip("0"), purpose="attendance.card")
