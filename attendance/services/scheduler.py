"""What happens by the clock: opening, closing, locking and telling of absences, each session exactly once.

Every function may run on several machines at the same time, late, or twice: sessions are taken one by one with
``FOR UPDATE SKIP LOCKED``, each in a transaction of its own, so that one that fails does not hold up the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import models, transaction
from django.db.models import F, Q

from accounts.models import School
from attendance.enums import SessionStatus
from attendance.models import Session
from attendance.services import notices, sessions

log = structlog.get_logger(__name__)

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Sweep:
    """What one run did; `failed` names the sessions that raised, which the next run meets again."""

    done: int = 0
    unconfirmed: int = 0
    failed: list[UUID] = field(default_factory=list)


def open_due(*, now: datetime) -> Sweep:
    """Open what should be open: `open_before_minutes` before the start until the end."""
    due = Session.objects.due_to_open(now)

    def act(session: Session, sweep: Sweep) -> None:
        sessions.open_session(session=session, by=None, now=now)
        sweep.done += 1

    return _each(due, act)


def close_due(*, now: datetime) -> Sweep:
    """Close what has ended, reopened classes after half an hour; what nobody held is left unconfirmed."""

    def act(session: Session, sweep: Sweep) -> None:
        # Who reopens a class says that it was held, and reopening does not count as its first opening.
        nobody = (
            session.opened_by_human_at is None
            and session.reopened_at is None
            and not sessions.was_captured(session)
        )
        if session.status == SessionStatus.SCHEDULED or nobody:
            sessions.leave_unconfirmed(session=session, now=now)
            sweep.unconfirmed += 1
        else:
            sessions.close_session(session=session, by=None, now=now)
            sweep.done += 1

    return _each(_due_to_close(now), act)


def tell_due(*, now: datetime) -> Sweep:
    """Tell whoever is absent from the classes that closed: nobody waits for that who closes one.

    Who was put right meanwhile hears nothing; a class that was opened again is not told of until it closes again.
    """

    def act(session: Session, sweep: Sweep) -> None:
        notices.of_absences(session, now=now)
        session.absences_untold = False
        session.save(update_fields=["absences_untold"])
        sweep.done += 1

    return _each(Session.objects.filter(absences_untold=True), act)


def lock_due(*, now: datetime) -> Sweep:
    """Lock classes whose correction window of `max_correction_days` is over."""
    sweep = Sweep()
    waiting = Session.objects.filter(status=SessionStatus.CLOSED).values("school")
    for school in School.objects.filter(pk__in=waiting).select_related("attendance_configuration"):
        days = school.attendance_configuration.max_correction_days
        last = school.local_date(now) - timedelta(days=days)

        def act(session: Session, sweep: Sweep) -> None:
            sessions.lock_session(session=session, by=None, now=now)
            sweep.done += 1

        due = Session.objects.filter(school=school, status=SessionStatus.CLOSED, held_on__lt=last)
        part = _each(due, act)
        sweep.done += part.done
        sweep.failed += part.failed
    return sweep


def _due_to_close(now: datetime) -> models.QuerySet[Session]:
    delay = models.ExpressionWrapper(
        F("school__attendance_configuration__close_after_minutes") * models.Value(_MINUTE),
        output_field=models.DurationField(),
    )
    over = Q(
        ends_at__lte=models.ExpressionWrapper(
            models.Value(now, output_field=models.DateTimeField()) - delay,
            output_field=models.DateTimeField(),
        )
    )
    reopened_long_ago = Q(reopened_at__lte=now - sessions.REOPENED_FOR)
    auto = Q(school__attendance_configuration__auto_close_sessions=True)
    return Session.objects.filter(
        (Q(status=SessionStatus.OPEN, reopened_at__isnull=True) & over & auto)
        | (Q(status=SessionStatus.OPEN) & reopened_long_ago)
        | (Q(status=SessionStatus.SCHEDULED) & over)
    )


def _each(due: models.QuerySet[Session], act: Callable[[Session, Sweep], None]) -> Sweep:
    sweep = Sweep()
    # Who is due is asked once: a thousand classes that end with the same minute would else be sorted a thousand times.
    for ident in list(due.order_by("starts_at", "id").values_list("pk", flat=True)):
        with transaction.atomic():
            # Locked rows belong to somebody who is doing the same, or to a person; both are left alone, and so is what
            # they have done meanwhile.
            session = due.filter(pk=ident).select_for_update(skip_locked=True, of=("self",)).first()
            if session is None:
                continue
            try:
                with transaction.atomic():
                    act(session, sweep)
            except Exception:
                # One broken session must not keep a thousand others from closing; the log and the health page tell.
                log.exception("session_sweep_failed", session=str(session.pk))
                sweep.failed.append(session.pk)
    return sweep
