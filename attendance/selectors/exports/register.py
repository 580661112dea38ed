"""The register of one section and month: who was what in each class held, and where each stands in the term."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from academics.models import Section, Student
from attendance.enums import SessionStatus, Status
from attendance.models import AttendanceRecord, Session
from attendance.selectors.exports.scope import Scope
from attendance.selectors.figures import rows_of
from core.errors import Invalid

#: The letter of each status, the same in every language.
LETTERS = {Status.PRESENT: "P", Status.LATE: "L", Status.ABSENT: "A", Status.EXCUSED: "E"}


@dataclass(frozen=True, slots=True)
class ClassHeld:
    """One column: a class that was held and counts. Times are the school's. `here` were present or late."""

    day: date
    starts: time
    ends: time
    by: str
    here: int
    absent: int


@dataclass(frozen=True, slots=True)
class Line:
    """One student. `marks` has a status, or None, for each class of the register.

    The counts are of the month; `attended` (weighted) of `counted` and `percentage` (0–100, None while nothing counts)
    are of the course from the beginning of the term to the end of the month, by the one formula.
    """

    student: str
    name: str
    marks: tuple[str | None, ...]
    present: int
    late: int
    absent: int
    excused: int
    attended: Decimal
    counted: int
    percentage: Decimal | None
    band: str | None


@dataclass(frozen=True, slots=True)
class Register:
    """A month of one section, classes by time and students by number."""

    section: Section
    month: date
    last: date
    threshold: int
    classes: list[ClassHeld]
    lines: list[Line]


_CUMULATIVE = """
SELECT st.id, st.enrollment_no, u.full_name, trim_scale(f.attended), f.counted, f.percentage, f.band
  FROM academics_student st
  JOIN accounts_user u ON u.id = st.user_id
  JOIN attendance_configuration c ON c.school_id = st.school_id
  LEFT JOIN (
    SELECT r.student_id,
           count(*) FILTER (WHERE r.status = 'present') AS present,
           count(*) FILTER (WHERE r.status = 'late') AS late,
           count(*) FILTER (WHERE r.status = 'absent') AS absent,
           count(*) FILTER (WHERE r.status = 'excused') AS excused
      FROM attendance_record r
      JOIN attendance_session s ON s.id = r.session_id AND s.held_on = r.held_on
           AND s.status IN ('closed', 'locked') AND s.term_id = %(term)s
      JOIN academics_section sec ON sec.id = r.section_id AND sec.course_id = %(course)s
     WHERE r.student_id = ANY (%(students)s) AND r.held_on BETWEEN %(starts)s AND %(last)s
     GROUP BY 1) t ON t.student_id = st.id
 CROSS JOIN LATERAL attendance_figures(coalesce(t.present, 0), coalesce(t.late, 0), coalesce(t.absent, 0),
       coalesce(t.excused, 0), c.late_weight, c.excused_counts_as = 'present', c.attendance_threshold_percent,
       c.condonation_floor_percent) f
 WHERE st.id = ANY (%(students)s)
 ORDER BY st.enrollment_no
"""


def register_of(scope: Scope) -> Register:
    """The register that is asked for, whatever the size of the class five queries.

    Students are those who sat in the section on some day of the month, and whoever has a mark in it. Raises Invalid
    without a section and a month.
    """
    section, first, last = scope.section, scope.first, scope.last
    if section is None or first is None or last is None:
        raise Invalid(detail=_("A register is of one section and month."), attr="filters")
    sessions = list(
        Session.objects.filter(
            sections=section, held_on__range=(first, last), status__in=SessionStatus.counted()
        )
        .select_related("substitute__user")
        .order_by("starts_at", "pk")
    )
    marks = _marks(section, sessions)
    members = Student.objects.filter(
        enrollments__in=section.enrollments.filter(joined_on__lte=last)
        .exclude(left_on__lte=first)
        .exclude(left_on__lte=F("joined_on"))
    )
    students = {*members.values_list("pk", flat=True), *marks}
    zone = scope.school.tz
    held = []
    for session in sessions:
        found = Counter(of_student.get(session.pk) for of_student in marks.values())
        held.append(
            ClassHeld(
                day=session.held_on,
                starts=session.starts_at.astimezone(zone).time(),
                ends=session.ends_at.astimezone(zone).time(),
                by=session.substitute.user.full_name if session.substitute else "",
                here=found[Status.PRESENT] + found[Status.LATE],
                absent=found[Status.ABSENT],
            )
        )
    return Register(
        section=section,
        month=first,
        last=last,
        threshold=scope.school.attendance_configuration.attendance_threshold_percent,
        classes=held,
        lines=list(_lines(section, last, sessions, students, marks)),
    )


def _marks(section: Section, sessions: list[Session]) -> dict[int, dict[Any, str]]:
    """Status by student and session."""
    found: dict[int, dict[Any, str]] = defaultdict(dict)
    records = AttendanceRecord.objects.filter(
        session__in=[session.pk for session in sessions],
        held_on__in={session.held_on for session in sessions},
        section=section,
    )
    for student, session, status in records.values_list("student_id", "session_id", "status"):
        found[student][session] = status
    return found


def _lines(
    section: Section,
    last: date,
    sessions: list[Session],
    students: set[int],
    marks: dict[int, dict[Any, str]],
) -> Iterable[Line]:
    asked = {
        "students": sorted(students),
        "course": section.course_id,
        "term": section.term_id,
        "starts": section.term.starts_on,
        "last": last,
    }
    for key, number, name, attended, counted, percentage, band in rows_of(_CUMULATIVE, asked):
        mine = marks.get(key, {})
        row = tuple(mine.get(session.pk) for session in sessions)
        found = Counter(row)
        yield Line(
            student=number,
            name=name,
            marks=row,
            present=found[Status.PRESENT],
            late=found[Status.LATE],
            absent=found[Status.ABSENT],
            excused=found[Status.EXCUSED],
            attended=attended,
            counted=counted,
            percentage=percentage,
            band=band,
        )
