"""A reader that was cut off for a while tells in one go what it has kept."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from _campushub.console import Problem

from bench import data
from bench.load import percentile
from bench.place import Place
from bench.report import Result
from bench.requests import head, told

LINES = 10_000
_SERIAL = "BENCH1"
_ZONE = ZoneInfo("Asia/Kolkata")


def reader(place: Place, *, seconds: int, rows: int) -> Result:
    """Ten thousand lines of as many students, whose classes are open: every line is kept and makes a mark.

    Then the same lines once more, which change nothing. It takes as long as it takes, whatever `seconds` says; `rate`
    is lines per second. Beside it the bare writing of as many marks by one statement of the database.
    """
    first = place.waves(2)
    bare = _bare(place, wave=first)
    with place.connect() as database:
        database.execute(_SETTINGS)
        database.execute(_DEVICE)
        database.execute(_PINS)
    lines = b"".join(
        b"P%d\t%s\t0\t1\t0\t0\n" % (student, datetime.now(_ZONE).strftime("%Y-%m-%d %H:%M:%S").encode())
        for student in range(LINES)
    )
    path = f"/iclock/cdata?SN={_SERIAL}&table=ATTLOG&Stamp=1"
    request = head("POST", path, sender=1, length=len(lines)) + lines
    with place.site("web") as site:
        begun = time.perf_counter()
        answers = [told(site.web, request)]
        taken = time.perf_counter() - begun
        begun = time.perf_counter()
        answers.append(told(site.web, request))
        again = time.perf_counter() - begun
    with place.connect() as database:
        found = database.execute(_FOUND).fetchone()
    if found != (LINES, LINES, LINES) or answers != [f"OK: {LINES}\n"] * 2:
        raise Problem(f"{LINES} lines were sent twice; kept, matched, marks: {found}; answers: {answers}")
    return Result(
        name="reader",
        rate=LINES / taken,
        p50_ms=percentile([taken], 0.5),
        p95_ms=percentile([taken], 0.95),
        p99_ms=percentile([taken], 0.99),
        rows_checked=LINES,
        rows_at_start=rows,
        baseline_name="INSERT of as many marks, nothing else",
        baseline_rate=LINES / bare,
        notes={"the lines (s)": round(taken, 2), "the same lines again (s)": round(again, 2)},
    )


def _bare(place: Place, *, wave: int) -> float:
    """Seconds that the database takes to write so many marks into one wave of classes, which is undone then."""
    with place.connect() as database, database.transaction(force_rollback=True):
        begun = time.perf_counter()
        database.execute(_BARE, [data.session_of(wave, 0)])
        return time.perf_counter() - begun


_BARE = f"""
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status, source,
    marked_at)
SELECT bench.uuid7(now()), s.held_on, s.id, {data.SCHOOL}, ss.section_id, i + 1, i + 1, 'present', 'biometric', now()
  FROM generate_series(0, {LINES - 1}) i
  JOIN attendance_session s ON s.id = bench.session_id(%s + i / {data.CLASS_SIZE})
  JOIN attendance_session_sections ss ON ss.session_id = s.id
"""
_SETTINGS = "UPDATE attendance_configuration SET biometric_enabled = true"
_DEVICE = f"""
INSERT INTO attendance_biometric_device (id, school_id, kind, serial, name, key_hash, key_rotated_at, allowed_networks,
    clock_offset, firmware, log_stamp, is_active)
VALUES (bench.uuid7(now()), {data.SCHOOL}, 'fingerprint', '{_SERIAL}', '', md5('{_SERIAL}'), now(), '{{10.0.0.0/8}}', 0,
    '', '', true)
"""
_PINS = f"""
INSERT INTO attendance_device_pin (device_id, pin, student_id)
SELECT d.id, 'P' || i, i + 1 FROM attendance_biometric_device d, generate_series(0, {LINES - 1}) i
"""
_FOUND = f"""
SELECT (SELECT count(*) FROM attendance_device_event), (SELECT count(*) FROM attendance_device_event
         WHERE state = 'matched'),
       (SELECT count(*) FROM attendance_record WHERE session_id >= bench.session_id({data.FIRST_OPEN_SESSION})
         AND source = 'biometric')
"""
