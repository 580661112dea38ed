"""Whole years of the partitioned tables: marks, and the audit trail that tells of them."""

from __future__ import annotations

import hashlib
import time
from datetime import date

from django.db import connection, transaction
from django.db.models import Sum
from psycopg import sql

from attendance.models import AttendanceRecord, LegalHold
from attendance.services import retention_evidence as evidence
from attendance.services.retention_evidence import HELD, Summary, Writer
from attendance.services.retention_rules import Part, Rules
from audit.models import AuditEntry, AuditSeal, RetentionRun
from core import partitions, retiring
from core.partitions import Partitioned

RECORDS = AttendanceRecord._meta.db_table
ENTRIES = AuditEntry._meta.db_table
#: Rows of one transaction where a year stays for other schools.
BATCH = 50_000
_NOTHING = hashlib.sha256().hexdigest()

_COUNTS = sql.SQL(
    "SELECT t.school_id, count(*) FILTER (WHERE NOT {held}), count(*) FILTER (WHERE {held}) FROM {source} t "
    "WHERE t.held_on >= %s AND t.held_on < %s AND t.school_id = ANY (%s) GROUP BY 1 ORDER BY 1"
)


def plan_records(rules: Rules) -> list[Part]:
    """The expired years of marks, by school."""
    found: list[Part] = []
    for year in retiring.detached(AttendanceRecord):
        found += _of_year(year, sorted(rules.last), retiring.name_of(AttendanceRecord, year), whole=True)
    for year in partitions.years(AttendanceRecord):
        if schools := rules.expired(year):
            found += _of_year(year, schools, RECORDS, whole=year <= rules.shared)
    return sorted(found, key=lambda part: (part.year, part.school_id or 0))


def _of_year(year: int, schools: list[int], source: str, *, whole: bool) -> list[Part]:
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTS.format(held=HELD, source=sql.Identifier(source)),
            [date(year, 1, 1), date(year + 1, 1, 1), schools],
        )
        found = [Part(RECORDS, year, school, rows, held, whole) for school, rows, held in cursor.fetchall()]
    return found or ([Part(RECORDS, year, None, 0, 0, whole)] if whole else [])


def plan_entries(rules: Rules) -> list[Part]:
    """The expired years of the audit trail. One that a hold reaches stays whole, seals and all."""
    found = []
    left_behind = set(retiring.detached(AuditEntry))
    for year in sorted(left_behind | set(partitions.years(AuditEntry))):
        if year > rules.audit and year not in left_behind:
            continue
        source = retiring.name_of(AuditEntry, year)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(source)))
            (rows,) = cursor.fetchone() or (0,)
        kept = "" if year in left_behind else _why_kept(year, rows)
        found.append(Part(ENTRIES, year, None, 0 if kept else rows, rows if kept else 0, True, kept))
    return found


def _why_kept(year: int, rows: int) -> str:
    first, last = date(year, 1, 1), date(year, 12, 31)
    # A class of December is told of in January: a hold that ends the year before may still need this one.
    holds = (
        LegalHold.objects.standing()
        .exclude(from_date__gt=last)
        .exclude(until_date__lt=first.replace(year=year - 1))
    )
    if rows and holds.exists():
        return "legal_hold"
    earlier = RetentionRun.objects.filter(table=ENTRIES, year=year).order_by("-at").first()
    seals = AuditSeal.objects.filter(year=year)
    if earlier is not None:
        seals = seals.filter(sealed_at__gt=earlier.at)
    # Only what is sealed can be missed; what waits for its seal waits for retention as well.
    return "" if (seals.aggregate(n=Sum("entries"))["n"] or 0) == rows else "unsealed"


def retire(model: type[Partitioned], year: int, *, writer: Writer) -> list[RetentionRun]:
    """Drop a whole year: first out of everybody's reach, then in peace. Goes on where a killed run stopped."""
    begun = time.monotonic()
    source, table = retiring.name_of(model, year), model._meta.db_table
    locked = retiring.detach(model, year) if year in partitions.years(model) else 0.0
    locked = max(locked, retiring.free(model, year))
    with transaction.atomic(durable=True):
        evidence.no_new_holds()
        of_records = model is AttendanceRecord
        summaries = evidence.of_records(source) if of_records else evidence.of_entries(source)
        made = []
        for summary in summaries or [Summary(None, 0, 0, _NOTHING)]:
            run = evidence.write(table, year, summary, writer=writer, begun=begun, locked=locked)
            if of_records and summary.held:
                evidence.keep(run, source)
            made.append(run)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(source)))
    return made


def remove_of_school(year: int, school_id: int, *, writer: Writer) -> list[RetentionRun]:
    """Take one school's marks out of a year that stays for others, some at a time; the figures stay as they are."""
    made: list[RetentionRun] = []
    while (run := _remove_some(year, school_id, writer=writer)) is not None:
        made.append(run)
    return made


@transaction.atomic(durable=True)
def _remove_some(year: int, school_id: int, *, writer: Writer) -> RetentionRun | None:
    begun = time.monotonic()
    days = [date(year, 1, 1), date(year + 1, 1, 1)]
    evidence.no_new_holds()
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE retiring ON COMMIT DROP AS SELECT * FROM attendance_record "
                "WHERE held_on >= {} AND held_on < {} AND school_id = {} LIMIT {} FOR UPDATE"
            ).format(*map(sql.Literal, [*days, school_id, BATCH]))
        )
    summaries = evidence.of_records("retiring")
    if not summaries:
        return None
    run = evidence.write(RECORDS, year, summaries[0], writer=writer, begun=begun)
    evidence.keep(run, "retiring")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM attendance_record r USING retiring t "
            "WHERE r.id = t.id AND r.held_on = t.held_on AND r.held_on >= %s AND r.held_on < %s",
            days,
        )
    return run
