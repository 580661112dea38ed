"""In one transaction: what goes is counted and hashed, marks under legal hold are put aside, both is written down."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

from accounts.models import User
from attendance.models import HeldRecord, LegalHold
from attendance.models.retention import RECORD_COLUMNS
from audit.models import RetentionRun
from audit.services.entries import operation

#: Whether a hold keeps the mark `t`.
HELD = sql.SQL(
    """EXISTS (SELECT FROM attendance_legal_hold h
                WHERE h.school_id = t.school_id AND h.lifted_at IS NULL
                  AND (h.student_id IS NULL OR h.student_id = t.student_id)
                  AND (h.from_date IS NULL OR h.from_date <= t.held_on)
                  AND (h.until_date IS NULL OR h.until_date >= t.held_on))"""
)

# Rows are hashed by day and then the days, so that no value grows with the number of rows.
_SUMMARY = sql.SQL(
    """SELECT school_id, sum(rows)::bigint, sum(kept)::bigint,
              encode(sha256(string_agg(digest, ''::bytea ORDER BY day)), 'hex')
         FROM (SELECT school_id, day, count(*) FILTER (WHERE NOT held) AS rows, count(*) FILTER (WHERE held) AS kept,
                      sha256(coalesce(string_agg(sha256(convert_to(line, 'UTF8')), ''::bytea ORDER BY id)
                                      FILTER (WHERE NOT held), ''::bytea)) AS digest
                 FROM (SELECT t.id, {school} AS school_id, {day} AS day, {held} AS held, t::text AS line
                         FROM {source} t {where}) every_row
                GROUP BY 1, 2) every_day
        GROUP BY 1 ORDER BY 1"""
)

_KEEP = sql.SQL(
    "INSERT INTO {held_table} ({columns}, run_id) "
    "SELECT {columns}, %s FROM {source} t WHERE t.school_id = %s AND {held}"
)


class Summary(NamedTuple):
    """Rows that go and rows that stay, of one school, with the digest of those that go."""

    school_id: int | None
    rows: int
    held: int
    digest: str


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes evidence, and when."""

    by: User | None
    now: datetime


def no_new_holds() -> None:
    """Until the transaction ends nobody places a hold: what is about to go could be what it is for."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(LegalHold._meta.db_table))
        )


def of_records(source: str) -> list[Summary]:
    """Of all marks in a table with the columns of records, by school."""
    return _summaries(
        _SUMMARY.format(
            school=sql.SQL("t.school_id"),
            day=sql.SQL("t.held_on"),
            held=HELD,
            source=sql.Identifier(source),
            where=sql.SQL(""),
        )
    )


def of_entries(source: str) -> list[Summary]:
    """Of all entries of the audit trail in a table."""
    return _summaries(
        _SUMMARY.format(
            school=sql.SQL("NULL::bigint"),
            day=sql.SQL("(t.at AT TIME ZONE 'UTC')::date"),
            held=sql.SQL("false"),
            source=sql.Identifier(source),
            where=sql.SQL(""),
        )
    )


def of_rows(table: str, ids: Iterable[object]) -> str:
    """The digest of these rows of a table."""
    found = _summaries(
        _SUMMARY.format(
            school=sql.SQL("NULL::bigint"),
            day=sql.SQL("NULL::date"),
            held=sql.SQL("false"),
            source=sql.Identifier(table),
            where=sql.SQL("WHERE t.id = ANY (%s)"),
        ),
        [list(ids)],
    )
    return found[0].digest


def _summaries(statement: sql.Composed, values: list[Any] | None = None) -> list[Summary]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Summary(*row) for row in cursor.fetchall()]


def keep(run: RetentionRun, source: str) -> None:
    """Put the marks of the run's school that a hold covers aside."""
    columns = sql.SQL(", ").join(map(sql.Identifier, RECORD_COLUMNS))
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP.format(
                held_table=sql.Identifier(HeldRecord._meta.db_table),
                columns=columns,
                source=sql.Identifier(source),
                held=HELD,
            ),
            [run.pk, run.school_id],
        )


def write(
    table: str, year: int, summary: Summary, *, writer: Writer, begun: float, locked: float = 0.0
) -> RetentionRun:
    """The evidence and its entry in the trail. `begun` is of the monotonic clock, `locked` in seconds."""
    run = RetentionRun.objects.create(
        table=table,
        year=year,
        school_id=summary.school_id,
        rows=summary.rows,
        held=summary.held,
        digest=summary.digest,
        actor_id=writer.by.pk if writer.by is not None else None,
        at=writer.now,
        duration_ms=round((time.monotonic() - begun) * 1000),
        locked_ms=round(locked * 1000),
    )
    with operation(by=writer.by, at=writer.now) as op:
        op.record(
            "retention.drop",
            school_id=summary.school_id,
            object_type=table,
            object_id=year,
            after={"count": summary.rows, "held": summary.held, "digest": summary.digest},
        )
    return run
