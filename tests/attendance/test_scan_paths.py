"""The scan gate and the API's own action: what one answers, the other answers, to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

from academics.models import Student
from accounts.models import School, User
from attendance import codes
from attendance.enums import SessionStatus
from attendance.gate import ScanGate
from attendance.models import AttendanceConfiguration, AttendanceRecord, RefusedScan, Session
from attendance.services.scan_line import Line
from audit.models import AuditEntry
from core import clock, limits
from core.tokens import encode_access
from tests.attendance.scans import students_of
from tests.attendance.wsgi import SCAN, Answer, call
from tests.factories import FacultyFactory, RoomFactory, SessionFactory, StudentFactory

pytestmark = pytest.mark.django_db

_ANY_RECORD = re.compile(rb'"record":"[0-9a-f-]{36}"')


class Behind:
    """Django, and which requests reached it (those by which the gate learns the headers left out)."""

    def __init__(self) -> None:
        self.application = WSGIHandler()
        self.reached = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.reached += environ.get("HTTP_AUTHORIZATION") != "Bearer none"
        return self.application(environ, start_response)


@dataclass
class Hall:
    """An open class with its code, and both ways to scan it."""

    session: Session
    now: datetime
    django: Behind = field(default_factory=Behind)

    def __post_init__(self) -> None:
        # The test's own connection, so that both paths see the rows of its transaction.
        connection.ensure_connection()
        self.gate = ScanGate(self.django, line=Line(lambda: connection.connection))
        self.student, self.other, _third = students_of(self.session)

    def code(self, **changes: Any) -> str:
        asked = {
            "session_id": self.session.pk,
            "school_id": self.session.school_id,
            "generation": 1,
            "rotation": 15,
            "now": self.now,
        }
        return codes.encode(codes.code_at(**(asked | changes)))

    def token(self, user: User | None = None, *, issued_at: datetime | None = None) -> str:
        user = user or self.student.user
        student = Student.objects.filter(user=user).first()
        return encode_access(
            user_id=user.pk,
            school_id=user.school_id,
            role=user.role,
            student_id=student.pk if student else None,
            family_id=uuid4(),
            issued_at=issued_at or self.now,
        )

    def body(self, **changes: Any) -> bytes:
        return json.dumps({"token": self.code(), "device_id": "phone-1", **changes}).encode()

    def both(self, *, at: datetime | None = None, **request: Any) -> tuple[Answer, Answer, bool]:
        """The answers of the plain action and of the gate to the same request, each on the same state.

        Also whether the gate answered by itself.
        """
        request.setdefault("body", self.body())
        request.setdefault("token", self.token())
        before = set(AttendanceRecord.objects.values_list("pk", flat=True))
        answers = []
        for application in (self.django, self.gate):
            limits.forget_local()
            self.django.reached = 0
            with clock.frozen(at or self.now):
                answers.append(call(application, **request))
            AttendanceRecord.objects.exclude(pk__in=before).delete()
        return answers[0], answers[1], self.django.reached == 0


@pytest.fixture
def hall(now: datetime) -> Iterator[Hall]:
    # As Django's test client does: the end of a request would close the connection of the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Hall(SessionFactory(open=True), now)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    limits.forget_local()


def assert_alike(plain: Answer, gate: Answer) -> None:
    """The same status, headers and bytes; only the id of a new record may differ."""
    assert gate.status == plain.status
    assert _ANY_RECORD.sub(b"", gate.body) == _ANY_RECORD.sub(b"", plain.body)
    assert sorted(gate.headers) == sorted(plain.headers)


def test_a_scan_is_recorded(hall: Hall) -> None:
    plain, gate, by_gate = hall.both()

    assert_alike(plain, gate)
    assert (gate.status, gate.code, by_gate) == ("201 Created", "recorded", True)
    assert gate.header("X-Request-ID") == "test-request-1"


def test_a_late_scan_is_late(hall: Hall) -> None:
    late = hall.now + timedelta(minutes=6)

    plain, gate, by_gate = hall.both(at=late, body=hall.body(token=hall.code(now=late)))

    assert_alike(plain, gate)
    assert (gate.json()["status"], by_gate) == ("late", True)


def test_a_repeated_scan_finds_the_same_record_and_writes_nothing(hall: Hall) -> None:
    with clock.frozen(hall.now):
        first = call(hall.gate, body=hall.body(), token=hall.token())
    entries = AuditEntry.objects.count()

    plain, gate, by_gate = hall.both()

    assert_alike(plain, gate)
    assert (gate.status, gate.code, by_gate) == ("200 OK", "already_recorded", True)
    assert gate.body == plain.body
    assert gate.json()["record"] == first.json()["record"]
    assert AuditEntry.objects.count() == entries


def test_both_paths_leave_the_same_rows(hall: Hall) -> None:
    with clock.frozen(hall.now):
        call(hall.django, body=hall.body(), token=hall.token())
        call(hall.gate, body=hall.body(device_id="phone-2"), token=hall.token(hall.other.user))

    plain, gate = (
        AttendanceRecord.objects.filter(student=student).values().get()
        for student in (hall.student, hall.other)
    )
    own = {"id", "student_id", "snapshot_id", "device_key"}
    assert {k: v for k, v in plain.items() if k not in own} == {k: v for k, v in gate.items() if k not in own}
    told = [
        {k: v for k, v in entry.items() if k not in {"id", "xid", "operation_id", "object_id", "actor_id"}}
        for entry in AuditEntry.objects.filter(action="record.create").values()
    ]
    assert len(told) == 2
    assert told[0] == told[1]
    assert told[0]["ip"] == "10.1.2.3"
    assert told[0]["request_id"] == "test-request-1"


def _closed(hall: Hall) -> dict[str, Any]:
    Session.objects.filter(pk=hall.session.pk).update(status=SessionStatus.CLOSED, closed_at=hall.now)
    return {}


def _from_outside(hall: Hall) -> dict[str, Any]:
    return {"token": hall.token(StudentFactory(school=hall.session.school).user)}


def _from_another_school(hall: Hall) -> dict[str, Any]:
    return {"token": hall.token(StudentFactory().user)}


def _without_device(hall: Hall) -> dict[str, Any]:
    return {"body": json.dumps({"token": hall.code()}).encode()}


def _with_used_device(hall: Hall) -> dict[str, Any]:
    with clock.frozen(hall.now):
        call(hall.django, body=hall.body(), token=hall.token(hall.other.user))
    return {}


def _new_generation(hall: Hall) -> dict[str, Any]:
    Session.objects.filter(pk=hall.session.pk).update(qr_generation=2)
    return {}


def _old_series(hall: Hall) -> dict[str, Any]:
    Session.objects.filter(pk=hall.session.pk).update(qr_started_at=hall.now - timedelta(hours=2))
    return {}


def _geofence(hall: Hall) -> None:
    AttendanceConfiguration.objects.filter(school=hall.session.school).update(gps_verification=True)
    room = RoomFactory(school=hall.session.school, latitude=17.4, longitude=78.5)
    Session.objects.filter(pk=hall.session.pk).update(room=room)


def _without_place(hall: Hall) -> dict[str, Any]:
    _geofence(hall)
    return {}


def _far_away(hall: Hall) -> dict[str, Any]:
    _geofence(hall)
    return {"body": hall.body(latitude=17.5, longitude=78.5, accuracy=10)}


def _beyond_its_accuracy(hall: Hall) -> dict[str, Any]:
    """A kilometre away, and the phone claims to know nothing: so much does not count."""
    _geofence(hall)
    return {"body": hall.body(latitude=17.409, longitude=78.5, accuracy=100_000)}


def _in_hindi(hall: Hall) -> dict[str, Any]:
    return _closed(hall) | {"environ": {"HTTP_ACCEPT_LANGUAGE": "hi,en;q=0.5"}}


@pytest.mark.parametrize(
    ("arrange", "status", "code"),
    [
        (_closed, 409, "session_not_open"),
        (_from_outside, 403, "not_on_roster"),
        (_from_another_school, 403, "not_on_roster"),
        (_without_device, 400, "device_required"),
        (_with_used_device, 409, "device_already_used"),
        (_new_generation, 410, "qr_expired"),
        (_old_series, 410, "qr_expired"),
        (_without_place, 400, "location_required"),
        (_far_away, 403, "outside_geofence"),
        (_beyond_its_accuracy, 403, "outside_geofence"),
        (_in_hindi, 409, "session_not_open"),
    ],
)
def test_the_gate_refuses_what_the_action_refuses(
    hall: Hall, arrange: Callable[[Hall], dict[str, Any]], status: int, code: str
) -> None:
    plain, gate, by_gate = hall.both(**arrange(hall))

    assert_alike(plain, gate)
    assert gate.body == plain.body
    assert (int(gate.status[:3]), gate.code, by_gate) == (status, code, True)


def test_a_place_whose_accuracy_reaches_the_fence_is_taken_by_both(hall: Hall) -> None:
    _geofence(hall)

    plain, gate, by_gate = hall.both(body=hall.body(latitude=17.40117, longitude=78.5, accuracy=40))

    assert_alike(plain, gate)
    assert (gate.code, by_gate) == ("recorded", True)


def test_both_leave_the_same_trace_of_a_refusal(hall: Hall) -> None:
    _geofence(hall)
    traces = []
    for application in (hall.django, hall.gate):
        with clock.frozen(hall.now):
            call(application, body=hall.body(latitude=17.5, longitude=78.5, accuracy=10), token=hall.token())
        traces.append(
            RefusedScan.objects.values("session", "student", "code", "at", "device_key", "location").get()
        )
        RefusedScan.objects.all().delete()
    assert traces[0] == traces[1]
    assert (traces[0]["student"], traces[0]["code"]) == (hall.student.pk, "outside_geofence")


def test_a_place_inside_the_fence_is_kept_by_both(hall: Hall) -> None:
    _geofence(hall)

    plain, gate, by_gate = hall.both(body=hall.body(latitude=17.4, longitude=78.5, accuracy=5))

    assert_alike(plain, gate)
    assert (gate.code, by_gate) == ("recorded", True)


# --- What the gate does not answer comes to Django as it was --------------------------------------------------


def _switched_off(hall: Hall) -> dict[str, Any]:
    User.objects.filter(pk=hall.student.user_id).update(is_active=False)
    return {}


def _school_switched_off(hall: Hall) -> dict[str, Any]:
    School.objects.filter(pk=hall.session.school_id).update(is_active=False)
    return {}


def _now_a_teacher(hall: Hall) -> dict[str, Any]:
    token = hall.token()
    User.objects.filter(pk=hall.student.user_id).update(role="faculty")
    return {"token": token}


def _teacher(hall: Hall) -> dict[str, Any]:
    return {"token": hall.token(FacultyFactory(school=hall.session.school).user)}


def _headers(**environ: Any) -> Callable[[Hall], dict[str, Any]]:
    return lambda _hall: {"environ": environ}


def _text(body: str) -> Callable[[Hall], dict[str, Any]]:
    return lambda hall: {"body": body.replace("CODE", hall.code()).encode()}


def _raw(body: bytes) -> Callable[[Hall], dict[str, Any]]:
    return lambda _hall: {"body": body}


@pytest.mark.parametrize(
    ("arrange", "status", "code"),
    [
        pytest.param(lambda hall: {"token": None}, 401, "not_authenticated", id="no token"),
        pytest.param(lambda hall: {"token": "nonsense"}, 401, "token_not_valid", id="no such token"),
        pytest.param(
            lambda hall: {"token": hall.token(issued_at=hall.now - timedelta(minutes=16))},
            401, "token_not_valid", id="expired token",
        ),
        pytest.param(_switched_off, 401, "token_not_valid", id="person switched off"),
        pytest.param(_school_switched_off, 401, "token_not_valid", id="school switched off"),
        pytest.param(_now_a_teacher, 403, "students_only", id="no student any more"),
        pytest.param(_teacher, 403, "students_only", id="a teacher"),
        pytest.param(_text('{"token": "CODE", "device_id"'), 400, "parse_error", id="half a body"),
        pytest.param(
            _text('{"token": "x", "token": "CODE", "device_id": "d"}'), 400, "parse_error", id="a key twice"
        ),
        pytest.param(_text('{"token": "CODE", "latitude": NaN}'), 400, "parse_error", id="NaN"),
        pytest.param(_text('{"token": "CODE", "device_id": "\\u0000"}'), 400, "parse_error", id="NUL"),
        pytest.param(_raw(b'{"token": "\xff"}'), 400, "parse_error", id="bad UTF-8"),
        pytest.param(_raw(b"[]"), 400, "invalid", id="a list"),
        pytest.param(_raw(b""), 400, "required", id="no body"),
        pytest.param(_text('{"device_id": "d"}'), 400, "required", id="no code"),
        pytest.param(_text('{"token": 5}'), 400, "qr_invalid", id="a number for a code"),
        pytest.param(_text('{"token": null}'), 400, "null", id="null for a code"),
        pytest.param(_text('{"token": "CODE", "latitude": "17"}'), 400, "invalid", id="a text for a number"),
        pytest.param(_text('{"token": "CODE", "latitude": true}'), 400, "invalid", id="true for a number"),
        pytest.param(_text('{"token": "CODE", "latitude": 91}'), 400, "out_of_range", id="beyond the pole"),
        pytest.param(_text('{"token": "CODE", "device_id": 7}'), 201, "recorded", id="a number for a device"),
        pytest.param(
            _text('{"token": "CODE", "device_id": "%s"}' % ("d" * 201)), 400, "max_length", id="long device"
        ),
        pytest.param(
            _text('{"token": "CODE", "device_id": "d", "pad": "%s"}' % ("x" * 3000)), 201, "recorded", id="long body"
        ),
        pytest.param(_text('{"token": "CODE", "device_id": " d "}'), 201, "recorded", id="spaces"),
        pytest.param(_text('{"token": "CODE", "device_id": "d\\u00e9"}'), 201, "recorded", id="escapes"),
        pytest.param(
            lambda hall: {"body": hall.body(token=hall.code(now=hall.now - timedelta(seconds=31)))},
            410, "qr_expired", id="old code",
        ),
        pytest.param(lambda hall: {"body": hall.body(token=hall.code()[:-2] + "AA")}, 400, "qr_invalid", id="forged"),
        pytest.param(_headers(CONTENT_TYPE="text/plain"), 415, "unsupported_media_type", id="plain text"),
        pytest.param(_headers(CONTENT_TYPE=None), 415, "unsupported_media_type", id="no content type"),
        pytest.param(_headers(HTTP_ACCEPT="image/png"), 406, "not_acceptable", id="wants a picture"),
        pytest.param(_headers(HTTP_HOST="elsewhere.example"), 400, "invalid", id="unknown host"),
        pytest.param(_headers(HTTP_COOKIE="a=b"), 201, "recorded", id="cookies"),
        pytest.param(_headers(QUERY_STRING="a=b"), 201, "recorded", id="query"),
        pytest.param(_headers(CONTENT_LENGTH="6000000"), 413, "body_too_large", id="announces 6 MB"),
    ],
)  # fmt: skip
def test_what_is_not_plain_falls_through(
    hall: Hall, arrange: Callable[[Hall], dict[str, Any]], status: int, code: str
) -> None:
    plain, gate, by_gate = hall.both(**arrange(hall))

    assert_alike(plain, gate)
    assert (int(gate.status[:3]), gate.code, by_gate) == (status, code, False)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_fall_through(hall: Hall, method: str) -> None:
    plain, gate, by_gate = hall.both(method=method, body=b"")

    assert_alike(plain, gate)
    assert not by_gate


def test_other_addresses_fall_through(hall: Hall) -> None:
    plain, gate, by_gate = hall.both(path="/api/v1/attendance/records/qr-scan", body=hall.body())

    assert_alike(plain, gate)
    assert not by_gate


def test_a_request_without_an_id_gets_one(hall: Hall) -> None:
    plain, gate, _by_gate = hall.both(environ={"HTTP_X_REQUEST_ID": None})

    assert gate.status == plain.status
    assert re.fullmatch("[0-9a-f]{32}", gate.header("X-Request-ID") or "")


def test_both_paths_share_one_limit(hall: Hall, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"scan": "3/min"}
    limits.forget_local()
    with clock.frozen(hall.now):
        request = {"body": hall.body(), "token": hall.token()}
        codes_seen = [
            call(application, **request).code
            for application in (hall.gate, hall.django, hall.gate, hall.django)
        ]
        refused = [call(application, **request) for application in (hall.django, hall.gate)]

    assert codes_seen == ["recorded", "already_recorded", "already_recorded", "throttled"]
    plain, gate = refused
    assert (gate.status, gate.header("Retry-After")) == (plain.status, plain.header("Retry-After"))
    assert gate.status == "429 Too Many Requests"
    assert int(gate.header("Retry-After") or 0) > 0


def test_the_gate_serves_the_address_of_the_action() -> None:
    from django.urls import reverse

    assert reverse("attendance-record-qr-scan") == SCAN
