"""What the commands of the trail tell people: in words, with an exit status a night's script can use."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from audit.models import AuditSeal, RetentionRun
from audit.services import chain
from audit.services.seals import seal
from core import partitions
from tests.audit.test_seals import tamper, write

pytestmark = pytest.mark.django_db(transaction=True)

At = Callable[[datetime], AbstractContextManager[datetime]]


def run(command: str, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command(command, *arguments, stdout=output, stderr=errors)
    except SystemExit as left:
        return int(str(left.code)), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


def head() -> str:
    return chain.readable(AuditSeal.objects.latest("pk").mac)


def test_sealing_tells_the_head_that_can_be_noted_elsewhere(now: datetime, clock_at: At) -> None:
    write(3, at=now)
    with clock_at(now):
        status, told, _ = run("seal_audit")
        assert (status, told) == (0, f"Sealed 3 entries. Head of the chain: {head()}\n")
        assert run("seal_audit") == (0, "Nothing to seal.\n", "")


def test_an_empty_trail_is_intact(now: datetime) -> None:
    assert run("verify_audit") == (
        0,
        "0 seals, 0 sealed entries checked. Head: –\nThe trail is intact.\n",
        "",
    )


def test_an_intact_trail_is_told_with_what_waits_and_what_was_retired(now: datetime, clock_at: At) -> None:
    partitions.ensure([1998])
    write(2, at=datetime(1998, 5, 1, tzinfo=UTC))
    seal(now=now)
    write(1, at=now)
    seal(now=now)
    tamper("DROP TABLE attendance_audit_log__y1998")
    RetentionRun.objects.create(
        table="attendance_audit_log", year=1998, rows=2, held=0, digest="", at=now, duration_ms=1
    )
    write(2, at=now)

    with clock_at(now + timedelta(seconds=40)):
        status, told, _ = run("verify_audit")

    assert status == 0
    assert told.splitlines() == [
        f"2 seals, 1 sealed entries checked. Head: {head()}",
        "2 entries wait for a seal, the oldest for 40 s.",
        "The entries of 1998 have been retired.",
        "The trail is intact.",
    ]


def test_a_broken_trail_fails_and_names_the_entry(now: datetime) -> None:
    _first, second = write(2, at=now)
    seal(now=now)
    tamper(f"UPDATE attendance_audit_log SET reason = 'x' WHERE id = '{second}'")

    status, told, errors = run("verify_audit")

    assert status == 1
    assert "intact" not in told
    assert errors.startswith(f"The trail is broken: entry {second} was edited after it was sealed (seal #")


def test_a_head_noted_elsewhere_shows_that_the_end_was_cut_off(now: datetime) -> None:
    write(1, at=now)
    seal(now=now)
    write(1, at=now)
    seal(now=now)
    noted = head()
    assert run("verify_audit", "--head", noted)[0] == 0
    tamper(
        "DELETE FROM attendance_audit_log WHERE id = (SELECT max(id::text)::uuid FROM attendance_audit_log)",
        "DELETE FROM audit_seal WHERE id = (SELECT max(id) FROM audit_seal)",
    )

    assert run("verify_audit")[0] == 0
    status, _, errors = run("verify_audit", "--head", noted)

    assert status == 1
    assert "its end was cut off" in errors
