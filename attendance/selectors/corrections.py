"""Corrections as people look at them: what stands there now, and what approving one would make of a percentage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from academics.models import Section, Student
from accounts.models import School
from attendance.enums import CorrectionStatus, SessionStatus
from attendance.models import CorrectionRequest
from attendance.selectors.figures import Figures, rows_of


@dataclass(frozen=True, slots=True)
class Standing:
    """The mark that a correction is about as it is now, and the student's figures in that course.

    `status` is None without a mark. `counts`: whether the class counts by now; while it does not, `after` is as
    `before`. Both are None where no section tells the course.
    """

    status: str | None
    source: str | None
    marked_at: datetime | None
    marked_by: str
    remarks: str
    counts: bool
    before: Figures | None
    after: Figures | None


# The course of a mark is that of its section; of somebody without one, that of the section they sat in on the day.
# The outer dates keep to the partitions of those years.
_STANDING = """
SELECT c.id, r.status, r.source, r.marked_at, coalesce(marker.full_name, ''), coalesce(r.remarks, ''),
       s.status = ANY (%(counted)s::text[]), sec.course_id IS NOT NULL,
       n.held, n.present, n.late, n.absent, n.excused,
       f.percentage, f.band, f.need, f.can_miss, f.attended, f.counted,
       m.held, m.present, m.late, m.absent, m.excused,
       g.percentage, g.band, g.need, g.can_miss, g.attended, g.counted
  FROM attendance_correction_request c
  JOIN attendance_session s ON s.id = c.session_id
  JOIN attendance_configuration k ON k.school_id = c.school_id
  LEFT JOIN attendance_record r ON r.session_id = s.id AND r.held_on = s.held_on AND r.student_id = c.student_id
       AND r.held_on BETWEEN %(first)s AND %(last)s
  LEFT JOIN accounts_user marker ON marker.id = r.marked_by_id
  LEFT JOIN LATERAL (
        SELECT e.section_id FROM attendance_session_sections ss
          JOIN academics_enrollment e ON e.section_id = ss.section_id AND e.student_id = c.student_id
               AND e.joined_on <= s.held_on AND (e.left_on IS NULL OR e.left_on > s.held_on)
         WHERE ss.session_id = s.id ORDER BY e.section_id LIMIT 1) place ON r.id IS NULL
  LEFT JOIN academics_section sec ON sec.id = coalesce(r.section_id, place.section_id)
  LEFT JOIN attendance_statistics t
         ON t.student_id = c.student_id AND t.course_id = sec.course_id AND t.term_id = s.term_id
 CROSS JOIN LATERAL (
       SELECT coalesce(t.held, 0) AS held, coalesce(t.present, 0) AS present, coalesce(t.late, 0) AS late,
              coalesce(t.absent, 0) AS absent, coalesce(t.excused, 0) AS excused) n
 CROSS JOIN LATERAL (
       SELECT CASE WHEN s.status = ANY (%(counted)s::text[]) THEN 1 ELSE 0 END AS one, coalesce(r.status, '') AS old,
              c.requested_status AS new) d
 CROSS JOIN LATERAL (
       SELECT n.held + d.one * (d.old = '')::int AS held,
              n.present + d.one * ((d.new = 'present')::int - (d.old = 'present')::int) AS present,
              n.late + d.one * ((d.new = 'late')::int - (d.old = 'late')::int) AS late,
              n.absent + d.one * ((d.new = 'absent')::int - (d.old = 'absent')::int) AS absent,
              n.excused + d.one * ((d.new = 'excused')::int - (d.old = 'excused')::int) AS excused) m
 CROSS JOIN LATERAL attendance_figures(n.present, n.late, n.absent, n.excused, k.late_weight,
       k.excused_counts_as = 'present', k.attendance_threshold_percent, k.condonation_floor_percent) f
 CROSS JOIN LATERAL attendance_figures(m.present, m.late, m.absent, m.excused, k.late_weight,
       k.excused_counts_as = 'present', k.attendance_threshold_percent, k.condonation_floor_percent) g
 WHERE c.id = ANY (%(corrections)s::uuid[])
"""
_OF_FIGURES = 11


def standings(corrections: Sequence[CorrectionRequest]) -> dict[UUID, Standing]:
    """What each correction, its class loaded, would change; in one query."""
    if not corrections:
        return {}
    days = [correction.session.held_on for correction in corrections]
    rows = rows_of(
        _STANDING,
        {
            "corrections": [correction.pk for correction in corrections],
            "counted": list(SessionStatus.counted()),
            "first": min(days),
            "last": max(days),
        },
    )
    found = {}
    for ident, status, source, marked_at, marked_by, remarks, counts, placed, *figures in rows:
        before, after = Figures(*figures[:_OF_FIGURES]), Figures(*figures[_OF_FIGURES:])
        found[ident] = Standing(
            status,
            source,
            marked_at,
            marked_by,
            remarks,
            counts,
            before if placed else None,
            after if placed else None,
        )
    return found


def with_class(corrections: QuerySet[CorrectionRequest]) -> QuerySet[CorrectionRequest]:
    """Loads the class, whom it is about and who decided along: two queries whatever the number of rows."""
    return corrections.select_related(
        "school", "session__room", "student__user", "student__cohort", "reviewer"
    ).prefetch_related(
        Prefetch("session__sections", Section.objects.select_related("course").order_by("course__code", "id"))
    )


def course_of(correction: CorrectionRequest) -> str:
    """The title of the course of its class, loaded along; of a lecture for several courses all of them."""
    titles = (section.course.title for section in correction.session.sections.all())
    return " / ".join(dict.fromkeys(titles))


def first_day(school: School, *, now: datetime) -> date:
    """The earliest day of class whose marks can still be corrected, by the school's calendar."""
    days = school.attendance_configuration.max_correction_days
    return school.local_date(now) - timedelta(days=days)


def waiting_of(student: Student, sessions: Collection[UUID]) -> set[UUID]:
    """Of which of these classes a correction that this student asked for waits for an answer."""
    found = CorrectionRequest.objects.filter(
        student=student, session__in=sessions, status=CorrectionStatus.PENDING
    )
    return set(found.values_list("session", flat=True))
