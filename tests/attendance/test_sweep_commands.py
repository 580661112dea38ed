"""``open_due_sessions`` and ``close_due_sessions``: the scheduler's work by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from academics.models import Enrollment
from attendance.enums import SessionStatus
from attendance.models import Session
from core import clock
from tests.factories import SessionFactory

pytestmark = pytest.mark.django_db


def test_what_is_due_is_opened_once(capsys: pytest.CaptureFixture[str]) -> None:
    due = SessionFactory(starts_at=clock.now() + timedelta(minutes=1))
    tomorrow = SessionFactory(starts_at=clock.now() + timedelta(days=1))

    call_command("open_due_sessions")
    call_command("open_due_sessions")

    assert capsys.readouterr().out.splitlines() == [
        "Classes opened: 1, failed: 0.",
        "Classes opened: 0, failed: 0.",
    ]
    assert Session.objects.get(pk=due.pk).status == SessionStatus.OPEN
    assert Session.objects.get(pk=tomorrow.pk).status == SessionStatus.SCHEDULED


def test_what_is_over_is_closed_or_left_unconfirmed(capsys: pytest.CaptureFixture[str]) -> None:
    held = SessionFactory(open=True, starts_at=clock.now() - timedelta(hours=2))
    nobody = SessionFactory(starts_at=clock.now() - timedelta(hours=2))

    call_command("close_due_sessions", "--json")

    assert json.loads(capsys.readouterr().out) == {"done": 1, "unconfirmed": 1, "failed": []}
    assert Session.objects.get(pk=held.pk).status == SessionStatus.CLOSED
    assert Session.objects.get(pk=nobody.pk).status == SessionStatus.UNCONFIRMED


def test_a_class_that_cannot_be_closed_is_named_and_fails_the_command(capsys: Any) -> None:
    """Of 1961 no partition exists, so its absentees have nowhere to go."""
    broken = SessionFactory(open=True, starts_at=datetime(1961, 3, 1, 4, tzinfo=UTC))
    Enrollment.objects.update(joined_on=date(1961, 1, 1))

    with pytest.raises(SystemExit) as ended:
        call_command("close_due_sessions")

    assert ended.value.code == 1
    assert str(broken.pk) in capsys.readouterr().out
