"""The connection of scans alone: one bad row fails alone, and a lost server is found again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from attendance.models import AttendanceRecord, Session
from attendance.services import scan_line as line_module
from attendance.services.scan_line import Line, Outcome, connect
from attendance.services.scanning import ScanAnswer
from core import clock
from core.db import DatabaseUnavailable
from tests.attendance.scans import request_of, students_of
from tests.conftest import owner_sql
from tests.factories import SectionFactory, SessionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def held_clock(now: datetime) -> Iterator[None]:
    with clock.frozen(now):
        yield


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def codes_of(outcomes: list[Outcome]) -> list[str]:
    return [o.code if isinstance(o, ScanAnswer) else type(o).__name__ for o in outcomes]


def scans(session: Session, now: datetime) -> list[Any]:
    return [request_of(session, student, at=now) for student in students_of(session)]


def terminate_line() -> None:
    """What a restart of the server does to the line."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'campushub scans' AND datname = current_database()"
        )
        assert cursor.fetchall() == [(True,)]


def test_a_batch_is_committed_when_it_is_answered(line: Line, now: datetime) -> None:
    session = SessionFactory(open=True)

    outcomes = line.run(scans(session, now))

    assert codes_of(outcomes) == ["recorded"] * 3
    assert owner_sql("SELECT count(*) FROM attendance_record") == [(3,)]


def test_one_bad_row_fails_alone(line: Line, now: datetime) -> None:
    session = SessionFactory(open=True)
    first, second, third = students_of(session)
    asked = [
        request_of(session, first, at=now),
        request_of(session, second, at=now, request_id="x" * 65),
        request_of(session, third, at=now),
    ]

    outcomes = line.run(asked)

    assert codes_of(outcomes) == ["recorded", "StringDataRightTruncation", "recorded"]
    assert set(AttendanceRecord.objects.values_list("student", flat=True)) == {first.pk, third.pk}


def test_a_class_that_somebody_keeps_locked_holds_up_no_other(line: Line, now: datetime) -> None:
    kept, free = SessionFactory(open=True), SessionFactory(section=SectionFactory(students=1), open=True)
    with connect() as other:
        other.autocommit = False
        other.execute("SELECT 1 FROM attendance_session WHERE id = %s FOR UPDATE", [kept.pk])

        outcomes = line.run([*scans(kept, now), *scans(free, now)])

    assert codes_of(outcomes) == ["LockNotAvailable"] * 3 + ["recorded"]
    assert codes_of(line.run(scans(kept, now))) == ["recorded"] * 3


def test_a_connection_that_was_cut_is_made_anew_without_anybody_noticing(line: Line, now: datetime) -> None:
    session = SessionFactory(open=True)
    first, *others = scans(session, now)
    line.run([first])
    terminate_line()

    assert codes_of(line.run([first, *others])) == ["already_recorded", "recorded", "recorded"]


def test_without_a_server_it_says_so_and_finds_it_when_it_is_back(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "PAUSE", 60.0)
    session = SessionFactory(open=True)
    ports = [1, None]

    def reach() -> psycopg.Connection[Any]:
        port = ports.pop(0)
        return connect() if port is None else psycopg.connect(host="127.0.0.1", port=port, connect_timeout=5)

    line = Line(reach)
    with pytest.raises(DatabaseUnavailable):
        line.run(scans(session, now))
    with pytest.raises(DatabaseUnavailable):
        line.run(scans(session, now))
    assert ports == [None]  # the second was refused without knocking
    line._away_until = 0.0

    assert codes_of(line.run(scans(session, now))) == ["recorded"] * 3
    line.close()
