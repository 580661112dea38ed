"""A college with an open class, and what requests may name in it; requests stay within one test's transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction

from academics.models import Student
from accounts.models import User
from accounts.services import tokens
from attendance import codes
from attendance.enums import CondonationStatus, SessionStatus
from attendance.models import (
    AnomalyDismissal,
    AttendanceRecord,
    AttendanceStatistics,
    CondonationRequest,
    Holiday,
    LeaveApplication,
    RefusedScan,
    Session,
)
from attendance.services import device_calls, devices, holds, leaves, sessions, templates
from core import clock, limits
from core.tokens import encode_access
from notifications.models import Notification
from tests.attendance.readers import agree
from tests.attendance.uploads import conflict_of
from tests.colleges import College, held_clock, make_college  # noqa: F401 - a fixture used by name
from tests.conftest import NOW
from tests.factories import (
    PASSWORD,
    CondonationFactory,
    CorrectionFactory,
    CourseFactory,
    ExportJobFactory,
    FacultyFactory,
    RecordFactory,
    SectionFactory,
    SessionFactory,
    SlotFactory,
    UserFactory,
)
from tests.notifications.told import given_up, tell
from tests.standing import taken_back


@dataclass(frozen=True)
class Campus:
    """A college with an open class, and what requests may name in it."""

    college: College
    real: dict[str, Any]
    ids: dict[str, str]
    reader_key: str
    #: The number of somebody who teaches nothing.
    spare: str

    def address(self, path: str) -> str:
        """The path of the schema with the id of a real thing in it."""
        kind = next((kind for kind in self.ids if f"/{kind}/{{" in path), None)
        return path if kind is None else re.sub(r"{\w+}", self.ids[kind], path)

    def approve_leave(self) -> None:
        """The leave as it is after it was approved."""
        leave = LeaveApplication.objects.get(pk=self.ids["leave-applications"])
        leaves.approve(leave=leave, by=self.college.admin, now=clock.now())

    def not_recommended(self) -> None:
        """The condonation as it is before the head of department saw it."""
        CondonationRequest.objects.filter(pk=self.ids["condonation-requests"]).update(
            status=CondonationStatus.PENDING
        )

    def move_class(self, status: SessionStatus) -> None:
        """The class as it is before or after the state in which it is found: open."""
        session = self.college.session
        if status in SessionStatus.counted():
            sessions.close_session(session=session, by=self.college.admin, now=clock.now())
        elif status != SessionStatus.OPEN:
            Session.objects.filter(pk=session.pk).update(
                status=status, opened_at=None, opened_by_human_at=None
            )


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> Iterator[None]:
    settings.CAMPUSHUB_THROTTLE_RATES = dict.fromkeys(limits.DEFAULT_RATES, "1000000/s")
    settings.AXES_ENABLED = False
    # Argon2 is slow on purpose; a wrong name or password costs a hash each time. The factory keeps the first that it
    # makes for all tests, which must not be one of these.
    UserFactory.build(school=None)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    limits.forget_local()
    yield
    limits.forget_local()


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[Campus]:
    """Made once a module."""
    with taken_back(django_db_blocker, NOW):
        yield _campus()


@pytest.fixture
def campus(standing: Campus, django_db_blocker: Any) -> Iterator[Campus]:
    """As it was made, in a savepoint of each test."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield deepcopy(standing)
        if not connection.needs_rollback:
            connection.check_constraints()
        transaction.set_rollback(True)


def _campus() -> Campus:
    college = make_college(open=True)
    session = college.session
    record = RecordFactory(session=session, student=college.students[0])
    teacher = session.faculty.get()
    slot = SlotFactory(section=college.section, sections=[college.section], faculty=[teacher])
    holiday = Holiday.objects.create(school=college.school, date="2026-12-25", name="Christmas")
    student = college.students[0]
    job = ExportJobFactory(requested_by=college.admin)
    leave = leaves.apply_for(
        student=student,
        kind="medical",
        from_date=date(2026, 11, 5),
        to_date=date(2026, 11, 6),
        reason="fever",
        by=student.user,
        now=clock.now(),
    )
    # Asked for in another class and course than those where the good bodies ask.
    correction = CorrectionFactory(
        session=SessionFactory(
            section=college.section, teacher=teacher, starts_at=session.ends_at, open=True
        ),
        student=college.students[0],
    )
    course = CourseFactory(school=college.school, department=college.department)
    condonation = CondonationFactory(
        section=SectionFactory(school=college.school, course=course),
        student=college.students[0],
        status=CondonationStatus.RECOMMENDED,
    )
    AttendanceStatistics.objects.create(
        student=college.students[0], course=college.section.course, term=college.section.term,
        school=college.school, held=10, present=7, absent=3, updated_at=clock.now(),
    )  # fmt: skip
    code = codes.code_at(
        session_id=session.pk,
        school_id=session.school_id,
        generation=session.qr_generation,
        rotation=15,
        now=clock.now(),
    )
    reader = devices.register(
        school=college.school, serial="READER-1", kind="face", by=college.admin, now=clock.now()
    )
    device_calls.meet_unknown(serial="STRANGER-1", address="10.0.0.9", now=clock.now())
    agree(college.students[1])
    template = templates.enrol(
        student=college.students[1], kind="face", template="QUJD", by=college.admin, now=clock.now()
    )
    # One phone in two classes.
    for used, student in ((session, college.students[0]), (correction.session, college.students[1])):
        AttendanceRecord.objects.update_or_create(
            session=used,
            student=student,
            held_on=used.held_on,
            defaults={
                "device_key": "phone",
                "school": college.school,
                "section": college.section,
                "snapshot": student.current_snapshot,
                "status": "present",
                "source": "qr",
                "marked_at": used.starts_at,
            },
        )
    RefusedScan.objects.create(
        school=college.school,
        session=session,
        student=college.students[0],
        code="outside_geofence",
        at=clock.now(),
    )
    dismissal = AnomalyDismissal.objects.create(
        school=college.school, kind="edge", subject=str(session.pk), students=[college.students[0].pk],
        session=session, dismissed_by=college.admin, dismissed_at=clock.now(),
    )  # fmt: skip
    hold = holds.place(school=college.school, reason="Case 12", by=college.admin, now=clock.now())
    conflict = conflict_of(session, college.students[2], now=clock.now(), office=college.admin)
    tell(college.admin)
    delivery = given_up(college.school, college.admin)
    return Campus(
        college,
        reader_key=reader.key,
        spare=FacultyFactory(school=college.school).employee_no,
        real={
            "batch_id": str(session.pk),
            "client_now": "2026-11-03T09:00:00+05:30",
            "entries": [
                {
                    "client_id": str(session.pk),
                    "session": str(session.pk),
                    "student": college.number(1),
                    "status": "late",
                    "source": "manual",
                    "captured_at": "2026-11-03T09:00:00+05:30",
                }
            ],
            "serial": "STRANGER-1",
            "allowed_networks": ["10.0.0.0/8"],
            "events": [{"pin": "1", "at": "2026-11-03T09:00:00+05:30", "direction": "in"}],
            "pins": [{"pin": "1", "student": college.number(1)}],
            "session": str(session.pk),
            "student": college.number(1),
            "section": str(college.section.pk),
            "sections": [str(college.section.pk)],
            "faculty": teacher.employee_no,
            "room": session.room.code if session.room else None,
            "department": college.department.code,
            "course": college.section.course.code,
            "term": college.section.term_id,
            "token": codes.encode(code),
            "refresh": tokens.issue(user=college.admin, now=clock.now()).refresh,
            "username": college.admin.username,
            "password": PASSWORD,
            "school": college.school.code,
            "ids": [str(leave.pk)],
            "url": "https://93.184.216.34/other",
            "kinds": ["absence"],
            "preferences": [{"kind": "leave_waiting", "channel": "email", "mode": "off"}],
            "from": "2026-11-02",
            "to": "2026-11-20",
            "until": "2026-11-20",
            "subject": "phone",
        },
        ids={
            "sections": str(college.section.pk),
            "sessions": str(session.pk),
            "holidays": str(holiday.pk),
            "timetable-slots": str(slot.pk),
            "records": str(record.pk),
            "correction-requests": str(correction.pk),
            "condonation-requests": str(condonation.pk),
            "devices": str(reader.device.pk),
            "sync-conflicts": str(conflict.pk),
            "biometric-templates": str(template.pk),
            "departments": str(college.department.pk),
            "students": college.number(0),
            "faculty": teacher.employee_no,
            "leave-applications": str(leave.pk),
            "dismissals": str(dismissal.pk),
            "anomalies": str(dismissal.pk),
            "holds": str(hold.pk),
            "webhooks": str(delivery.endpoint_id),
            "deliveries": str(delivery.pk),
            "notifications": str(Notification.objects.get(user=college.admin, key="k1").pk),
            "export/jobs": str(job.pk),
        },
    )


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests must not close the connection that holds the test's transaction, as they would between two."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def token_of(user: User) -> str:
    student = Student.objects.filter(user=user).first()
    return encode_access(
        user_id=user.pk,
        school_id=user.school_id,
        role=user.role,
        student_id=student.pk if student else None,
        family_id=uuid4(),
        issued_at=clock.now(),
    )
