"""Export jobs: cancelled, failing, killed, silent, expired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, transaction

from attendance.models import ExportJob
from attendance.services import export_files, exports
from attendance.tasks import expire_exports, resume_exports, run_export
from audit.models import AuditEntry
from core import clock, pdf
from core.models import OutboxMessage
from tests.attendance.export_world import ExportWorld, build

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kept_here(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Sixteen records are many, and every one of them is told."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(exports, "AT_ONCE", 10)
    monkeypatch.setattr(exports, "_EVERY_ROWS", 1)
    monkeypatch.setattr(exports, "_EVERY_SECONDS", 0.0)
    with clock.frozen(NOW):
        yield tmp_path


@pytest.fixture
def world() -> ExportWorld:
    return build()


def ask(world: ExportWorld, file_format: str = "csv", **filters: Any) -> ExportJob:
    job = exports.ask(
        by=world.office,
        school=world.school,
        kind="records",
        file_format=file_format,
        filters=filters,
        now=NOW,
    )
    assert isinstance(job, ExportJob)
    return job


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def at_row(monkeypatch: pytest.MonkeyPatch, number: int, act: Any) -> None:
    """Do something when so many rows have gone by."""
    real = export_files.write

    def write(*arguments: Any, watched: Any, **more: Any) -> int:
        def both(rows: Iterable[Any]) -> Iterator[Any]:
            for place, row in enumerate(watched(rows), start=1):
                if place == number:
                    act()
                yield row

        return real(*arguments, watched=both, **more)

    monkeypatch.setattr(export_files, "write", write)


def test_progress_is_told_row_by_row(world: ExportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask(world)
    seen: list[tuple[str, int, int | None, str]] = []

    def look() -> None:
        job.refresh_from_db()
        seen.append((job.state, job.rows_done, job.rows_total, job.file.name))

    at_row(monkeypatch, 9, look)
    run_export(job_id=str(job.pk))
    job.refresh_from_db()
    assert seen == [("running", 8, 16, "")]
    assert (job.state, job.rows_done, job.rows_total, job.percent) == ("done", 16, 16, 100)


def test_a_job_that_is_cancelled_while_it_runs_stops_and_leaves_no_file(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch, kept_here: Path
) -> None:
    job = ask(world)
    at_row(monkeypatch, 5, lambda: exports.cancel(job=job, by=world.office, now=NOW))
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.file.name, job.rows_done) == ("cancelled", "", 4)
    assert files(kept_here) == []


def test_a_refusal_ends_the_job_with_its_code_in_the_persons_language(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch, kept_here: Path
) -> None:
    def refuse() -> None:
        raise pdf.PdfUnavailable

    job = ask(world)
    at_row(monkeypatch, 3, refuse)
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.file.name) == ("failed", "pdf_unavailable", "")
    assert job.error.startswith("PDF files cannot be made")
    assert AuditEntry.objects.get(action="export.fail").after == {
        "state": "failed",
        "error_code": "pdf_unavailable",
    }
    assert files(kept_here) == []


def test_a_mistake_of_ours_ends_the_job_and_is_seen(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask(world)
    at_row(monkeypatch, 3, lambda: [][1])
    with pytest.raises(IndexError):
        exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "export_failed")


def test_what_may_pass_is_tried_again_three_times_at_most(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no space left on device")

    job = ask(world)
    at_row(monkeypatch, 3, fail)
    for attempt in (1, 2, 3):
        with pytest.raises(OSError, match="no space"):
            exports.run(job_id=job.pk, now=NOW)
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("running", attempt)
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == ("failed", "export_failed", 3)


def test_after_a_crash_it_is_made_from_the_beginning(
    world: ExportWorld, monkeypatch: pytest.MonkeyPatch, kept_here: Path
) -> None:
    """The file was stored and the worker died before anybody was told of it."""

    def die(*_arguments: Any, **_more: Any) -> None:
        raise DatabaseError("server closed the connection unexpectedly")

    job = ask(world)
    with monkeypatch.context() as broken:
        broken.setattr(exports, "_finish", die)
        broken.setattr(exports, "_forget_file", lambda _job: None)
        with pytest.raises(DatabaseError):
            exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.file.name) == ("running", "")
    assert len(files(kept_here)) == 1
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)
    assert len(files(kept_here)) == 1


def test_running_a_job_twice_makes_one_file(world: ExportWorld, kept_here: Path) -> None:
    job = ask(world)
    exports.run(job_id=job.pk, now=NOW)
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    assert (job.attempts, job.state) == (1, "done")
    assert AuditEntry.objects.filter(action="export.finish").count() == 1
    assert len(files(kept_here)) == 1


def test_a_job_that_is_gone_is_nothing_to_do(world: ExportWorld) -> None:
    job = ask(world)
    ident = job.pk
    job.delete()
    exports.run(job_id=ident, now=NOW)
    assert not ExportJob.objects.exists()


def test_jobs_that_nobody_works_on_are_sent_again(world: ExportWorld) -> None:
    silent, fresh = ask(world), ask(world)
    ExportJob.objects.filter(pk=silent.pk).update(touched_at=NOW - exports.SILENT - timedelta(seconds=1))
    OutboxMessage.objects.all().delete()

    resume_exports()
    resume_exports()

    assert [message.arguments for message in OutboxMessage.objects.filter(job="attendance.run_export")] == [
        {"job_id": str(silent.pk)}
    ]
    assert fresh.state == "queued"


def test_files_are_deleted_after_a_week_and_jobs_after_three_months(
    world: ExportWorld, kept_here: Path
) -> None:
    job = ask(world)
    exports.run(job_id=job.pk, now=NOW)
    assert exports.expire(now=NOW + exports.KEPT - timedelta(seconds=1)) == 0
    with clock.frozen(NOW + exports.KEPT):
        expire_exports()
    job.refresh_from_db()
    assert (job.state, job.file.name) == ("expired", "")
    assert files(kept_here) == []
    assert AuditEntry.objects.get(action="export.expire").object_id == str(job.pk)
    exports.expire(now=NOW + exports.TOLD)
    assert ExportJob.objects.count() == 1
    exports.expire(now=NOW + exports.TOLD + timedelta(days=8))
    assert ExportJob.objects.count() == 0


def test_a_file_that_is_not_there_any_more_is_told_as_expired(world: ExportWorld) -> None:
    job = ask(world)
    exports.run(job_id=job.pk, now=NOW)
    job.refresh_from_db()
    default_storage.delete(job.file.name)
    with pytest.raises(exports.errors.ExportExpired):
        exports.fetch(job=job, by=world.office, now=NOW)


@pytest.mark.parametrize(
    "values", [{"state": "done"}, {"file": "x"}, {"kind": "all"}, {"format": "doc"}, {"state": "lost"}]
)
def test_the_database_refuses_what_must_never_be(world: ExportWorld, values: dict[str, str]) -> None:
    job = ask(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportJob.objects.filter(pk=job.pk).update(**values)
