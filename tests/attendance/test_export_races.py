"""Exports at the same moment, and a worker that is killed in the middle of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from _campushub.processes import wait_for
from django.conf import settings
from django.db import connection

from attendance import errors
from attendance.models import ExportJob
from attendance.services import exports
from audit.models import AuditEntry
from tests.attendance.export_world import ExportWorld, build
from tests.factories import ExportJobFactory
from tests.races import held, together, waiting

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
_RUN = "import django; django.setup(); from attendance.services import exports; from core import clock; "


@pytest.fixture(autouse=True)
def kept_here(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_of_many_at_once_one_person_gets_three(monkeypatch: pytest.MonkeyPatch) -> None:
    world = build()
    monkeypatch.setattr(exports, "AT_ONCE", 1)

    def ask(_index: int) -> Any:
        return exports.ask(
            by=world.office, school=world.school, kind="records", file_format="csv", filters={}, now=NOW
        )

    results = together(6, ask)
    assert sum(isinstance(result, ExportJob) for result in results) == 3
    assert sum(isinstance(result, errors.TooManyExports) for result in results) == 3
    assert ExportJob.objects.count() == 3


def test_two_workers_with_one_job_make_it_once() -> None:
    world = build()
    job = _job(world)

    def run(_index: int) -> None:
        exports.run(job_id=job.pk, now=NOW)

    # Whoever has the lock waits for the row; the other one has gone home.
    with held("SELECT 1 FROM attendance_export_job WHERE id = %s FOR UPDATE", job.pk) as other:
        threads = [threading.Thread(target=_closing, args=(run,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert wait_for(lambda: waiting() == 1 and sum(one.is_alive() for one in threads) == 1, seconds=30)
        other.commit()
        for thread in threads:
            thread.join(timeout=30)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 1)
    assert AuditEntry.objects.filter(action="export.finish").count() == 1


@pytest.mark.deep
def test_a_job_whose_worker_was_killed_is_made_by_another(tmp_path: Path) -> None:
    world = build()
    job = _job(world)
    values = connection.settings_dict
    user, password = quote(values["USER"]), quote(values["PASSWORD"])
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{user}:{password}@{values['HOST']}:{values['PORT']}/{values['NAME']}",
        "DJANGO_SETTINGS_MODULE": "campushub.settings",
    }
    command = [sys.executable, "-c", f"{_RUN}exports.run(job_id={str(job.pk)!r}, now=clock.now())"]
    # It has begun, and waits to learn which term it is.
    with (
        held("LOCK TABLE academics_term IN ACCESS EXCLUSIVE MODE"),
        subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) as worker,
    ):
        assert wait_for(lambda: waiting() == 1, seconds=60)
        worker.send_signal(signal.SIGKILL)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.file.name) == ("running", 1, "")

    assert wait_for(lambda: not waiting(), seconds=30)
    exports.run(job_id=job.pk, now=NOW)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.rows_done) == ("done", 2, 16)


def _job(world: ExportWorld) -> ExportJob:
    job: ExportJob = ExportJobFactory(requested_by=world.office, format="csv", requested_at=NOW)
    return job


def _closing(run: Any) -> None:
    try:
        run(0)
    finally:
        connection.close()
