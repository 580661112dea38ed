"""Public identifiers: UUID version 7 (RFC 9562), made here because PostgreSQL before 18 has none."""

from __future__ import annotations

import uuid

import uuid_utils


def uuid7() -> uuid.UUID:
    """A time-ordered UUID: neighbours in time are neighbours in an index."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


#: The same in SQL, for rows that the database makes by itself; `at` is an expression. Milliseconds in the first 48
#: bits; the random one is of version 4, two more bits make it 7.
UUID7_SQL = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
       substring(int8send((extract(epoch FROM {at}) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
       'hex')::uuid"""
