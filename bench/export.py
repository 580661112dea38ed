"""A million records leave as CSV while they are read, and two hundred thousand as a spreadsheet made by a job."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from _campushub.console import Problem

from bench.place import HOST, Place
from bench.report import Result
from bench.requests import office_token

#: Days of the past, newest first, that make up the spreadsheet.
XLSX_DAYS = 4
_UNHURRIED = {"THROTTLE_RATES": '{"export": "1000/s"}'}
_RUN = "import django; django.setup(); from attendance.services import exports; from core import clock; "
_RUN += "exports.run(job_id={job!r}, now=clock.now())"


def export(place: Place, *, seconds: int, rows: int) -> Result:
    """Everything as CSV in one answer; then a job. `rate` is rows per second of the CSV, the times are of it as well.

    It takes as long as it takes, whatever `seconds` says. Raises Problem when a row is missing.
    """
    with place.connect() as database:
        (there,) = database.execute("SELECT count(*) FROM attendance_record").fetchone() or (0,)
    with place.site("web", **_UNHURRIED) as site:
        idle = _memory()
        csv = _stream(site.web)
        serving = _memory()
        job = _job(place, site.web)
    if csv.rows != there:
        raise Problem(f"{there} records are there, {csv.rows} came")
    return Result(
        name="export",
        rate=csv.rows / csv.total,
        p50_ms=csv.first_byte * 1000,
        p95_ms=csv.first_row * 1000,
        p99_ms=csv.total * 1000,
        rows_checked=csv.rows,
        rows_at_start=rows,
        notes={
            "first byte, first row, all (s)": f"{csv.first_byte:.2f}, {csv.first_row:.2f}, {csv.total:.1f}",
            "file (MB)": round(csv.size / 1e6, 1),
            "most memory of a web process before and after (MB)": f"{idle:.0f}, {serving:.0f}",
            **job,
        },
    )


@dataclass(frozen=True)
class _Streamed:
    """Seconds from the request on; `size` in bytes."""

    first_byte: float
    first_row: float
    total: float
    rows: int
    size: int


def _stream(web: int) -> _Streamed:
    """Take all of it, and keep none of it."""
    begun = time.perf_counter()
    connection, answer = _ask(
        web, "POST", "data/", {"kind": "records", "format": "csv", "stream": True, "filters": {}}
    )
    if answer.status != 200:
        raise Problem(f"the export answered {answer.status}: {answer.read()[:300]!r}")
    lines = size = 0
    first_byte = first_row = 0.0
    while piece := answer.read1(1 << 16):
        first_byte = first_byte or time.perf_counter() - begun
        lines += piece.count(b"\n")
        size += len(piece)
        if lines > 1:
            first_row = first_row or time.perf_counter() - begun
    connection.close()
    return _Streamed(first_byte, first_row, time.perf_counter() - begun, lines - 1, size)


def _job(place: Place, web: int) -> dict[str, Any]:
    """Ask for the spreadsheet, have a process of its own make it as a worker does, and watch how far it says it is."""
    with place.connect() as database:
        (today,) = database.execute("SELECT current_date").fetchone() or (None,)
    since = (today - timedelta(days=XLSX_DAYS)).isoformat() if today else ""
    asked = {"kind": "records", "format": "xlsx", "filters": {"from": since}}
    _connection, answer = _ask(web, "POST", "data/", asked)
    if answer.status != 202:
        raise Problem(f"the job was answered {answer.status}: {answer.read()[:300]!r}")
    ident = json.loads(answer.read())["job"]["id"]
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", _RUN.format(job=ident)], env={**os.environ, **place.environment()}
    ) as worker:
        told, peak = [], 0.0
        while worker.poll() is None:
            _connection, answer = _ask(web, "GET", f"jobs/{ident}/")
            told.append(json.loads(answer.read())["rows_done"])
            peak = max(peak, _peak(worker.pid))
            time.sleep(0.5)
    taken = time.perf_counter() - begun
    _connection, answer = _ask(web, "GET", f"jobs/{ident}/")
    job = json.loads(answer.read())
    with place.connect() as database:
        count = "SELECT count(*) FROM attendance_record WHERE held_on >= %s"
        (wanted,) = database.execute(count, [since]).fetchone() or (0,)
    if job["state"] != "done" or job["rows_done"] != wanted:
        raise Problem(f"{wanted} rows were wanted; the job is {job}")
    return {
        "spreadsheet rows, seconds, MB": f"{wanted}, {taken:.1f}, {job['size'] / 1e6:.1f}",
        "its progress was seen at": len(set(told)),
        "most memory of its process (MB)": round(peak),
    }


def _ask(
    web: int, method: str, path: str, body: Any = None
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", web, timeout=600)
    headers = {
        "Host": HOST,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "10.0.0.1",
        "Authorization": f"Bearer {office_token(0)}",
        "Content-Type": "application/json",
    }
    content = None if body is None else json.dumps(body)
    connection.request(method, f"/api/v1/attendance/export/{path}", content, headers)
    return connection, connection.getresponse()


def _memory() -> float:
    """The most that any of our web processes has held so far, in MB."""
    return max((_peak(pid) for pid in _descendants(os.getpid()) if b"granian" in _command(pid)), default=0.0)


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            yield child
            yield from _descendants(child)


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _peak(pid: int) -> float:
    """Peak resident memory (VmHWM) in MB; 0 for a process that has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0
