"""The names of what a class takes for its time.

``faculty:12``, ``room:3``, ``cohort:5``, ``section:<id>`` for an elective without cohort. A class of a whole cohort
takes the cohort and each of its batches; a class of one batch takes only that batch, so that two batches may run
side by side while neither can meet a class of the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db import connection

from academics.models import Cohort, Section
from attendance.models import Session


class Resources:
    """Names what the classes of one school take; knows its batches from one query."""

    def __init__(self, school_id: int) -> None:
        self._batches: dict[int, list[int]] = defaultdict(list)
        batches = Cohort.objects.filter(school=school_id, parent__isnull=False)
        for pk, parent in batches.values_list("pk", "parent_id"):
            self._batches[parent or 0].append(pk)

    def of(self, sections: Iterable[Section], faculty_ids: Iterable[int], room_id: int | None) -> list[str]:
        """Everything such a class takes, sorted."""
        taken = {f"faculty:{pk}" for pk in faculty_ids}
        if room_id is not None:
            taken.add(f"room:{room_id}")
        for section in sections:
            if section.cohort_id is None:
                taken.add(f"section:{section.pk}")
            else:
                taken |= {f"cohort:{pk}" for pk in self._whole(section.cohort_id)}
        return sorted(taken)

    def of_session(self, session: Session) -> list[str]:
        """What a session takes. A substitute takes the place of the faculty, who are free then."""
        teachers = [session.substitute_id] if session.substitute_id else [f.pk for f in session.faculty.all()]
        return self.of(session.sections.all(), [pk for pk in teachers if pk], session.room_id)

    def _whole(self, cohort: int) -> set[int]:
        """The cohort, its batches, and theirs; a loop of parents ends all the same."""
        found, ahead = set(), [cohort]
        while ahead:
            pk = ahead.pop()
            if pk not in found:
                found.add(pk)
                ahead += self._batches[pk]
        return found


_ADOPT = """
WITH RECURSIVE chain (batch, member, parent) AS (
    SELECT c.id, c.id, c.parent_id FROM academics_cohort c WHERE c.id = ANY (%(cohorts)s) AND c.parent_id IS NOT NULL
    UNION
    SELECT chain.batch, p.id, p.parent_id FROM chain JOIN academics_cohort p ON p.id = chain.parent
)
INSERT INTO {table} ({owner}, school_id, resource, {columns})
SELECT o.{owner}, o.school_id, 'cohort:' || chain.batch, {theirs}
  FROM chain JOIN {table} o ON o.resource = 'cohort:' || chain.member
 WHERE chain.member <> chain.batch
   AND NOT EXISTS (SELECT 1 FROM {table} x WHERE x.{owner} = o.{owner} AND x.resource = 'cohort:' || chain.batch)
 ORDER BY o.id
    ON CONFLICT DO NOTHING
"""


def _adopting(table: str, owner: str, *columns: str) -> str:
    return _ADOPT.format(
        table=table,
        owner=owner,
        columns=", ".join(columns),
        theirs=", ".join(f"o.{column}" for column in columns),
    )


_ADOPT_SLOTS = _adopting(
    "attendance_slot_occupancy", "slot_id", "weekday", "starts", "ends", "valid_from", "valid_until"
)
_ADOPT_SESSIONS = _adopting("attendance_session_occupancy", "session_id", "during")


def adopt_batches(sections: Collection[Section]) -> None:
    """Let classes of a whole cohort, planned before a batch of it was made, take that batch too.

    Called before anything is planned for a batch. A row that clashes is left out on purpose: then the batch had
    classes before it became one, and those stand in the way of the next one themselves.
    """
    cohorts = [section.cohort_id for section in sections if section.cohort_id is not None]
    with connection.cursor() as cursor:
        for statement in (_ADOPT_SLOTS, _ADOPT_SESSIONS):
            cursor.execute(statement, {"cohorts": cohorts})
