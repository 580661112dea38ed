"""Percentages week by week, from the materialized view of daily counts: at most an hour old, as `as_of` says.

What has to agree with other pages (a student's figures, averages) is never read here, but from the kept statistics.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from attendance.models import SummaryRefresh
from attendance.selectors.figures import rows_of


@dataclass(frozen=True, slots=True)
class Week:
    """A week of the school's own calendar, from its Monday to Sunday.

    `sessions`: classes held; `percentage` is pooled over all their marks, None when nothing counts.
    """

    monday: date
    sessions: int
    percentage: Decimal | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Every week from the first class to the last, also those without one. `as_of` None: nothing was counted yet."""

    weeks: list[Week]
    as_of: datetime | None


# The date of a class is the school's already. As a timestamp without zone a date has no time to be shifted.
_WEEKS = """
WITH days AS MATERIALIZED (
    SELECT date_trunc('week', d.held_on::timestamp)::date AS monday, d.school_id, d.session_ids,
           d.present, d.late, d.absent, d.excused
      FROM attendance_daily_summary d
     WHERE d.section_id = ANY (%(sections)s) AND d.term_id = %(term)s
), weeks AS (
    SELECT generate_series(min(monday)::timestamp, max(monday)::timestamp, '7 days')::date AS monday FROM days
), classes AS (
    SELECT monday, count(DISTINCT one) AS sessions FROM days CROSS JOIN LATERAL unnest(session_ids) one GROUP BY 1
), marks AS (
    SELECT monday, school_id, sum(present)::bigint AS present, sum(late)::bigint AS late,
           sum(absent)::bigint AS absent, sum(excused)::bigint AS excused
      FROM days GROUP BY 1, 2
)
SELECT w.monday, coalesce(classes.sessions, 0), f.percentage
  FROM weeks w
  LEFT JOIN classes USING (monday)
  LEFT JOIN marks m USING (monday)
  LEFT JOIN attendance_configuration c ON c.school_id = m.school_id
  LEFT JOIN LATERAL attendance_figures(m.present, m.late, m.absent, m.excused, c.late_weight,
       c.excused_counts_as = 'present', c.attendance_threshold_percent, c.condonation_floor_percent) f
         ON c.school_id IS NOT NULL
 ORDER BY w.monday
"""


def weekly_trend(*, sections: Collection[UUID], term_id: int | None) -> Trend:
    """The weeks of some sections (ids, of one school) in a term, as they were held; a class of two counts once."""
    as_of = SummaryRefresh.objects.filter(view=SummaryRefresh.DAILY).values_list("as_of", flat=True).first()
    if as_of is None or not sections:
        return Trend([], as_of)
    rows = rows_of(_WEEKS, {"sections": list(sections), "term": term_id})
    return Trend([Week(*row) for row in rows], as_of)
