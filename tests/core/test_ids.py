"""Time-ordered identifiers, made here and by the database."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection

from core.ids import UUID7_SQL, uuid7

AT = datetime(2026, 11, 3, 3, 30, 0, 123000, tzinfo=UTC)


@pytest.mark.django_db
def test_the_database_makes_identifiers_of_the_same_kind() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {UUID7_SQL.format(at='%s::timestamptz')} FROM generate_series(1, 50)", [AT])
        made = [ident for (ident,) in cursor.fetchall()]

    assert len(set(made)) == 50
    for ident in made:
        assert (ident.version, ident.variant) == (uuid7().version, uuid7().variant)
        assert _milliseconds(ident) == AT.timestamp() * 1000


def test_later_ones_come_later() -> None:
    made = [uuid7() for _number in range(50)]

    assert made == sorted(made)
    assert uuid7().version == 7


def _milliseconds(ident: UUID) -> int:
    return ident.int >> 80
