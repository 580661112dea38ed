"""The doors before Django and the API's own views: what one answers, the other answers, to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from academics.models import Faculty, Student
from accounts.models import School, User
from attendance.enums import SessionStatus, Status
from attendance.gate import Doors
from attendance.gate.doors import BULK_MARK, SUMMARY
from attendance.models import AttendanceConfiguration, AttendanceRecord, AttendanceStatistics, Session
from attendance.services import leaves, marking, scheduler, statistics
from attendance.services.sessions import close_session
from audit.models import AuditEntry
from core import clock, limits
from core.tokens import encode_access
from notifications.models import Notification
from tests.attendance.scans import students_of
from tests.attendance.test_scan_paths import Behind
from tests.attendance.wsgi import Answer, call
from tests.factories import (
    FacultyFactory,
    RoomFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    TermFactory,
)

pytestmark = pytest.mark.django_db


@dataclass
class Room:
    """An open class with its teacher and students, and both ways to ask about it."""

    session: Session
    now: datetime
    django: Behind = field(default_factory=Behind)

    def __post_init__(self) -> None:
        self.doors = Doors(self.django)
        self.students = students_of(self.session)
        self.teacher: Faculty = self.session.faculty.get()

    def token(self, user: User | None = None, *, issued_at: datetime | None = None) -> str:
        user = user or self.teacher.user
        student = Student.objects.filter(user=user).first()
        return encode_access(
            user_id=user.pk,
            school_id=user.school_id,
            role=user.role,
            student_id=student.pk if student else None,
            family_id=uuid4(),
            issued_at=issued_at or self.now,
        )

    def marks(self, *statuses: Any, **changes: Any) -> bytes:
        rows = [
            {"student": student.enrollment_no, "status": status}
            for student, status in zip(self.students, statuses or ("present", "late", "absent"), strict=False)
        ]
        return json.dumps({"session": str(self.session.pk), "marks": rows, **changes}).encode()

    def both(self, **request: Any) -> tuple[Answer, Answer, bool]:
        """The answers of the plain view and of the door to the same request, each on the same state.

        Also whether the door answered by itself.
        """
        request.setdefault("token", self.token())
        before = set(AttendanceRecord.objects.values_list("pk", flat=True))
        answers = []
        for application in (self.django, self.doors):
            limits.forget_local()
            self.django.reached = 0
            with clock.frozen(self.now):
                answers.append(call(application, **request))
            AttendanceRecord.objects.exclude(pk__in=before).delete()
        return answers[0], answers[1], self.django.reached == 0

    def look(self, **request: Any) -> tuple[Answer, Answer, bool]:
        request.setdefault("token", self.token(self.students[0].user))
        return self.both(method="GET", path=SUMMARY, **request)

    def mark(self, **request: Any) -> tuple[Answer, Answer, bool]:
        request.setdefault("body", self.marks())
        return self.both(path=BULK_MARK, **request)


@pytest.fixture
def room(now: datetime) -> Iterator[Room]:
    # As Django's test client does: the end of a request would close the connection of the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Room(SessionFactory(open=True), now)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    limits.forget_local()


def assert_alike(plain: Answer, door: Answer) -> None:
    """The same status, headers and bytes."""
    assert door.status == plain.status
    assert door.body == plain.body
    assert sorted(door.headers) == sorted(plain.headers)


def _held(room: Room) -> None:
    """One class counts, in which the first student was late."""
    marking.bulk_mark(
        session=room.session,
        marks=[marking.Mark(room.students[0].enrollment_no, Status.LATE)],
        by=room.teacher.user,
        now=room.now,
    )
    close_session(session=room.session, by=room.teacher.user, now=room.now)


def test_a_students_own_figures_are_the_same_at_the_door(room: Room) -> None:
    _held(room)

    plain, door, by_door = room.look()

    assert_alike(plain, door)
    assert (door.status, by_door) == ("200 OK", True)
    assert door.json()["overall"]["late"] == 1
    assert door.json()["student"]["enrollment_no"] == room.students[0].enrollment_no
    assert door.header("X-Request-ID") == "test-request-1"


def _no_class_held(room: Room) -> None:
    AttendanceRecord.objects.filter(session=room.session).delete()


def _other_rules(room: Room) -> None:
    _held(room)
    AttendanceConfiguration.objects.filter(school=room.session.school).update(
        late_weight="0.5", attendance_threshold_percent=80, condonation_floor_percent=50
    )


def _far_away(room: Room) -> None:
    """It is another day there, and the term begins with it."""
    School.objects.filter(pk=room.session.school_id).update(timezone="Pacific/Kiritimati")
    day = (room.now + timedelta(hours=14)).date()
    room.session.term.__class__.objects.filter(pk=room.session.term_id).update(
        starts_on=day, ends_on=day + timedelta(days=90)
    )


def _only_later_terms(room: Room) -> None:
    terms = room.session.term.__class__.objects.filter(school=room.session.school)
    terms.update(starts_on=room.now.date() + timedelta(days=5), ends_on=room.now.date() + timedelta(days=60))
    for days in (90, 70):
        starts = room.now.date() + timedelta(days=days)
        TermFactory(
            school=room.session.school, name=f"{days}", starts_on=starts, ends_on=starts + timedelta(days=10)
        )


def _only_earlier_terms(room: Room) -> None:
    terms = room.session.term.__class__.objects.filter(school=room.session.school)
    terms.update(starts_on=room.now.date() - timedelta(days=90), ends_on=room.now.date() - timedelta(days=30))
    starts = room.now.date() - timedelta(days=200)
    TermFactory(
        school=room.session.school, name="before", starts_on=starts, ends_on=starts + timedelta(days=10)
    )


@pytest.mark.parametrize(
    "given", [_no_class_held, _other_rules, _far_away, _only_later_terms, _only_earlier_terms]
)
def test_figures_at_the_door_know_terms_rules_and_the_schools_date(
    room: Room, given: Callable[[Room], None]
) -> None:
    given(room)

    plain, door, by_door = room.look()

    assert_alike(plain, door)
    assert (door.status, by_door) == ("200 OK", True)


def _stranger(room: Room) -> dict[str, Any]:
    student = room.students[0]
    User.objects.filter(pk=student.user_id).update(is_active=False)
    return {}


def _closed_school(room: Room) -> dict[str, Any]:
    School.objects.filter(pk=room.session.school_id).update(is_active=False)
    return {}


def _other_role_meanwhile(room: Room) -> dict[str, Any]:
    token = room.token(room.students[0].user)
    User.objects.filter(pk=room.students[0].user_id).update(role="faculty")
    return {"token": token}


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (_stranger, 401),
        (_closed_school, 401),
        (_other_role_meanwhile, 400),
        (lambda room: {"token": "nonsense"}, 401),
        (lambda room: {"token": None}, 401),
        (
            lambda room: {
                "token": room.token(room.students[0].user, issued_at=room.now - timedelta(hours=1))
            },
            401,
        ),
        (lambda room: {"token": room.token(room.teacher.user)}, 400),
        (lambda room: {"environ": {"QUERY_STRING": "colour=red"}}, 400),
        (lambda room: {"environ": {"QUERY_STRING": f"student={room.students[1].enrollment_no}"}}, 403),
        (lambda room: {"environ": {"HTTP_ACCEPT": "image/png"}}, 406),
        (lambda room: {"environ": {"HTTP_HOST": "elsewhere.example"}}, 400),
    ],
)
def test_what_is_not_plain_is_left_to_django(
    room: Room, request_of: Callable[[Room], dict[str, Any]], status: int
) -> None:
    plain, door, by_door = room.look(**request_of(room))

    assert door.status == plain.status
    assert door.body == plain.body
    assert (int(door.status[:3]), by_door) == (status, False)


def test_a_fresh_class_is_marked_at_the_door_as_by_the_api(room: Room) -> None:
    plain, door, by_door = room.mark()

    assert_alike(plain, door)
    assert (door.json(), by_door) == ({"saved": 3, "unchanged": 0, "failed": []}, True)


def test_both_ways_leave_the_same_marks_and_entries(room: Room) -> None:
    section = SectionFactory(school=room.session.school, term=room.session.term, students=3)
    later = room.session.starts_at + timedelta(hours=2)
    other = Room(SessionFactory(open=True, section=section, teacher=room.teacher, starts_at=later), room.now)
    rows, told = [], []
    for application, here in ((room.django, room), (room.doors, other)):
        with clock.frozen(room.now):
            call(application, path=BULK_MARK, body=here.marks(), token=room.token())
        found = AttendanceRecord.objects.filter(session=here.session).order_by("student_id")
        own = {"id", "session_id", "section_id", "student_id", "snapshot_id"}
        rows.append([{k: v for k, v in row.items() if k not in own} for row in found.values()])
        entries = AuditEntry.objects.filter(object_id__in=[str(row.pk) for row in found])
        assert len(set(entries.values_list("operation_id", flat=True))) == 1
        skipped = {"id", "xid", "operation_id", "object_id"}
        told.append(
            sorted(
                (
                    {
                        k: v if k != "after" else {**v, "session": v["session"] == str(here.session.pk)}
                        for k, v in entry.items()
                        if k not in skipped
                    }
                    for entry in entries.values()
                ),
                key=lambda entry: entry["after"]["status"],
            )
        )
        assert [row.section_id in {s.pk for s in here.session.sections.all()} for row in found] == [True] * 3

    assert len(rows[0]) == len(told[0]) == 3
    assert rows[0] == rows[1]
    assert told[0] == told[1]
    assert told[1][0]["ip"] == "10.1.2.3"


def test_a_substitute_marks_at_the_door(room: Room) -> None:
    stands_in = FacultyFactory(school=room.session.school)
    Session.objects.filter(pk=room.session.pk).update(substitute=stands_in)

    plain, door, by_door = room.mark(token=room.token(stands_in.user))

    assert_alike(plain, door)
    assert (door.json()["saved"], by_door) == (3, True)


def _marked_before(room: Room) -> dict[str, Any]:
    marking.mark(
        session=room.session,
        student=room.students[1].enrollment_no,
        status="late",
        by=room.teacher.user,
        now=room.now,
    )
    return {}


def _closed(room: Room) -> dict[str, Any]:
    Session.objects.filter(pk=room.session.pk).update(status=SessionStatus.CLOSED, closed_at=room.now)
    return {}


def _not_theirs(room: Room) -> dict[str, Any]:
    return {"token": room.token(FacultyFactory(school=room.session.school).user)}


def _of_another_school(room: Room) -> dict[str, Any]:
    return {"token": room.token(FacultyFactory().user)}


def _left_the_staff(room: Room) -> dict[str, Any]:
    User.objects.filter(pk=room.teacher.user_id).update(is_active=False)
    return {}


def _with_a_stranger(room: Room) -> dict[str, Any]:
    room.students = [*room.students[:2], StudentFactory(school=room.session.school)]
    return {"body": room.marks()}


def _row(**changes: Any) -> Callable[[Room], dict[str, Any]]:
    def made(room: Room) -> dict[str, Any]:
        rows = json.loads(room.marks())["marks"]
        rows[0].update(changes)
        return {"body": room.marks(marks=rows)}

    return made


def _twice(room: Room) -> dict[str, Any]:
    rows = json.loads(room.marks())["marks"]
    return {"body": room.marks(marks=[*rows, {**rows[0], "student": rows[0]["student"].lower()}])}


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (_marked_before, 200),
        (_closed, 400),
        (_not_theirs, 403),
        (_of_another_school, 404),
        (_left_the_staff, 401),
        (_with_a_stranger, 400),
        (_twice, 400),
        (_row(status="asleep"), 400),
        (_row(status=None), 200),
        (_row(remarks="came by bus"), 200),
        (_row(student=""), 400),
        (_row(student=7), 400),
        (lambda room: {"body": room.marks(atomic=False)}, 200),
        (lambda room: {"body": room.marks(reason="why not")}, 200),
        (lambda room: {"body": room.marks(marks=[])}, 400),
        (lambda room: {"body": room.marks(session="none")}, 400),
        (lambda room: {"body": room.marks(session=str(uuid4()))}, 404),
        (lambda room: {"body": room.marks()[:-1] + b',"marks":[]}'}, 400),
        (lambda room: {"body": b"[1"}, 400),
        (lambda room: {"environ": {"HTTP_IDEMPOTENCY_KEY": "a-key-of-a-client"}}, 200),
        (lambda room: {"environ": {"CONTENT_TYPE": "text/plain"}}, 415),
        (lambda room: {"token": room.token(room.students[0].user)}, 403),
    ],
)
def test_marks_that_are_not_plain_are_left_to_django(
    room: Room, request_of: Callable[[Room], dict[str, Any]], status: int
) -> None:
    request = request_of(room)
    plain, door, by_door = room.mark(**request)

    assert int(door.status[:3]) == status
    if "HTTP_IDEMPOTENCY_KEY" not in request.get("environ", {}):
        # There the second one is a repetition.
        assert_alike(plain, door)
    assert by_door is False


def test_nothing_stays_of_marks_that_turned_out_not_to_be_plain(room: Room) -> None:
    room.students = [*room.students[:2], StudentFactory(school=room.session.school)]
    with clock.frozen(room.now):
        refused = call(room.doors, path=BULK_MARK, body=room.marks(), token=room.token())

    assert refused.code == "bulk_refused"
    assert not AttendanceRecord.objects.filter(session=room.session).exists()
    assert not AuditEntry.objects.filter(action="record.create").exists()


def test_a_request_that_falls_through_counts_once(room: Room, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "2/min"}
    closed = room.marks(atomic=False)
    codes = []
    with clock.frozen(room.now):
        for body in (room.marks(), room.marks(), closed):
            codes.append(call(room.doors, path=BULK_MARK, body=body, token=room.token()).status[:3])

    assert codes == ["200", "200", "429"]


def _moved(room: Room, verb: str, **request: Any) -> tuple[Answer, Answer, bool]:
    """Both answers to the same move of the class, each from where it stood; and whether the door answered."""
    before = Session.objects.filter(pk=room.session.pk).values().get()
    request.setdefault("token", room.token())
    path = f"/api/v1/attendance/sessions/{request.pop('session', room.session.pk)}/{verb}/"
    answers = []
    for application in (room.django, room.doors):
        limits.forget_local()
        room.django.reached = 0
        with clock.frozen(room.now):
            answers.append(call(application, path=path, **request))
        if application is room.django:
            AttendanceStatistics.objects.filter(school=room.session.school).delete()
            AttendanceRecord.objects.filter(session=room.session, source="system").delete()
            Session.objects.filter(pk=room.session.pk).update(**before)
    return answers[0], answers[1], room.django.reached == 0


def _planned(room: Room) -> None:
    Session.objects.filter(pk=room.session.pk).update(
        status=SessionStatus.SCHEDULED, opened_at=None, opened_by_human_at=None, qr_started_at=None
    )


@pytest.mark.parametrize("timezone", ["Asia/Kolkata", "UTC"])
def test_a_class_is_opened_at_the_door_as_by_the_api(room: Room, timezone: str) -> None:
    _planned(room)
    School.objects.filter(pk=room.session.school_id).update(timezone=timezone)
    substitute = FacultyFactory(school=room.session.school)
    Session.objects.filter(pk=room.session.pk).update(
        substitute=substitute, room=RoomFactory(school=room.session.school), topic="Trees"
    )

    plain, door, by_door = _moved(room, "open")

    assert_alike(plain, door)
    assert (door.json()["status"], by_door) == ("open", True)
    opened = Session.objects.get(pk=room.session.pk)
    assert opened.opened_by_id == room.teacher.user_id
    entry = AuditEntry.objects.filter(action="session.open", object_id=str(room.session.pk)).latest("id")
    assert (entry.actor_id, entry.actor_kind, entry.ip) == (room.teacher.user_id, "user", "10.1.2.3")


def test_a_class_is_closed_at_the_door_as_by_the_api(room: Room) -> None:
    marking.mark(
        session=room.session,
        student=room.students[0].enrollment_no,
        status="late",
        by=room.teacher.user,
        now=room.now,
    )

    plain, door, by_door = _moved(room, "close")

    assert_alike(plain, door)
    assert (door.json()["counts"]["absent"], door.json()["counts"]["late"], by_door) == (2, 1, True)
    assert statistics.check(school=room.session.school) == []


@pytest.mark.parametrize("verb", ["open", "close"])
def test_both_ways_leave_the_same_class_marks_and_entry(room: Room, verb: str) -> None:
    section = SectionFactory(school=room.session.school, term=room.session.term, students=3)
    other = Room(
        SessionFactory(
            open=True,
            section=section,
            teacher=room.teacher,
            starts_at=room.session.starts_at + timedelta(minutes=50),
        ),
        room.now,
    )
    left = []
    for application, here in ((room.django, room), (room.doors, other)):
        if verb == "open":
            _planned(here)
        else:
            Session.objects.filter(pk=here.session.pk).update(
                opened_at=room.now, opened_by_human_at=room.now, qr_started_at=room.now
            )
        leave = here.students[1]
        numbers = {student.user_id: number for number, student in enumerate(here.students)}
        with clock.frozen(room.now):
            made = leaves.apply_for(
                student=leave,
                kind="medical",
                from_date=here.session.held_on,
                to_date=here.session.held_on,
                reason="flu",
                by=leave.user,
                now=room.now,
            )
            leaves.approve(leave=made, by=room.teacher.user, now=room.now)
            call(
                application, path=f"/api/v1/attendance/sessions/{here.session.pk}/{verb}/", token=room.token()
            )
        (row,) = Session.objects.filter(pk=here.session.pk).values()
        records = AttendanceRecord.objects.filter(session=here.session).order_by("student_id").values()
        (entry,) = AuditEntry.objects.filter(object_id=str(here.session.pk)).values()
        figures = (
            AttendanceStatistics.objects.filter(student__in=here.students).order_by("student_id").values()
        )
        scheduler.tell_due(now=room.now)
        told = [
            (notice.kind, notice.created_at, numbers[notice.user_id])
            for notice in Notification.objects.filter(user__in=numbers).exclude(kind__startswith="leave")
        ]
        own = {"id", "starts_at", "ends_at", "xid", "operation_id", "object_id", "course_id"}
        own |= {"session_id", "section_id", "student_id", "snapshot_id", "leave_id"}
        left.append(
            [
                [{k: v for k, v in one.items() if k not in own} for one in rows]
                for rows in ([row], records, [entry], figures)
            ]
            + [sorted(told)]
        )

    assert left[0] == left[1]
    assert [record["status"] for record in left[1][1]] == (
        ["absent", "excused", "absent"] if verb == "close" else []
    )
    assert [number for _kind, _at, number in left[1][4]] == ([0, 2] if verb == "close" else [])


def test_opening_and_closing_again_is_harmless_at_the_door(room: Room) -> None:
    opened = _moved(room, "open")
    Session.objects.filter(pk=room.session.pk).update(status=SessionStatus.CLOSED, closed_at=room.now)
    closed = _moved(room, "close")

    for plain, door, by_door in (opened, closed):
        assert_alike(plain, door)
        assert (door.status, by_door) == ("200 OK", True)


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (_not_theirs, 403),
        (_of_another_school, 404),
        (_left_the_staff, 401),
        (lambda room: {"session": uuid4()}, 404),
        (lambda room: {"session": "none"}, 404),
        (lambda room: {"body": b"{}"}, 200),
        (lambda room: {"token": room.token(room.students[0].user)}, 403),
        (
            lambda room: Session.objects.filter(pk=room.session.pk).update(status=SessionStatus.VOID) and {},
            409,
        ),
    ],
)
def test_moves_that_are_not_plain_are_left_to_django(
    room: Room, request_of: Callable[[Room], dict[str, Any]], status: int
) -> None:
    plain, door, by_door = _moved(room, "close", **request_of(room))

    assert_alike(plain, door)
    assert (int(door.status[:3]), by_door) == (status, False)
