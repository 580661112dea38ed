"""UUIDs of version 7 made by SQL, for rows that the database itself makes up.

In the order of time, as the application makes them: neighbours in time are neighbours in the index, which is what
keeps loading millions of them fast. The rest of the bits is a hash, so that the same input gives the same row.
"""

from __future__ import annotations


def uuid_of(at: str, text: str) -> str:
    """The SQL expression for the UUID of an instant (SQL of a timestamptz) and of a text (SQL) that identifies it."""
    return (
        f"(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7' || substr(md5({text}), 1, 3) "
        f"|| '8' || substr(md5({text}), 4, 15))::uuid"
    )
