"""Public identifiers: UUID version 7 (RFC 9562), made here because PostgreSQL before 18 has none."""

from __future__ import annotations

import uuid

import uuid_utils


def uuid7() -> uuid.UUID:
    """A time-ordered UUID: neighbours in time are neighbours in an index."""
    return uuid.UUID(int=uuid_utils.uuid7().int)
