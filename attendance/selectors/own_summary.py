"""A student's own figures in one statement: who asks, which term it is, and what `figures.student_summary` says.

Every student's phone asks this. The plain way takes five statements (the user, the student, the policy, the term, the
figures); here the person is found by the id of their token, and the figures are asked with the very text of
`selectors.figures`. The tests hold both equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from attendance.selectors.figures import SUMMARY, CourseFigures, Figures, StudentSummary
from core.db import prepared


@dataclass(frozen=True, slots=True)
class OwnSummary:
    """What `figures.StudentSummary` holds, without rows of students and terms; `term` is (id, name)."""

    number: str
    name: str
    term: tuple[int, str] | None
    threshold: int
    floor: int
    courses: list[CourseFigures]
    overall: Figures

    @classmethod
    def of(cls, summary: StudentSummary) -> OwnSummary:
        """The same of what was asked the plain way."""
        return cls(
            summary.student.enrollment_no,
            summary.student.user.full_name,
            (summary.term.pk, summary.term.name) if summary.term else None,
            summary.threshold,
            summary.floor,
            summary.courses,
            summary.overall,
        )


# Who may be signed in: `accounts.backends`. Which term: `figures.term_for`.
_ME = """
WITH me AS MATERIALIZED (
    SELECT st.id AS student_id, st.school_id, st.enrollment_no, u.full_name, today.on_day, term.id AS term_id,
           term.name AS term_name
      FROM accounts_user u
      JOIN accounts_school school ON school.id = u.school_id AND school.is_active
      JOIN academics_student st ON st.user_id = u.id AND st.school_id = u.school_id
     CROSS JOIN LATERAL (SELECT (%(now)s::timestamptz AT TIME ZONE school.timezone)::date AS on_day) today
      LEFT JOIN LATERAL (
            SELECT t.id, t.name FROM academics_term t WHERE t.school_id = school.id
             ORDER BY t.starts_on <= today.on_day DESC, abs(t.starts_on - today.on_day) LIMIT 1) term ON true
     WHERE u.id = %(user)s AND u.is_active AND u.role = 'student'
), """
_STATEMENT = _ME + SUMMARY.format(
    also="me.enrollment_no, me.full_name, me.term_id, me.term_name, ",
    which=" CROSS JOIN me",
    student="(SELECT student_id FROM me)",
    school="(SELECT school_id FROM me)",
    term="(SELECT term_id FROM me)",
    on="(SELECT on_day FROM me)",
)


def own_summary(*, user_id: int, now: datetime) -> OwnSummary | None:
    """The figures of the student who is this user; None for anybody who is no student or may not be signed in."""
    with prepared() as cursor:
        cursor.execute(_STATEMENT, {"user": user_id, "now": now})
        rows = cursor.fetchall()
    if not rows:
        return None
    number, name, term_id, term_name, threshold, floor, _course, _code, _title, *overall = rows[-1]
    return OwnSummary(
        number,
        name,
        None if term_id is None else (term_id, term_name),
        threshold,
        floor,
        [CourseFigures(row[6], row[7], row[8], Figures(*row[9:])) for row in rows[:-1]],
        Figures(*overall),
    )
