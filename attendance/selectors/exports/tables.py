"""The rows of each kind of export that is a plain table, in an order that begins at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from academics.models import Section
from accounts.models import User
from attendance.enums import Band, ExportKind, Source, Status
from attendance.models import AttendanceRecord, Session
from attendance.selectors.exports.scope import Scope
from attendance.selectors.figures import day_of
from attendance.selectors.shortage import BELOW
from audit.models import AuditEntry
from core.sheets.columns import Column, Kind

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and a query for the rows below them. `shape` makes a row of the file from one of the query.

    `counted` is the same query as far as it takes to count its rows, with parameters of its own.
    """

    title: str | Promise
    columns: tuple[Column, ...]
    query: tuple[str, Any]
    counted: tuple[str, Any]
    shape: Callable[[Row], Row]

    def count(self, *, most: int | None = None) -> int:
        """How many rows there are, counted no further than `most`."""
        sql, parameters = self.counted
        limit = f"LIMIT {int(most)}" if most is not None else ""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({sql} {limit}) counted", parameters)
            (number,) = cursor.fetchone() or (0,)
        return int(number)


def table_of(scope: Scope) -> Table:
    """The table of any kind but the register, which is no plain one."""
    makers: dict[str, Callable[[Scope], Table]] = {
        ExportKind.RECORDS: _records,
        ExportKind.SUMMARY: _summary,
        ExportKind.SHORTAGE: _shortage,
        ExportKind.AUDIT: _audit,
    }
    return makers[scope.kind](scope)


def _sql_of(found: QuerySet[Any, Any]) -> tuple[str, Any]:
    """The query and its parameters; of nothing, because a filter names what does not occur, as well."""
    sql, parameters = found.query.get_compiler(connection=connection, elide_empty=False).as_sql()
    return sql, parameters


# -- records --------------------------------------------------------------------------------------------------------

_RECORDS = (
    Column("date", _("Date"), Kind.DATE, 13),
    Column("starts", _("Starts"), Kind.TIME, 7),
    Column("ends", _("Ends"), Kind.TIME, 7, on_paper=False),
    Column("course", _("Course"), width=9),
    Column("course_title", _("Title"), width=26),
    Column("section", _("Section"), width=10),
    Column("enrollment_no", _("Enrollment no."), width=14),
    Column("name", _("Name"), width=26),
    Column("status", _("Status"), width=9, words=dict(Status.choices)),
    Column("source", _("Captured by"), width=11, words=dict(Source.choices)),
    Column("offline", _("Offline"), Kind.TRUTH, 8, on_paper=False),
    Column("marked_at", _("Marked at"), Kind.INSTANT, 19),
    Column("checked_out_at", _("Checked out at"), Kind.INSTANT, 19, on_paper=False),
    Column("marked_by", _("Marked by"), width=20, on_paper=False),
    Column("remarks", _("Remarks"), width=30),
)

# By day, class and number: each step has an index or few rows to sort, so that the first row comes at once. Names are
# those of the day of the class.
_RECORD_FIELDS = (
    "session__held_on", "session__starts_at", "session__ends_at", "section__course__code", "section__course__title",
    "section__cohort__code", "section__name", "snapshot__enrollment_no", "snapshot__name", "status", "source",
    "offline", "marked_at", "checked_out_at", "marked_by__full_name", "remarks",
)  # fmt: skip


def _records(scope: Scope) -> Table:
    zone = scope.school.tz
    found = records_of(scope)
    ordered = found.order_by(
        "session__held_on", "session__starts_at", "session_id", "snapshot__enrollment_no", "student_id"
    )
    query = _sql_of(ordered.values_list(*_RECORD_FIELDS))
    counted = _sql_of(found.order_by().values_list("student"))

    def shape(row: Row) -> Row:
        day, starts, ends, code, title, cohort, name, number, who, status, source, offline, *rest = row
        marked, out, by, remarks = rest
        return (
            day, _wall(starts, zone), _wall(ends, zone), code, title, cohort or name, number, who, status, source,
            offline, marked.astimezone(zone), out.astimezone(zone) if out else None, by, remarks,
        )  # fmt: skip

    return Table(pgettext_lazy("export", "Attendance records"), _RECORDS, query, counted, shape)


def records_of(scope: Scope) -> QuerySet[AttendanceRecord]:
    """The records of one school that are asked for and that the person sees."""
    found = AttendanceRecord.objects.visible_to(scope.user).filter(session__school=scope.school)
    if scope.first:
        found = found.filter(session__held_on__gte=scope.first)
    if scope.last:
        found = found.filter(session__held_on__lte=scope.last)
    if scope.student:
        found = found.filter(student=scope.student)
    if scope.words.get("status"):
        found = found.filter(status__in=scope.words["status"])
    if scope.words.get("source"):
        found = found.filter(source__in=scope.words["source"])
    sections = _sections_of(scope)
    if sections is None:
        return found
    # Through their classes as well: records have an index of those, none of sections.
    ids = list(sections.values_list("pk", flat=True))
    return found.filter(section__in=ids).of_sessions(Session.objects.filter(sections__in=ids))


def _sections_of(scope: Scope) -> QuerySet[Section] | None:
    """The sections, of whatever term, to which records are narrowed; None when they are not."""
    if not (scope.section or scope.department or scope.course):
        return None
    wanted = Q(school=scope.school)
    if scope.section:
        wanted &= Q(pk=scope.section.pk)
    if scope.department:
        wanted &= Q(course__department=scope.department)
    if scope.course:
        wanted &= Q(course=scope.course)
    found: QuerySet[Section] = Section.objects.filter(wanted)
    return found


def _wall(instant: datetime, zone: ZoneInfo) -> time:
    return instant.astimezone(zone).time()


# -- summary and shortage -------------------------------------------------------------------------------------------

_FIGURES = (
    Column("enrollment_no", _("Enrollment no."), width=14),
    Column("name", _("Name"), width=26),
    Column("department", _("Department"), width=11),
    Column("course", _("Course"), width=9),
    Column("course_title", _("Title"), width=26),
    Column("section", _("Section"), width=10),
    Column("held", _("Held"), Kind.NUMBER, 7),
    Column("present", Status.PRESENT.label, Kind.NUMBER, 8),
    Column("late", Status.LATE.label, Kind.NUMBER, 7),
    Column("absent", Status.ABSENT.label, Kind.NUMBER, 8),
    Column("excused", Status.EXCUSED.label, Kind.NUMBER, 8),
    Column("attended", _("Attended"), Kind.NUMBER, 9),
    Column("counted", _("Of"), Kind.NUMBER, 7),
    Column("percentage", "%", Kind.NUMBER, 8),
    Column("band", _("Band"), width=12, words=dict(Band.choices)),
    Column("need", _("Must attend"), Kind.NUMBER, 9),
    Column("can_miss", _("May miss"), Kind.NUMBER, 9),
)

# Everybody who sits in the sections on the day, once for each course, with the one percentage that they have there.
_SUMMARY_SQL = """
SELECT st.enrollment_no, u.full_name, d.code, course.code, course.title, coalesce(cohort.code, sec.name),
       coalesce(t.held, 0), coalesce(t.present, 0), coalesce(t.late, 0), coalesce(t.absent, 0),
       coalesce(t.excused, 0), trim_scale(f.attended), f.counted, f.percentage, f.band, f.need, f.can_miss
  FROM (SELECT DISTINCT ON (sec.course_id, e.student_id) sec.course_id, e.student_id, sec.id AS section_id
          FROM academics_section sec
          JOIN academics_enrollment e ON e.section_id = sec.id
               AND e.joined_on <= %(on)s AND (e.left_on IS NULL OR e.left_on > %(on)s)
         WHERE sec.id = ANY (%(sections)s) AND (%(student)s::bigint IS NULL OR e.student_id = %(student)s)
         ORDER BY sec.course_id, e.student_id, sec.id) m
  JOIN academics_student st ON st.id = m.student_id
  JOIN accounts_user u ON u.id = st.user_id
  JOIN academics_section sec ON sec.id = m.section_id
  JOIN academics_course course ON course.id = m.course_id
  JOIN attendance_configuration c ON c.school_id = sec.school_id
  LEFT JOIN academics_cohort cohort ON cohort.id = sec.cohort_id
  LEFT JOIN academics_department d ON d.id = st.department_id
  LEFT JOIN attendance_statistics t
    ON t.student_id = m.student_id AND t.course_id = m.course_id AND t.term_id = %(term)s
 CROSS JOIN LATERAL attendance_figures(coalesce(t.present, 0), coalesce(t.late, 0), coalesce(t.absent, 0),
       coalesce(t.excused, 0), c.late_weight, c.excused_counts_as = 'present', c.attendance_threshold_percent,
       c.condonation_floor_percent) f
"""


def _summary(scope: Scope) -> Table:
    order = "course.code, coalesce(cohort.code, sec.name), st.enrollment_no"
    return _figures(pgettext_lazy("export", "Attendance summary"), _SUMMARY_SQL, order, _members(scope))


def _shortage(scope: Scope) -> Table:
    """Who is below the threshold, who needs most classes first, as on the page."""
    sql = f"{_SUMMARY_SQL} WHERE f.band = ANY (%(bands)s)"
    order = "f.need DESC, st.enrollment_no, course.code"
    band = scope.words.get("band")
    asked = {**_members(scope), "bands": [band] if band else list(BELOW)}
    return _figures(pgettext_lazy("export", "Attendance shortage"), sql, order, asked)


def _figures(title: str | Promise, sql: str, order: str, asked: dict[str, Any]) -> Table:
    return Table(title, _FIGURES, (f"{sql} ORDER BY {order}", asked), (sql, asked), lambda row: row)


def _members(scope: Scope) -> dict[str, Any]:
    term = scope.term
    return {
        "sections": list(scope.sections().values_list("pk", flat=True).distinct()) if term else [],
        "student": scope.student.pk if scope.student else None,
        "term": term.pk if term else None,
        "on": day_of(term, today=scope.today) if term else scope.today,
    }


# -- audit ----------------------------------------------------------------------------------------------------------

_AUDIT = (
    Column("at", _("At"), Kind.INSTANT, 19),
    Column("actor", _("User name"), width=20),
    Column("actor_name", _("Name"), width=20, on_paper=False),
    Column("actor_kind", _("Kind of actor"), width=9),
    Column("action", _("Action"), width=20),
    Column("object_type", _("Object type"), width=18),
    Column("object_id", _("Object"), width=36),
    Column("before", _("Before"), width=36),
    Column("after", _("After"), width=36),
    Column("reason", _("Reason"), width=24),
    Column("ip", _("IP address"), width=15, on_paper=False),
    Column("request_id", _("Request"), width=18, on_paper=False),
    Column("operation_id", _("Operation"), width=36, on_paper=False),
)

_AUDIT_SQL = """
SELECT a.at, u.username, u.full_name, a.actor_kind, a.action, a.object_type, a.object_id, a.before::text,
       a.after::text, a.reason, host(a.ip), a.request_id, a.operation_id::text
  FROM ({entries}) a LEFT JOIN accounts_user u ON u.id = a.actor_id
 ORDER BY a.at DESC, a.id DESC
"""


def _audit(scope: Scope) -> Table:
    zone = scope.school.tz
    found = AuditEntry.objects.filter(school_id=scope.school.pk, **_audit_filters(scope))
    entries, parameters = counted = _sql_of(found.order_by())
    return Table(
        pgettext_lazy("export", "Audit trail"),
        _AUDIT,
        (_AUDIT_SQL.format(entries=entries), parameters),
        counted,
        lambda row: (row[0].astimezone(zone), *row[1:]),
    )


def _audit_filters(scope: Scope) -> dict[str, Any]:
    """Days are the school's: the first begins and the last ends at its midnight."""
    zone = scope.school.tz
    wanted: dict[str, Any] = {}
    if scope.first:
        wanted["at__gte"] = datetime.combine(scope.first, time.min, zone)
    if scope.last:
        wanted["at__lt"] = datetime.combine(scope.last + timedelta(days=1), time.min, zone)
    for name in ("object_type", "object_id", "action"):
        if scope.words.get(name):
            wanted[name] = scope.words[name]
    if scope.words.get("operation"):
        wanted["operation_id"] = scope.words["operation"]
    if scope.words.get("actor"):
        # A number, not a sub-query: the partitions' indexes are chosen by it.
        who = User.objects.filter(username=str(scope.words["actor"]).lower())
        wanted["actor_id__in"] = list(who.values_list("pk", flat=True))
    return wanted
