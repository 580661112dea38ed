"""The minute's seal and the night's check, as beat has them done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from audit import jobs, tasks
from audit.models import AuditEntry
from core.models import TaskHealth
from core.tasks import DONE_TONIGHT
from tests.audit.test_seals import tamper, write

pytestmark = pytest.mark.django_db(transaction=True)

At = Callable[[datetime], AbstractContextManager[datetime]]


def test_each_minute_seals_what_is_new(clock_at: At, now: datetime) -> None:
    write(3, at=now)
    with clock_at(now):
        assert tasks.seal() == {"seals": 1, "entries": 3}
        assert tasks.seal() == {"seals": 0, "entries": 0}


def test_the_night_checks_the_whole_trail_once(clock_at: At, now: datetime) -> None:
    write(2, at=now)
    with clock_at(now):
        tasks.seal()
        assert tasks.verify() == {"seals": 1, "entries": 2, "unsealed": 0}
        assert tasks.verify() == DONE_TONIGHT
    with clock_at(now + timedelta(days=1)):
        assert tasks.verify() == {"seals": 1, "entries": 2, "unsealed": 0}


def test_a_broken_trail_is_a_failed_task_that_names_the_entry_and_is_tried_again(
    clock_at: At, now: datetime
) -> None:
    entry, _other = write(2, at=now)
    with clock_at(now):
        tasks.seal()
        tamper(f"UPDATE attendance_audit_log SET action = 'nothing.happened' WHERE id = '{entry}'")
        for _ in range(2):
            with pytest.raises(tasks.TrailBroken, match=str(entry)):
                tasks.verify()

    health = TaskHealth.objects.get(pk=jobs.VERIFY)
    assert AuditEntry.objects.filter(pk=entry, action="nothing.happened").exists()
    assert health.succeeded_at is None
    assert str(entry) in health.error
