"""The statements behind `memberships`: one each, whatever the number of students.

A student of a batch (CSE-A1) belongs to its class group (CSE-A) as well: `chain` lists, for every cohort, itself
and all that it is part of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class Move:
    """A student (id) who goes from one cohort (id or None) to another (id or None)."""

    student: int
    old_cohort: int | None
    new_cohort: int | None


# UNION, not UNION ALL: a loop of parents, which nothing but care forbids, ends all the same.
_CHAIN = """
chain (leaf, member, parent) AS (
    SELECT c.id, c.id, c.parent_id FROM academics_cohort c WHERE c.id = ANY (%(cohorts)s)
    UNION
    SELECT chain.leaf, p.id, p.parent_id FROM chain JOIN academics_cohort p ON p.id = chain.parent
), moves (student_id, old_id, new_id) AS (
    SELECT * FROM unnest(%(students)s::bigint[], %(old)s::bigint[], %(new)s::bigint[])
)
"""

# The sections of terms not over by that day in which the old cohort keeps a student and the new one does not.
_LEAVING = f"""
WITH RECURSIVE {_CHAIN}
SELECT e.id, e.student_id, e.joined_on, t.starts_on
  FROM moves m
  JOIN chain o ON o.leaf = m.old_id
  JOIN academics_section s ON s.cohort_id = o.member
  JOIN academics_term t ON t.id = s.term_id AND t.ends_on >= %(on)s
  JOIN academics_enrollment e ON e.section_id = s.id AND e.student_id = m.student_id
 WHERE (e.left_on IS NULL OR e.left_on > %(on)s)
   AND NOT EXISTS (SELECT 1 FROM chain n WHERE n.leaf = m.new_id AND n.member = s.cohort_id)
"""

# A membership of a term that had not begun by then ends as it began: it never counts a day.
_LEAVE = f"""
UPDATE academics_enrollment e SET left_on = greatest(%(on)s, e.joined_on)
  FROM ({_LEAVING}) AS leaving
 WHERE e.id = leaving.id
"""

_JOIN = f"""
WITH RECURSIVE {_CHAIN}
INSERT INTO academics_enrollment (student_id, section_id, joined_on)
SELECT m.student_id, s.id, greatest(t.starts_on, %(on)s)
  FROM moves m
  JOIN chain n ON n.leaf = m.new_id
  JOIN academics_section s ON s.cohort_id = n.member
  JOIN academics_term t ON t.id = s.term_id AND t.ends_on >= coalesce(%(on)s, %(today)s)
 WHERE NOT EXISTS (SELECT 1 FROM chain o WHERE o.leaf = m.old_id AND o.member = s.cohort_id)
   AND NOT EXISTS (SELECT 1 FROM academics_enrollment e
                    WHERE e.student_id = m.student_id AND e.section_id = s.id
                      AND daterange(e.joined_on, e.left_on)
                          && daterange(greatest(t.starts_on, %(on)s), NULL))
 ORDER BY m.student_id, s.id
"""

# The day on which a student joined the other sections of the same cohort in the same term, for those who came late.
_FILL = """
WITH RECURSIVE chain (leaf, member, parent) AS (
    SELECT c.id, c.id, c.parent_id
      FROM academics_cohort c
     WHERE c.school_id IN (SELECT school_id FROM academics_section WHERE id = ANY (%(sections)s))
    UNION
    SELECT chain.leaf, p.id, p.parent_id FROM chain JOIN academics_cohort p ON p.id = chain.parent
), already AS (
    SELECT e.student_id, other.term_id, other.cohort_id, min(e.joined_on) AS joined_on
      FROM academics_section other
      JOIN academics_enrollment e ON e.section_id = other.id AND e.left_on IS NULL
     WHERE other.term_id IN (SELECT term_id FROM academics_section WHERE id = ANY (%(sections)s))
     GROUP BY 1, 2, 3
), wanted AS (
    SELECT st.id AS student_id, s.id AS section_id, greatest(t.starts_on, already.joined_on) AS joined_on
      FROM academics_section s
      JOIN academics_term t ON t.id = s.term_id
      JOIN chain n ON n.member = s.cohort_id
      JOIN academics_student st ON st.cohort_id = n.leaf
      JOIN accounts_user u ON u.id = st.user_id AND u.is_active
      LEFT JOIN already ON already.student_id = st.id AND already.term_id = s.term_id
                       AND already.cohort_id = s.cohort_id
     WHERE s.id = ANY (%(sections)s)
)
INSERT INTO academics_enrollment (student_id, section_id, joined_on)
SELECT w.student_id, w.section_id, w.joined_on
  FROM wanted w
 WHERE NOT EXISTS (SELECT 1 FROM academics_enrollment e
                    WHERE e.student_id = w.student_id AND e.section_id = w.section_id
                      AND daterange(e.joined_on, e.left_on) && daterange(w.joined_on, NULL))
 ORDER BY w.student_id, w.section_id
"""


def joined_after(moves: Collection[Move], *, on: date) -> dict[int, date]:
    """By student, the latest day after `on` on which they joined a section of a running term that they would leave.

    Who is missing may move on that day; for the others the roster would have a gap.
    """
    query = (
        f"SELECT student_id, max(joined_on) FROM ({_LEAVING}) AS leaving "
        "WHERE joined_on > %(on)s AND starts_on <= %(on)s GROUP BY student_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, {**_parameters(moves), "on": on})
        return dict(cursor.fetchall())


def leave_old_sections(moves: Collection[Move], *, on: date) -> int:
    """End on `on` what only the old cohort was the reason for; the number of enrollments ended."""
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {**_parameters(moves), "on": on})
        return int(cursor.rowcount)


def join_new_sections(moves: Collection[Move], *, on: date | None, today: date) -> int:
    """Enroll in the sections of the new cohort from `on`, or each term's start if later; the number of rows made."""
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, {**_parameters(moves), "on": on, "today": today})
        return int(cursor.rowcount)


def fill_sections(sections: Sequence[UUID]) -> int:
    """Enroll in each section those of its cohort who are not on its roster yet; the number of rows made."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"sections": list(sections)})
        return int(cursor.rowcount)


def _parameters(moves: Collection[Move]) -> dict[str, Any]:
    ordered = sorted(moves, key=lambda move: move.student)
    cohorts = {move.old_cohort for move in ordered} | {move.new_cohort for move in ordered}
    return {
        "students": [move.student for move in ordered],
        "old": [move.old_cohort for move in ordered],
        "new": [move.new_cohort for move in ordered],
        "cohorts": sorted(cohort for cohort in cohorts if cohort is not None),
    }
