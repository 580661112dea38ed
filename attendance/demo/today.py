"""Every start of the demo: a class that can be opened now, and a fortnight planned ahead.

Costs next to nothing when there is nothing to do. `faculty` teaches only classes that `student` sits in; when none
of them is near, `faculty` stands in for whoever teaches that class now, or an extra class is planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Max, Q, QuerySet

from academics.models import Enrollment, Faculty, Section, Student, Term
from academics.services import terms
from accounts.models import School
from attendance import errors
from attendance.demo import history
from attendance.demo.campus import WEEKS_AHEAD
from attendance.demo.catalogue import SCHOOLS
from attendance.enums import SessionStatus
from attendance.models import Session, SlotOccupancy, TimetableSlot
from attendance.services import arrangement, generation

AHEAD_DAYS = 14
#: A class that ends sooner is no use to somebody who looks around first.
_WORTH = timedelta(minutes=15)
_SOON = timedelta(minutes=45)


def ensure(*, seed: int = 1, now: datetime) -> Session | None:
    """Make sure that `faculty` has a class now with `student` on its roster; None without a demo, or without room."""
    teacher = Faculty.objects.select_related("user", "school").filter(user__username="faculty").first()
    student = Student.objects.filter(user__username="student").first()
    if teacher is None or student is None:
        return None
    for school in School.objects.filter(code__in=[plan.code for plan in SCHOOLS]):
        _plan_ahead(school, seed=seed, now=now)
    return (
        _near(student, now=now).filter(Q(faculty=teacher, substitute=None) | Q(substitute=teacher)).first()
        or _stand_in(teacher, student, now=now)
        or _extra(teacher, student, now=now)
    )


def _plan_ahead(school: School, *, seed: int, now: datetime) -> None:
    """A term that goes on, sessions for a fortnight, and marks for the days on which the demo did not run."""
    today = school.local_date(now)
    term = Term.objects.filter(school=school).order_by("-starts_on").first()
    if term is None:
        return
    if term.ends_on < today + timedelta(days=AHEAD_DAYS):
        _extend(term, today + timedelta(weeks=WEEKS_AHEAD), now=now)
    planned = Session.objects.filter(school=school, slot__isnull=False).aggregate(last=Max("held_on"))["last"]
    # The last days of a fortnight may be holidays: two days short is planned well enough.
    if planned is None or planned < today + timedelta(days=AHEAD_DAYS - 2):
        start = min(today, planned or today)
        generation.generate(
            school=school, start=start, end=today + timedelta(days=AHEAD_DAYS), by=None, now=now
        )
    history.catch_up(school, first=term.starts_on, seed=seed, now=now)


def _extend(term: Term, ends_on: date, *, now: datetime) -> None:
    slots = TimetableSlot.objects.filter(school=term.school, valid_until=term.ends_on)
    SlotOccupancy.objects.filter(slot__in=slots).update(valid_until=ends_on)
    slots.update(valid_until=ends_on)
    terms.save_term(
        school=term.school,
        term=term,
        name=term.name,
        starts_on=term.starts_on,
        ends_on=ends_on,
        by=None,
        now=now,
    )


def _near(student: Student, *, now: datetime) -> QuerySet[Session]:
    """Classes of the student that are open, or can be opened, and go on for a while; the earliest first."""
    return (
        Session.objects.filter(
            sections__in=_sections_of(student, student.school.local_date(now)),
            status__in=[SessionStatus.SCHEDULED, SessionStatus.OPEN],
            starts_at__lte=now + _SOON,
            ends_at__gt=now + _WORTH,
        )
        .order_by("starts_at")
        .distinct()
    )


def _sections_of(student: Student, day: date) -> QuerySet[Section]:
    enrolled = Enrollment.objects.on(day).filter(student=student).values("section")
    return Section.objects.filter(pk__in=enrolled, term__starts_on__lte=day, term__ends_on__gte=day)


def _stand_in(teacher: Faculty, student: Student, *, now: datetime) -> Session | None:
    for session in _near(student, now=now):
        try:
            return arrangement.substitute(session=session, faculty=teacher, by=teacher.user, now=now)
        except errors.Conflict:
            continue
    return None


def _extra(teacher: Faculty, student: Student, *, now: datetime) -> Session | None:
    day = teacher.school.local_date(now)
    section = _sections_of(student, day).filter(teachers=teacher).order_by("course__code").first()
    if section is None:
        return None
    for starts_at, ends_at in _gaps(now):
        try:
            return arrangement.create_extra(
                school=teacher.school,
                sections=[section],
                faculty=[teacher],
                room=None,
                starts_at=starts_at,
                ends_at=ends_at,
                topic="Demonstration",
                by=teacher.user,
                now=now,
            )
        except errors.Conflict:
            continue
    return None


def _gaps(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Times to try: now if possible, shorter rather than later, within the hour in which a class may be opened."""
    begin = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    for offset in (0, 10, 20, 30, 40, 50):
        for minutes in (50, 40, 30):
            start = begin + timedelta(minutes=offset)
            yield start, start + timedelta(minutes=minutes)
