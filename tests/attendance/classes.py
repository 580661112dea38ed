"""Classes that were held, from one line of marks each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from academics.models import Section, Student
from attendance.models import Session
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from tests.factories import SessionFactory

LETTERS = {"P": "present", "L": "late", "A": "absent", "E": "excused"}


def hold(
    section: Section,
    local: str,
    marks: str,
    students: list[Student],
    *,
    also: Section | None = None,
    **more: Any,
) -> Session:
    """A class of the section (and one more), opened, marked with a letter per student and closed.

    ``hold(section, "2026-11-02 09:00", "PLAE", students)``: the time is the school's; a dash leaves somebody out.
    """
    starts_at = datetime.fromisoformat(local).replace(tzinfo=section.school.tz)
    session: Session = SessionFactory(section=section, starts_at=starts_at, open=True, **more)
    if also is not None:
        session.sections.add(also)
    by = session.faculty.get().user
    wanted = [
        Mark(student.enrollment_no, LETTERS[letter])
        for student, letter in zip(students, marks, strict=True)
        if letter != "-"
    ]
    if wanted:
        bulk_mark(session=session, marks=wanted, by=by, now=starts_at)
    return sessions.close_session(session=session, by=by, now=starts_at + timedelta(minutes=50))
