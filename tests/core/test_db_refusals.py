"""A violated constraint is the same coded refusal as the check that it backs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.models import School
from core import db
from core.errors import DomainError
from tests.factories.accounts import SchoolFactory

pytestmark = pytest.mark.django_db


class Taken(DomainError):
    code = "taken"
    message = "{name} is taken."
    status = 410


def refused(sql: str, *parameters: Any) -> DomainError | None:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    return db.refusal_of(caught.value)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_refusals", {"school_code_once": Taken})


def test_a_registered_constraint_has_its_own_words(registered: None) -> None:
    SchoolFactory(code="same")
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        School.objects.create(name="x", code="SAME")

    assert db.constraint_of(caught.value) == "school_code_once"
    refusal = db.refusal_of(caught.value)
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("taken", 410)


def test_an_unregistered_one_is_a_plain_conflict(registered: None) -> None:
    refusal = refused("INSERT INTO accounts_user (username) VALUES (%s)", "UPPER")
    assert isinstance(refusal, db.Conflict)


def test_the_suffix_of_a_partition_is_no_part_of_the_name() -> None:
    class Diagnosis:
        constraint_name = "record_session_student__y2026"

    class Violated(psycopg.errors.UniqueViolation):
        diag = Diagnosis()  # type: ignore[assignment] # psycopg fills it from the server's answer

    error = IntegrityError()
    error.__cause__ = Violated()
    assert db.constraint_of(error) == "record_session_student"


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("SELECT 99999999999::int", db.OutOfRange),
        ("SELECT 'x'::date", db.OutOfRange),
        ("SELECT repeat('x', 300)::varchar(3)::bytea || E'\\\\x'::bytea || 1/0::text::bytea", None),
        ("SELECT 1/0", db.OutOfRange),
        ("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)", db.DatabaseBusy),
        ("SET LOCAL transaction_read_only = on; DELETE FROM core_outbox", db.DatabaseUnavailable),
        ("SELECT no_such_column", None),
    ],
)
def test_errors_of_the_server_by_their_class(sql: str, refusal: type[DomainError] | None) -> None:
    found = refused(sql)
    assert (type(found) if found else None) is refusal


def test_what_the_driver_does_not_even_send_is_out_of_range() -> None:
    assert isinstance(refused("SELECT %s::text", "a\0b"), db.OutOfRange)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    error = OperationalError("connection refused")
    error.__cause__ = psycopg.OperationalError("connection refused")

    refusal = db.refusal_of(error)

    assert isinstance(refusal, db.DatabaseUnavailable)
    assert (refusal.status, refusal.retry_after) == (503, 5)


def test_registering_one_constraint_twice_is_a_mistake(registered: None, now: datetime) -> None:
    db.register({"school_code_once": Taken})
    with pytest.raises(ValueError):
        db.register({"school_code_once": db.Conflict})


def test_every_registered_constraint_exists() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind IN ('i', 'I')"
        )
        names = {name for (name,) in cursor.fetchall()}
    assert set(db._refusals) - names == set()
