"""The web process's own callable: the gate and Django behind it, on committed rows and a connection of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

from academics.models import Student
from attendance import codes
from attendance.api.scans import ALONE
from attendance.gate import ScanGate
from attendance.models import AttendanceRecord, Session
from attendance.services.scan_line import Line, Outcome, connect
from attendance.services.scanning import ScanAnswer
from campushub.wsgi import application, django
from core import clock, limits
from core.db import DatabaseUnavailable
from core.tokens import encode_access
from tests.attendance.scans import request_of, students_of
from tests.attendance.wsgi import Answer, call
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def held_clock(now: datetime) -> Iterator[None]:
    with clock.frozen(now):
        yield


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Django closes its connection around requests, which here would be the test's."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    limits.forget_local()
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    application.close()


@pytest.fixture
def session() -> Session:
    return SessionFactory(open=True)


def token(student: Student, now: datetime) -> str:
    return encode_access(
        user_id=student.user_id,
        school_id=student.school_id,
        role="student",
        student_id=student.pk,
        family_id=uuid4(),
        issued_at=now,
    )


def body(session: Session, now: datetime) -> bytes:
    code = codes.code_at(
        session_id=session.pk, school_id=session.school_id, generation=1, rotation=15, now=now
    )
    return json.dumps({"token": codes.encode(code), "device_id": "phone-0001"}).encode()


def scan(gate: Any, session: Session, now: datetime, **more: Any) -> Answer:
    student = students_of(session)[0]
    return call(gate, body=body(session, now), token=token(student, now), **more)


def nowhere() -> psycopg.Connection[Any]:
    return psycopg.connect(host="127.0.0.1", port=1, connect_timeout=5)


def cut(line_of: str = "campushub scans") -> None:
    """What a restart of the server does to the gate's connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [line_of],
        )
        assert cursor.fetchall() == [(True,)]


class TestTheWebProcess:
    def test_answers_scans_and_pages(self, session: Session, now: datetime) -> None:
        assert scan(application, session, now).status == "201 Created"
        assert AttendanceRecord.objects.get().session == session
        assert call(application, method="GET", path="/healthz").body == b"ok\n"

    def test_goes_on_after_it_gave_its_connection_back(self, session: Session, now: datetime) -> None:
        scan(application, session, now)
        application.close()
        assert scan(application, session, now).status == "200 OK"

    def test_without_a_database_answers_as_django_would(self, session: Session, now: datetime) -> None:
        gate = ScanGate(django, line=Line(nowhere))
        refused = scan(gate, session, now)
        assert (refused.status, refused.code) == ("503 Service Unavailable", "database_unavailable")
        assert int(refused.header("Retry-After") or 0) > 0
        assert refused.json()["type"] == "server_error"
        assert not AttendanceRecord.objects.exists()

    def test_a_scan_that_fails_alone_is_left_to_django(self, session: Session, now: datetime) -> None:
        """Somebody keeps the class locked for longer than the gate waits: its other scans do not wait as well."""
        alone: list[bool] = []

        def behind(environ: dict[str, Any], start_response: Any) -> Any:
            if environ.get("HTTP_AUTHORIZATION") != "Bearer none":  # which is how the gate learns the headers
                alone.append(ALONE in environ)
            return django(environ, start_response)

        gate = ScanGate(behind)
        with connect() as other:
            other.autocommit = False
            other.execute("SELECT 1 FROM attendance_session WHERE id = %s FOR UPDATE", [session.pk])
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            refused = scan(gate, session, now)
            other.rollback()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        gate.close()
        assert (refused.status, refused.code) == ("503 Service Unavailable", "database_busy")
        assert alone == [True]

    def test_a_body_that_ends_before_its_announced_length_is_left_to_django(
        self, session: Session, now: datetime
    ) -> None:
        announced = str(len(body(session, now)) + 5)
        answer = scan(application, session, now, environ={"CONTENT_LENGTH": announced})
        assert answer.status.startswith("201"), answer.body
        longer = {"CONTENT_LENGTH": announced, "wsgi.input": io.BytesIO(b'{"token": "')}
        assert scan(application, session, now, environ=longer).status.startswith("400")


class TestTheLine:
    """The gate's connection when it is cut and more is wrong besides."""

    def outcomes(self, found: list[Outcome]) -> list[str]:
        return [one.code if isinstance(one, ScanAnswer) else type(one).__name__ for one in found]

    def test_after_a_restart_of_the_server_a_bad_row_still_fails_alone(
        self, session: Session, now: datetime
    ) -> None:
        first, second, third = students_of(session)
        line = Line()
        line.run([request_of(session, first, at=now)])
        cut()
        found = line.run(
            [
                request_of(session, first, at=now),
                request_of(session, second, at=now, request_id="x" * 65),
                request_of(session, third, at=now),
            ]
        )
        line.close()
        assert self.outcomes(found) == ["already_recorded", "StringDataRightTruncation", "recorded"]

    def test_a_server_that_goes_and_stays_away_is_told(self, session: Session, now: datetime) -> None:
        ways = [connect, nowhere]
        line = Line(lambda: ways.pop(0)())
        first, second, _third = students_of(session)
        line.run([request_of(session, first, at=now)])
        cut()
        with pytest.raises(DatabaseUnavailable):
            line.run([request_of(session, second, at=now)])
        assert ways == []
        assert AttendanceRecord.objects.count() == 1


def test_the_gate_stands_in_front_of_the_application_that_settings_name() -> None:
    assert settings.WSGI_APPLICATION == "campushub.wsgi.application"
    assert isinstance(application, ScanGate)
