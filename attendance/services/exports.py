"""Taking data out as files: at once where it is little, as a stream of CSV, or by a job in the background.

Who took what is in the audit trail, whichever way it went. A job holds an advisory lock while it is worked on, which
its connection takes along when a worker dies: then it is run again from the beginning, and nobody has seen half a file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

import structlog
from django.core.files import File
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import translation

from accounts.models import School, User
from attendance import errors, jobs
from attendance.enums import ExportFormat, ExportKind, ExportState
from attendance.models import ExportJob
from attendance.models.exports import export_path
from attendance.selectors.exports.scope import Scope, reach_of, scope_of, still_within
from attendance.selectors.exports.tables import Table
from attendance.services import configuration, export_files
from audit.services.entries import operation
from core import clock, outbox, streaming
from core.crypto import fingerprint
from core.errors import DomainError, Forbidden, InvalidTransition, NotFound
from core.ids import uuid7
from core.locks import lock, try_session_lock

log = structlog.get_logger(__name__)

#: Rows that are answered at once. Pages are slow to make: of a PDF a fifteenth of that, which is two seconds.
AT_ONCE = 5_000
PDF_AT_ONCE = 300
#: Jobs of one person that may be under way.
MOST_UNFINISHED = 3
#: How long a file is kept, and how long it is told of afterwards.
KEPT = timedelta(days=7)
TOLD = timedelta(days=90)
#: A job that gives no sign of life for so long has nobody who works on it: its worker died, or its message was lost.
SILENT = timedelta(minutes=5)
MOST_ATTEMPTS = 3
#: Small files stay in memory (bytes).
_IN_MEMORY = 2 * 1024 * 1024
#: How often a job tells how far it is (seconds, rows).
_EVERY_SECONDS, _EVERY_ROWS = 0.5, 500


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way to whoever asked: all of it, or pieces that are made as they are taken."""

    name: str
    content_type: str
    content: IO[bytes] | Iterator[bytes]


def ask(
    *,
    by: User,
    school: School,
    kind: str,
    file_format: str,
    filters: Mapping[str, Any],
    stream: bool = False,
    now: datetime,
) -> Download | ExportJob:
    """Make a file. Up to `AT_ONCE` rows it is there at once; more is a job, or with `stream` CSV as it is read.

    `filters` has been checked for its form. Raises NotFound, Forbidden, Invalid, ExportTooLarge, TooManyExports,
    PdfUnavailable.
    """
    configuration.ensure(school)
    scope = scope_of(user=by, school=school, kind=kind, filters=filters, today=school.local_date(now))
    source = export_files.source_of(scope)
    asked = {"kind": kind, "format": file_format, "filters": dict(filters)}
    if stream and file_format == ExportFormat.CSV and isinstance(source, Table):
        return _streamed(source, scope, asked, now=now)
    most = PDF_AT_ONCE if file_format == ExportFormat.PDF and kind != ExportKind.REGISTER else AT_ONCE
    # Whether a file of that format holds them all, and no more than that, must be known.
    limit = max(most, export_files.MOST_ROWS.get(ExportFormat(file_format), 0)) + 1
    rows = export_files.count(source, most=limit)
    export_files.check_size(file_format, rows)
    if rows > most:
        return _queued(asked, by=by, school=school, now=now)
    # Made whole before anything is answered: a refusal on the way is a refusal, not half a file.
    target: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the answer
    rows = export_files.write(source, scope, file_format, target, read=streaming.rows_of)
    target.seek(0)
    with transaction.atomic(), operation(by=by, at=now) as op:
        told = {**_told(asked), "count": rows}
        op.record("export.make", object_type="export", school_id=school.pk, after=told)
    return Download(
        export_files.name_of(scope, file_format),
        export_files.CONTENT_TYPES[ExportFormat(file_format)],
        target,
    )


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    """What the trail says was asked for: of a user name, which is personal, the fingerprint."""
    filters = dict(asked["filters"])
    if filters.get("actor"):
        filters["actor"] = fingerprint(filters["actor"])
    return {**asked, "filters": filters}


def _streamed(table: Table, scope: Scope, asked: dict[str, Any], *, now: datetime) -> Download:
    """Told before the first row goes, and again with how many went."""
    by, school, ident = scope.user, scope.school, uuid7()
    with transaction.atomic(), operation(by=by, at=now, ident=ident) as op:
        told = _told(asked)
        op.record("export.stream", object_type="export", object_id=ident, school_id=school.pk, after=told)

    def done(rows: int) -> None:
        # Minutes may lie between, so this is a time of its own.
        with transaction.atomic(), operation(by=by, at=clock.now(), ident=ident) as op:
            op.record(
                "export.stream_end",
                object_type="export",
                object_id=ident,
                school_id=school.pk,
                after={"count": rows},
            )

    return Download(
        export_files.name_of(scope, ExportFormat.CSV),
        export_files.CONTENT_TYPES[ExportFormat.CSV],
        export_files.stream(table, streaming.rows_of, done),
    )


@transaction.atomic
def _queued(asked: dict[str, Any], *, by: User, school: School, now: datetime) -> ExportJob:
    # Two at once of one person must not both see a free place.
    lock("exports of", by.pk)
    if ExportJob.objects.unfinished().filter(requested_by=by).count() >= MOST_UNFINISHED:
        raise errors.TooManyExports(most=MOST_UNFINISHED)
    job = ExportJob(school=school, requested_by=by, requested_at=now, touched_at=now, **asked)
    with operation(by=by, at=now) as op:
        job.save(force_insert=True)
        op.record("export.queue", job, school_id=school.pk, after=_told(asked))
    outbox.enqueue(jobs.RUN_EXPORT, job_id=job.pk)
    return job


@transaction.atomic
def cancel(*, job: ExportJob, by: User, now: datetime) -> ExportJob:
    """Stop a job; a worker that is at it notices within a second. Raises InvalidTransition."""
    job = ExportJob.objects.select_for_update().get(pk=job.pk)
    if not job.is_unfinished:
        raise InvalidTransition(current=job.get_state_display(), target=str(ExportState.CANCELLED.label))
    before = job.state
    job.state, job.finished_at = ExportState.CANCELLED, now
    with operation(by=by, at=now) as op:
        job.save(update_fields=["state", "finished_at"])
        op.record(
            "export.cancel",
            job,
            school_id=job.school_id,
            before={"state": before},
            after={"state": job.state},
        )
    # A worker that died may have left its file; one that is alive clears up itself.
    with try_session_lock("export", job.pk) as free:
        if free:
            _forget_file(job)
    return job


@transaction.atomic
def fetch(*, job: ExportJob, by: User, now: datetime) -> Download:
    """The file of a job that is done.

    Raises ExportNotReady, ExportExpired, ExportRightLost (the person sees less now than when it was made).
    """
    if job.state == ExportState.EXPIRED or (job.expires_at and job.expires_at <= now):
        raise errors.ExportExpired(days=KEPT.days)
    if job.state != ExportState.DONE:
        raise errors.ExportNotReady(state=job.get_state_display(), meta={"state": job.state})
    try:
        scope_of(
            user=by, school=job.school, kind=job.kind, filters=job.filters, today=job.school.local_date(now)
        )
    except (Forbidden, NotFound) as refusal:
        raise errors.ExportRightLost from refusal
    if not still_within(job.reach, by, job.school):
        raise errors.ExportRightLost
    try:
        content = job.file.open("rb")
    except FileNotFoundError as error:
        # A volume that was not restored, say. Whoever keeps the site can do something about it.
        log.error("export_missing", job=str(job.pk))
        raise errors.ExportExpired(days=KEPT.days) from error
    with operation(by=by, at=now) as op:
        op.record(
            "export.fetch",
            job,
            school_id=job.school_id,
            after={"kind": job.kind, "format": job.format, "count": job.rows_total},
        )
    return Download(job.file_name, export_files.CONTENT_TYPES[ExportFormat(job.format)], content)


# -- in the background ----------------------------------------------------------------------------------------------


class _Stopped(Exception):
    """Somebody cancelled the job while it was worked on."""


def run(*, job_id: UUID | str, now: datetime) -> None:
    """Make the file of a job. Running it twice, also at the same time, is harmless.

    A refusal ends the job with its code. Where the database or the disk fails the error goes on, and `resume` has the
    job run again.
    """
    with try_session_lock("export", job_id) as got:
        job = _begun(job_id, now) if got else None
        if job is None:
            return
        language = job.requested_by.language or job.school.default_language
        try:
            with translation.override(language):
                _make(job, now)
        except _Stopped:
            log.info("export_cancelled", job=str(job.pk))
        except DomainError as refusal:
            _fail(job, refusal)
        except (DatabaseError, InterfaceError, OSError):
            raise
        except Exception:
            with translation.override(language):
                _fail(job, errors.ExportFailed())
            raise


@transaction.atomic
def _begun(job_id: UUID | str, now: datetime) -> ExportJob | None:
    """The job, running now; None when there is nothing to do any more."""
    job = (
        ExportJob.objects.select_for_update(of=("self",))
        .select_related("requested_by", "school")
        .filter(pk=job_id)
        .first()
    )
    if job is None or not job.is_unfinished:
        return None
    if job.attempts >= MOST_ATTEMPTS:
        _fail(job, errors.ExportFailed())
        return None
    job.attempts += 1
    job.state, job.rows_done, job.rows_total = ExportState.RUNNING, 0, None
    job.started_at, job.touched_at = now, clock.now()
    job.save(update_fields=["attempts", "state", "rows_done", "rows_total", "started_at", "touched_at"])
    return job


def _make(job: ExportJob, now: datetime) -> None:
    school, owner = job.school, job.requested_by
    # What the owner sees now, not when they asked: a right that is lost meanwhile is lost.
    scope = scope_of(
        user=owner, school=school, kind=job.kind, filters=job.filters, today=school.local_date(now)
    )
    reach = reach_of(owner, school)
    source = export_files.source_of(scope)
    total = export_files.count(source)
    export_files.check_size(job.format, total)
    _tell(job, rows_total=total)
    with tempfile.TemporaryFile() as target:
        rows = export_files.write(
            source,
            scope,
            job.format,
            target,
            read=streaming.rows_held,
            watched=lambda rows: _watched(job, rows),
        )
        size = target.tell()
        target.seek(0)
        _forget_file(job)
        kept = job.file.storage.save(export_path(job, ""), File(target))
    try:
        _finish(job, kept, rows=rows, size=size, name=export_files.name_of(scope, job.format), reach=reach)
    except BaseException:
        _forget_file(job)
        raise


def _watched(job: ExportJob, rows: Iterable[Any]) -> Iterator[Any]:
    """The rows as they are, while the job says how far it is. Raises _Stopped when it was cancelled."""
    told, number = time.monotonic(), 0
    for number, row in enumerate(rows, start=1):
        yield row
        if number % _EVERY_ROWS == 0 and time.monotonic() - told >= _EVERY_SECONDS:
            _tell(job, rows_done=number)
            told = time.monotonic()
    _tell(job, rows_done=number)


def _tell(job: ExportJob, **values: int) -> None:
    found = ExportJob.objects.filter(pk=job.pk, state=ExportState.RUNNING)
    if not found.update(touched_at=clock.now(), **values):
        raise _Stopped


@transaction.atomic
def _finish(job: ExportJob, kept: str, *, rows: int, size: int, name: str, reach: dict[str, Any]) -> None:
    """The file becomes visible. Raises _Stopped."""
    at = clock.now()
    fresh = ExportJob.objects.select_for_update().get(pk=job.pk)
    if fresh.state != ExportState.RUNNING:
        raise _Stopped
    fresh.state, fresh.file, fresh.file_name, fresh.size = ExportState.DONE, kept, name, size
    fresh.rows_total = fresh.rows_done = rows
    fresh.finished_at, fresh.expires_at, fresh.reach = at, at + KEPT, reach
    with operation(by=None, at=at) as op:
        fresh.save()
        op.record(
            "export.finish",
            fresh,
            school_id=fresh.school_id,
            before={"state": ExportState.RUNNING},
            after={"state": ExportState.DONE, "count": rows},
        )


@transaction.atomic
def _fail(job: ExportJob, refusal: DomainError) -> None:
    """The job ends with the refusal's code and words, in the language of its owner."""
    at = clock.now()
    _forget_file(job)
    ended = ExportJob.objects.unfinished().filter(pk=job.pk)
    with operation(by=None, at=at) as op:
        if ended.update(
            state=ExportState.FAILED, error_code=refusal.code, error=str(refusal)[:500], finished_at=at
        ):
            op.record(
                "export.fail",
                job,
                school_id=job.school_id,
                before={"state": job.state},
                after={"state": ExportState.FAILED, "error_code": refusal.code},
            )


def _forget_file(job: ExportJob) -> None:
    job.file.storage.delete(export_path(job, ""))


@transaction.atomic
def resume(*, now: datetime) -> int:
    """Have those jobs run again that nobody works on; how many those are. Whoever does work on one goes on."""
    silent = list(
        ExportJob.objects.unfinished()
        .select_for_update(skip_locked=True)
        .filter(touched_at__lt=now - SILENT)
        .order_by("touched_at")[:100]
    )
    for job in silent:
        outbox.enqueue(jobs.RUN_EXPORT, job_id=job.pk)
    ExportJob.objects.filter(pk__in=[job.pk for job in silent]).update(touched_at=now)
    return len(silent)


def expire(*, now: datetime) -> int:
    """Delete the files whose time is over, and after `TOLD` the jobs themselves; how many files those were."""
    gone = 0
    for job in ExportJob.objects.filter(state=ExportState.DONE, expires_at__lte=now).order_by("expires_at")[
        :1000
    ]:
        # The file first: should this stop in between, it is looked for once more.
        _forget_file(job)
        with transaction.atomic(), operation(by=None, at=now) as op:
            job.state, job.file = ExportState.EXPIRED, ""
            job.save(update_fields=["state", "file"])
            op.record(
                "export.expire",
                job,
                school_id=job.school_id,
                before={"state": ExportState.DONE},
                after={"state": job.state},
            )
        gone += 1
    old = ExportJob.objects.exclude(state__in=[*ExportState.unfinished(), ExportState.DONE])
    for job in old.filter(finished_at__lt=now - TOLD).order_by("finished_at")[:1000]:
        _forget_file(job)
        job.delete()
    return gone
