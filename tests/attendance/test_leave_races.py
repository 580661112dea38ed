"""Decisions on leave against closing and against each other, with real threads on real connections."""

from __future__ import annotations

from typing import Any

import pytest

from attendance import errors
from attendance.models import LeaveApplication
from attendance.services import leaves, sessions, statistics
from attendance.services.leaves import LeaveOutcome
from audit.models import AuditEntry
from tests.attendance.leave_world import World
from tests.factories.attendance import STARTS
from tests.races import Background, held, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return World()


def test_an_approval_and_a_closing_at_the_same_moment_end_as_if_one_came_after_the_other(
    world: World,
) -> None:
    for index in range(8):
        session = world.classes[index]
        session = sessions.open_session(session=session, by=world.teacher, now=session.starts_at)
        leave = world.leave(index)

        def act(number: int, session: Any = session, leave: Any = leave) -> Any:
            if number:
                return leaves.approve(leave=leave, by=world.office, now=STARTS)
            return sessions.close_session(session=session, by=None, now=session.ends_at)

        closed, approved = together(2, act)

        assert closed.status == "closed", closed
        assert isinstance(approved, LeaveOutcome), approved
        assert world.statuses()[index] == "excused"
        assert world.record(index).leave_id == leave.pk
    assert statistics.check() == []


def test_an_approval_waits_for_a_class_that_is_closing_and_then_finds_its_absence(world: World) -> None:
    """The closing has looked for leaves already and found none: only waiting for it makes the approval complete."""
    session = sessions.open_session(session=world.classes[0], by=world.teacher, now=STARTS)
    leave = world.leave(0)
    background = Background()

    # The closing stands before the figures that it has to keep, with the class locked and its absentees gathered.
    with held("LOCK TABLE attendance_statistics IN EXCLUSIVE MODE") as other:
        closing = background.start_and_wait(
            lambda: sessions.close_session(session=session, by=None, now=session.ends_at)
        )
        approving = background.start_and_wait(
            lambda: leaves.approve(leave=leave, by=world.office, now=STARTS)
        )
        assert not approving.done()
        other.commit()
        closing.result(timeout=30)
        assert approving.result(timeout=30).changed == 1

    assert world.statuses() == {0: "excused"}
    assert statistics.check() == []


def test_of_two_applications_for_the_same_day_one_is_made(world: World) -> None:
    def ask(number: int) -> Any:
        return world.leave(0, only=[world.classes[0]] if number % 2 else [])

    answers = together(6, ask)

    assert [type(answer) for answer in answers].count(LeaveApplication) == 1, answers
    assert [type(answer) for answer in answers].count(errors.LeaveOverlaps) == 5, answers


def test_of_two_opposite_decisions_one_stands(world: World) -> None:
    world.hold(0)
    leave = world.leave(0)

    def decide(number: int) -> Any:
        if number % 2:
            return leaves.reject(leave=leave, remarks="no", by=world.office, now=STARTS)
        return leaves.approve(leave=leave, by=world.office, now=STARTS)

    together(6, decide)

    leave.refresh_from_db()
    assert world.statuses() == {0: "excused" if leave.status == "approved" else "absent"}
    assert AuditEntry.objects.filter(action__in=["leave.approve", "leave.reject"]).count() == 1
    assert statistics.check() == []


def test_an_approval_and_its_revoking_leave_nothing_behind(world: World) -> None:
    world.hold(0)
    world.hold(1)
    leave = world.approved(0, 1).leave

    def act(number: int) -> Any:
        if number % 2:
            return leaves.revoke(leave=leave, remarks="x", by=world.office, now=STARTS)
        return leaves.approve(leave=leave, by=world.office, now=STARTS)

    together(4, act)

    assert world.statuses() == {0: "absent", 1: "absent"}
    assert statistics.check() == []
