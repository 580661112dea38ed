"""A school in November 2026, and people whose names, addresses and remarks must not reach the audit trail."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import cached_property
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from academics.models import Cohort, Course, Faculty, Room, Section, Student
from academics.services import people
from attendance.models import Session, TimetableSlot
from attendance.services import scanning, sessions
from tests.attendance.planning import FROM, UNTIL, Plan
from tests.attendance.scans import request_of
from tests.factories import (
    PASSWORD,
    CohortFactory,
    CourseFactory,
    FacultyFactory,
    RoomFactory,
    SectionFactory,
)

#: What the trail may never hold, in any entry of any service.
NAME, EMAIL, PHONE = "Wilhelmina Quux", "wilhelmina.quux@people.example", "+91 90000 54321"
NEW_NAME, NEW_EMAIL, NEW_PHONE = "Wilhelmina Zyx", "zyx@people.example", "+91 90000 98765"
BORN, GUARDIAN, REMARK = date(2004, 2, 29), "Ottoline Quux, +91 90000 11111", "Her grandmother is ill"
LATITUDE, LONGITUDE = 17.385044, 78.486671
SECRETS = [
    NAME, EMAIL, PHONE, NEW_NAME, NEW_EMAIL, NEW_PHONE, BORN.isoformat(), GUARDIAN, REMARK, str(LATITUDE),
    str(LONGITUDE), PASSWORD,
]  # fmt: skip


class World:
    """A school in November 2026 with one class a week, made by services where that matters."""

    def __init__(self) -> None:
        self.plan = Plan.new()
        self.school, self.office, self.now = self.plan.school, self.plan.office, self.plan.now
        self.by = {"by": self.office, "now": self.now}

    @cached_property
    def cohort(self) -> Cohort:
        return CohortFactory(school=self.school, code="A")

    @cached_property
    def course(self) -> Course:
        return CourseFactory(school=self.school, code="C1")

    @cached_property
    def section(self) -> Section:
        return SectionFactory(school=self.school, cohort=self.cohort, course=self.course)

    @cached_property
    def teacher(self) -> Faculty:
        return FacultyFactory(school=self.school, employee_no="F1")

    @cached_property
    def room(self) -> Room:
        return RoomFactory(school=self.school, code="R1")

    @cached_property
    def slot(self) -> TimetableSlot:
        """Tuesdays of November, 09:00–10:00."""
        return self.plan.slot(sections=[self.section], faculty=[self.teacher], room=self.room)

    @cached_property
    def student(self) -> Student:
        return self.new_student("22CSE00001")

    def new_student(self, number: str, **values: Any) -> Student:
        _ = self.section
        values = {"cohort": self.cohort, "full_name": NAME, **values}
        return people.create_student(school=self.school, enrollment_no=number, **values, **self.by)

    def scheduled(self) -> Session:
        """The class of Tuesday 3 November with `student` in it."""
        _ = self.student
        self.plan.generate(FROM, FROM + timedelta(days=6), slots=[self.slot])
        return Session.objects.get()

    def opened(self) -> Session:
        session = self.scheduled()
        return sessions.open_session(session=session, by=self.office, now=session.starts_at)

    def closed(self) -> Session:
        session = self.opened()
        return sessions.close_session(session=session, by=self.office, now=session.ends_at)

    def unconfirmed(self) -> Session:
        session = self.scheduled()
        return sessions.leave_unconfirmed(session=session, now=session.ends_at)

    def slot_values(self, **changes: Any) -> dict[str, Any]:
        return {
            "school": self.school,
            "sections": [self.section],
            "faculty": [self.teacher],
            "room": self.room,
            "weekday": 2,
            "starts": time(9),
            "ends": time(10),
            "valid_from": FROM,
            "valid_until": UNTIL,
            **changes,
            **self.by,
        }

    def request(self) -> HttpRequest:
        request = RequestFactory().post("/login/", REMOTE_ADDR="10.0.0.1")
        request.session = SessionStore()
        return request

    def scan(self, session: Session) -> scanning.ScanRequest:
        return request_of(session, self.student, at=session.starts_at, latitude=LATITUDE, longitude=LONGITUDE)
