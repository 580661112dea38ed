"""What people and clocks ask all day. A new one is a line in `CASES`: a name, and a call as the product makes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from academics.models import Term
from accounts.models import User
from attendance.enums import Status
from attendance.iclock import Reading
from attendance.models import AttendanceRecord
from attendance.selectors.course_summary import course_summary
from attendance.selectors.figures import student_summary
from attendance.selectors.live import live_states
from attendance.selectors.own_summary import own_summary
from attendance.selectors.roster import roster
from attendance.selectors.shortage import Shortages
from attendance.services import (
    corrections,
    fresh_marks,
    leaves,
    marking,
    offline,
    readings,
    scanning,
    scheduler,
    sessions,
)
from core.ids import uuid7
from tests.attendance.scans import request_of
from tests.plans.world import Large

Case = Callable[[Large], object]
_API = "/api/v1/attendance/"


def _scan(world: Large) -> None:
    scans = [request_of(world.open, student, at=world.now) for student in world.students]
    connection.ensure_connection()
    found = scanning.run(connection.connection, scans, now=world.now)
    assert {answer.code for answer in found} == {"recorded"}


def _scan_again(world: Large) -> None:
    """What is recorded, and what the system made of somebody before the class was opened again."""
    _close(world)
    sessions.reopen_session(session=world.open, reason="late", by=world.teacher, now=world.now)
    first = [request_of(world.open, world.student, at=world.now, generation=2)]
    for code in ("recorded", "already_recorded"):
        found = scanning.run(connection.connection, first, now=world.now)
        assert [answer.code for answer in found] == [code]


def _mark(world: Large, status: str = "present", *, reason: str = "", closed: bool = False) -> None:
    outcome = marking.bulk_mark(
        session=world.held if closed else world.open,
        marks=[marking.Mark(student.enrollment_no, status) for student in world.students],
        reason=reason,
        by=world.teacher,
        now=world.now,
    )
    assert not outcome.failed


def _fresh(world: Large) -> None:
    assert fresh_marks.save(
        session_id=world.open.pk,
        numbers=[student.enrollment_no for student in world.students],
        statuses=["present" for _student in world.students],
        user_id=world.teacher.pk,
        now=world.now,
    )


def _close(world: Large) -> None:
    sessions.close_session(session=world.open, by=world.teacher, now=world.now)


def _unmark(world: Large) -> None:
    _mark(world)
    marking.mark(
        session=world.open, student=world.student.enrollment_no, status=None, by=world.teacher, now=world.now
    )


def _reopen(world: Large) -> None:
    sessions.reopen_session(session=world.held, reason="mistake", by=world.teacher, now=world.now)


def _void(world: Large) -> None:
    sessions.void_session(session=world.held, reason="fire drill", by=world.office, now=world.now)


def _by_the_clock(world: Large) -> None:
    later = world.now + timedelta(days=1)
    scheduler.close_due(now=later)


def _leave(world: Large) -> None:
    """Approved over classes that were held, then revoked."""
    made = leaves.apply_for(
        student=world.student,
        kind="medical",
        from_date=world.day - timedelta(days=7),
        to_date=world.day,
        reason="flu",
        by=world.student.user,
        now=world.now,
    )
    leaves.approve(leave=made, by=world.office, now=world.now)
    leaves.revoke(leave=made, remarks="no letter", by=world.office, now=world.now)


def _correction(world: Large) -> None:
    had = AttendanceRecord.objects.get(session=world.held, held_on=world.day, student=world.student).status
    made = corrections.request_correction(
        session=world.held,
        student=world.student,
        requested_status=Status.PRESENT if had != Status.PRESENT else Status.LATE,
        reason="I was there",
        by=world.student.user,
        now=world.now,
    )
    corrections.approve(correction=made, by=world.office, now=world.now)


def _readings(world: Large) -> None:
    told = [Reading(at=world.now, pin=str(number)) for number in range(1, len(world.students) + 1)]
    taken = readings.take(device=world.device, readings=told, now=world.now)
    assert taken.marks == len(world.students)


def _rematch(world: Large) -> None:
    readings.take(device=world.device, readings=[Reading(at=world.now, pin="unknown")], now=world.now)
    readings.rematch(school=world.school, now=world.now)


def _offline(world: Large) -> None:
    """A class marked without a network, sent when it came back; then sent once more."""
    entries = [
        offline.Entry(uuid7(), world.open.pk, student.enrollment_no, "present", "manual", world.now)
        for student in world.students
    ]
    upload = offline.Upload(uuid7(), "a-phone", world.now, entries)
    for _time in range(2):
        found = offline.sync(school=world.school, upload=upload, by=world.teacher, now=world.now)
        assert len(found) == len(entries)


def _export(**filters: Any) -> Case:
    def ask(world: Large) -> None:
        client = APIClient()
        client.force_authenticate(world.office)
        values = {name: str(value(world)) for name, value in filters.items()}
        answer = client.post(
            f"{_API}export/data/", {"kind": "records", "format": "csv", "filters": values}, format="json"
        )
        assert answer.status_code == 200, answer.content
        assert b"".join(answer)

    return ask


def _term(world: Large) -> Term:
    return Term.objects.get(school=world.school)


def _api(who: str, path: str, **query: Any) -> Case:
    """``who`` asks: ``teacher``, ``office`` or ``student``. Values of the query may be made of the world."""

    def ask(world: Large) -> None:
        client = APIClient()
        client.force_authenticate(_person(world, who))
        values = {name: value(world) if callable(value) else value for name, value in query.items()}
        answer = client.get(f"{_API}{path}", values)
        assert answer.status_code == 200, answer.content

    return ask


def _page(who: str, path: str) -> Case:
    def ask(world: Large) -> None:
        client = Client()
        client.force_login(_person(world, who))
        answer = client.get(path.format(session=world.open.pk, section=world.section.pk))
        assert answer.status_code == 200

    return ask


def _person(world: Large, who: str) -> User:
    person: User = world.student.user if who == "student" else getattr(world, who)
    return person


_RECORDS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "session": {"session": lambda world: world.held.pk},
    "student": {"student": lambda world: world.student.enrollment_no},
    "section": {"section": lambda world: world.section.pk},
    "course": {"course": lambda world: world.section.course.code},
    "status": {"status": "late"},
    "source": {"source": "system"},
    "days": {"from": lambda world: world.day - timedelta(days=7), "to": lambda world: world.day},
}

CASES: dict[str, Case] = {
    "scan": _scan,
    "scan again": _scan_again,
    "mark a class": _mark,
    "mark a fresh class at the door": _fresh,
    "mark a class again": lambda world: (_mark(world), _mark(world, "late")),
    "mark a closed class": lambda world: _mark(world, "late", reason="list on paper", closed=True),
    "take a mark away": _unmark,
    "open": lambda world: sessions.open_session(session=world.planned, by=None, now=world.now),
    "close": _close,
    "close by the clock": _by_the_clock,
    "reopen": _reopen,
    "void": _void,
    "approve and revoke a leave": _leave,
    "approve a correction": _correction,
    "readings": _readings,
    "readings again": _rematch,
    "marks made without a network": _offline,
    "export of a section": _export(section=lambda world: world.section.pk),
    "export of a student": _export(student=lambda world: world.student.enrollment_no),
    "roster": lambda world: roster(world.open),
    "live counts": lambda world: live_states([world.open.pk, world.held.pk]),
    "student-summary": lambda world: student_summary(student=world.student, term=_term(world), on=world.day),
    "student-summary at the door": lambda world: own_summary(user_id=world.student.user_id, now=world.now),
    "course-summary": lambda world: course_summary(
        course=world.section.course, term=_term(world), sections=[world.section.pk], today=world.day
    ),
    "shortage": lambda world: list(
        Shortages(sections=[world.section.pk], term=_term(world), today=world.day)[:50]
    ),
    **{
        f"records for the {who}: {name}": _api(who, "records/", **query)
        for who in ("office", "teacher", "student")
        for name, query in _RECORDS.items()
    },
    **{f"anomalies for the {who}": _api(who, "anomalies/") for who in ("teacher", "office")},
    "sessions for the teacher": _api("teacher", "sessions/"),
    "a class for the teacher": lambda world: _api("teacher", f"sessions/{world.open.pk}/")(world),
    "course-summary by section": _api(
        "teacher", "statistics/course-summary/", section=lambda world: world.section.pk
    ),
    "shortage of the school": _api("office", "statistics/shortage/"),
    "home of a student": _page("student", "/"),
    "history of a student": _page("student", "/attendance/"),
    "home of a teacher": _page("teacher", "/"),
    "class screen": _page("teacher", "/classes/{session}/screen/"),
    "roster page": _page("teacher", "/classes/{session}/"),
    "section page": _page("teacher", "/sections/{section}/"),
}
