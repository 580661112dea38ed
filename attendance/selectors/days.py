"""Classes of a day as people see them: students, faculty, the office."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from academics.models import Section, Student
from accounts.models import User
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session
from attendance.selectors.live import Counts, counts_of
from attendance.selectors.sessions import with_details


@dataclass(frozen=True, slots=True)
class ClassView:
    """One class in words: who, what, where, when."""

    id: UUID
    course: str
    sections: str
    room: str
    faculty: str
    substitute: str
    held_on: date
    starts_at: datetime
    ends_at: datetime
    status: str
    reason: str


def describe(session: Session) -> ClassView:
    """A session loaded by `sessions.with_details`, in words."""
    sections = list(session.sections.all())
    return ClassView(
        id=session.pk,
        course=" / ".join(dict.fromkeys(section.course.title for section in sections)),
        sections=", ".join(sorted(section.group for section in sections)),
        room=session.room.code if session.room else "",
        faculty=", ".join(str(teacher) for teacher in session.faculty.all()),
        substitute=str(session.substitute) if session.substitute else "",
        held_on=session.held_on,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        status=session.status,
        reason=session.status_reason,
    )


@dataclass(frozen=True, slots=True)
class StudentClass:
    """A class of today for one student. `state` is open, upcoming, over or cancelled."""

    course: str
    room: str
    faculty: str
    substitute: str
    starts_at: datetime
    ends_at: datetime
    state: str
    status: str | None
    marked_at: datetime | None
    minutes_until: int | None
    reason: str


def student_day(student: Student, *, now: datetime) -> list[StudentClass]:
    """Today's classes of a student by the school's calendar, with their marks."""
    today = student.school.local_date(now)
    mine = Section.objects.filter(enrollments__in=student.enrollments.on(today))
    sessions = list(
        with_details(Session.objects.filter(held_on=today, school_id=student.school_id))
        .filter(pk__in=Session.objects.filter(sections__in=mine, held_on=today).values("pk"))
        .exclude(status=SessionStatus.VOID)
        .order_by("starts_at")
    )
    marks = {
        record.session_id: record
        for record in AttendanceRecord.objects.filter(student=student, held_on=today)
    }
    return [_for_student(session, marks.get(session.pk), now) for session in sessions]


def _for_student(session: Session, mark: AttendanceRecord | None, now: datetime) -> StudentClass:
    view = describe(session)
    if session.status == SessionStatus.CANCELLED:
        state = "cancelled"
    elif session.status == SessionStatus.OPEN:
        state = "open"
    elif session.status == SessionStatus.SCHEDULED and now < session.starts_at:
        state = "upcoming"
    else:
        state = "over"
    return StudentClass(
        course=view.course,
        room=view.room,
        faculty=view.faculty,
        substitute=view.substitute,
        starts_at=view.starts_at,
        ends_at=view.ends_at,
        state=state,
        status=mark.status if mark else None,
        marked_at=mark.marked_at if mark else None,
        minutes_until=_minutes(session.starts_at - now) if state == "upcoming" else None,
        reason=view.reason,
    )


def _minutes(delta: timedelta) -> int:
    return int(delta.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class FacultyClass:
    """A class of today for whoever teaches it; `note` says whom a substitute stands in for."""

    id: UUID
    course: str
    sections: str
    room: str
    starts_at: datetime
    ends_at: datetime
    status: str
    counts: Counts
    total: int
    stands_in_for: str
    given_to: str
    can_open: bool


def faculty_day(user: User, *, now: datetime) -> list[FacultyClass]:
    """Today's classes of a teacher, those they stand in for included."""
    if user.school is None:
        return []
    today = user.school.local_date(now)
    sessions = list(
        with_details(Session.objects.taught_by(user).filter(held_on=today))
        .exclude(status=SessionStatus.VOID)
        .order_by("starts_at")
    )
    counts = counts_of([session.pk for session in sessions])
    return [_for_faculty(session, counts[session.pk], user, now) for session in sessions]


def _for_faculty(session: Session, counts: Counts, user: User, now: datetime) -> FacultyClass:
    view = describe(session)
    stands_in = session.substitute is not None and session.substitute.user_id == user.pk
    return FacultyClass(
        id=view.id,
        course=view.course,
        sections=view.sections,
        room=view.room,
        starts_at=view.starts_at,
        ends_at=view.ends_at,
        status=view.status,
        counts=counts,
        total=counts.total,
        stands_in_for=view.faculty if stands_in else "",
        given_to="" if stands_in else view.substitute,
        can_open=session.may_open_at(now),
    )


def unconfirmed(user: User) -> list[ClassView]:
    """Classes of this teacher that nobody opened, oldest first, at most twenty."""
    sessions = with_details(Session.objects.taught_by(user).filter(status=SessionStatus.UNCONFIRMED))
    return [describe(session) for session in sessions.order_by("starts_at")[:20]]


def running(school_ids: Iterable[int]) -> list[tuple[ClassView, Counts]]:
    """Classes open now in these schools, with their counts."""
    sessions = list(
        with_details(Session.objects.filter(school__in=list(school_ids), status=SessionStatus.OPEN)).order_by(
            "starts_at"
        )[:100]
    )
    counts = counts_of([session.pk for session in sessions])
    return [(describe(session), counts[session.pk]) for session in sessions]
