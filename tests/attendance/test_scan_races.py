"""Scans against each other and against closing, with real threads on real connections.

What each lock is for is in test_locks.py; which test fails without which, in
docs/decisions/0005-locks-and-their-tests.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, AttendanceStatistics, Session
from attendance.services import scheduler, sessions, statistics
from attendance.services.scan_queue import queue
from attendance.services.scanning import ScanAnswer, ScanRequest, scan
from audit.models import AuditEntry
from tests.attendance.scans import request_of, students_of
from tests.factories import SectionFactory, SessionFactory
from tests.races import together

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 1000 if os.environ.get("CAMPUSHUB_DEEP") else 50

#: What becomes of a scan at a moment.
Way = Callable[[ScanRequest, datetime], ScanAnswer]


def on_its_own(request: ScanRequest, now: datetime) -> ScanAnswer:
    (answer,) = scan([request], now=now)
    return answer


def in_the_queue(request: ScanRequest, now: datetime) -> ScanAnswer:
    return queue.scan(request, now=now)


both_ways = pytest.mark.parametrize("way", [on_its_own, in_the_queue])


@both_ways
def test_twenty_scans_of_one_student_make_one_record_and_twenty_consistent_answers(
    now: datetime, way: Way
) -> None:
    session = SessionFactory(section=SectionFactory(students=1), open=True)
    (student,) = students_of(session)

    answers: list[ScanAnswer] = together(20, lambda _i: way(request_of(session, student, at=now), now))

    assert sorted(answer.code for answer in answers) == ["already_recorded"] * 19 + ["recorded"]
    assert (
        len({(answer.record_id, answer.status, answer.marked_at, answer.course) for answer in answers}) == 1
    )
    assert AttendanceRecord.objects.count() == 1


@both_ways
def test_of_twenty_accounts_on_one_device_one_is_marked(now: datetime, way: Way) -> None:
    session = SessionFactory(section=SectionFactory(students=20), open=True)
    students = students_of(session)

    answers: list[ScanAnswer] = together(
        20, lambda i: way(request_of(session, students[i], at=now, device_key="bone"), now)
    )

    assert sorted(answer.code for answer in answers) == ["device_already_used"] * 19 + ["recorded"]


@both_ways
def test_whoever_is_told_present_is_present_in_the_closed_class(now: datetime, way: Way) -> None:
    section = SectionFactory(students=6)
    teacher = SessionFactory(section=section).faculty.get()
    Session.objects.all().delete()
    for round_ in range(ROUNDS):
        session = SessionFactory(section=section, teacher=teacher, open=True)
        students = students_of(session)

        def act(index: int, session: Session = session, students: Any = students) -> Any:
            if index == 3:
                return sessions.close_session(session=session, by=None, now=now)
            return way(request_of(session, students[index % 6], at=now), now).code

        outcomes = together(6, act)
        closed = outcomes.pop(3)
        kept = dict(
            AttendanceRecord.objects.filter(session=session).values_list("student__enrollment_no", "status")
        )
        told = dict(zip([s.enrollment_no for i, s in enumerate(students) if i != 3], outcomes, strict=True))

        assert isinstance(closed, Session), closed
        assert closed.status == SessionStatus.CLOSED
        assert set(told.values()) <= {"recorded", "session_not_open"}, (round_, told)
        for number, code in told.items():
            assert kept[number] == ("present" if code == "recorded" else "absent"), (round_, number, code)
        assert len(kept) == 6
        session.occupancies.all().delete()
    assert statistics.check() == []


def test_two_closers_close_once(now: datetime) -> None:
    session = SessionFactory(section=SectionFactory(students=5), open=True)

    results = together(4, lambda _i: sessions.close_session(session=session, by=None, now=now))

    assert [type(result) for result in results] == [Session] * 4

    assert AuditEntry.objects.filter(action="session.close").count() == 1
    assert set(AttendanceStatistics.objects.values_list("held", flat=True)) == {1}


def test_two_openers_open_each_class_once(now: datetime) -> None:
    for _ in range(6):
        SessionFactory(section=SectionFactory(students=1))

    sweeps = together(3, lambda _i: scheduler.open_due(now=now))

    assert sum(sweep.done for sweep in sweeps) == 6
    assert AuditEntry.objects.filter(action="session.open").count() == 6


def test_two_classes_of_one_course_closing_together_both_count(now: datetime) -> None:
    section = SectionFactory(students=4)
    first = SessionFactory(section=section, open=True)
    teacher = first.faculty.get()
    first.occupancies.all().delete()
    second = SessionFactory(section=section, teacher=teacher, open=True)

    together(2, lambda i: sessions.close_session(session=(first, second)[i], by=None, now=now))

    assert set(AttendanceStatistics.objects.values_list("held", "absent")) == {(2, 2)}
    assert statistics.check() == []
