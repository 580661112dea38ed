"""Clashes of a timetable file: within itself, and with what the school has already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext_lazy as _

from academics.services.imports.report import Report
from accounts.models import School
from attendance.services.conflicts import Clash, refusal_of
from attendance.services.imports.lines import Line, resources_of, week_minutes
from attendance.services.resources import Resources

#: In this order they are told when several kinds meet at once.
_COLUMNS = {"faculty": "employee_no", "room": "room", "cohort": "section"}


def within_file(lines: Sequence[Line], resources: Resources, report: Report) -> None:
    """Refuse every line that wants what an earlier good one has taken, naming both."""
    taken: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        wanted = sorted(resources_of(line, resources), key=_rank)
        clash = next(
            ((resource, other) for resource in wanted for other in taken[resource] if overlap(line, other)),
            None,
        )
        if clash is not None:
            reason = _("Taken at that time by line %(line)s (%(course)s, %(when)s).") % {
                "line": clash[1].line,
                "course": clash[1].course.code,
                "when": clash[1].when,
            }
            _refuse(line, clash[0], reason, report)
            continue
        for resource in wanted:
            taken[resource].append(line)


def _rank(resource: str) -> int:
    return list(_COLUMNS).index(resource.partition(":")[0])


def overlap(one: Line, other: Line) -> bool:
    """Whether two weekly classes are ever on at the same time; what ends when the other begins is not."""
    if one.valid_until < other.valid_from or other.valid_until < one.valid_from:
        return False
    return any(a < d and c < b for a, b in week_minutes(one) for c, d in week_minutes(other))


def _refuse(line: Line, resource: str, reason: str, report: Report) -> None:
    kind = resource.partition(":")[0]
    line.good = False
    column = _COLUMNS[kind]
    report.add(line.line, column, line.row.get(column), reason, code=f"{kind}_conflict")


_TAKEN = """
SELECT DISTINCT ON (wanted.line) wanted.line, o.resource, o.slot_id
  FROM unnest(%(lines)s::int[], %(resources)s::text[], %(weekdays)s::int[], %(starts)s::time[], %(ends)s::time[],
              %(first)s::date[], %(last)s::date[])
       AS wanted (line, resource, weekday, starts, ends, first, last)
  JOIN attendance_slot_occupancy o ON o.resource = wanted.resource
   AND week_minutes(o.weekday, o.starts, o.ends) && week_minutes(wanted.weekday, wanted.starts, wanted.ends)
   AND daterange(o.valid_from, o.valid_until, '[]') && daterange(wanted.first, wanted.last, '[]')
 WHERE o.school_id = %(school)s AND o.slot_id <> ALL (%(replaced)s::uuid[])
 ORDER BY wanted.line, o.resource, o.slot_id
"""


def with_timetable(lines: Sequence[Line], school: School, resources: Resources, report: Report) -> None:
    """Refuse every line that wants what a slot outside the file has. One statement, whatever the number of lines."""
    wanted = [(line, resource) for line in lines for resource in resources_of(line, resources)]
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKEN,
            {
                "lines": [line.line for line, _resource in wanted],
                "resources": [resource for _line, resource in wanted],
                "weekdays": [line.weekday for line, _resource in wanted],
                "starts": [line.starts for line, _resource in wanted],
                "ends": [line.ends for line, _resource in wanted],
                "first": [line.valid_from for line, _resource in wanted],
                "last": [line.valid_until for line, _resource in wanted],
                "school": school.pk,
                "replaced": [line.slot.pk for line in lines if line.slot is not None],
            },
        )
        found = {number: Clash(resource, "slot", slot) for number, resource, slot in cursor.fetchall()}
    for line in lines:
        if line.line in found:
            clash = found[line.line]
            _refuse(line, clash.resource, str(refusal_of([clash])), report)
