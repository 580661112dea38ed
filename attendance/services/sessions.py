"""The life of a class session: scheduled, open, closed, locked, and the side roads.

Every move locks the session's row first and decides from what it finds there, so that two people, or a person
and the scheduler, never do it twice. Opening and closing again what is open or closed is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from attendance import errors
from attendance.enums import SessionStatus, Source
from attendance.models import AttendanceRecord, Session, SessionOccupancy
from attendance.services import leave_effect, notices, statistics
from audit.services.entries import operation
from core import live
from core.db import prepared
from core.errors import InvalidTransition, NotFound, ReasonRequired
from core.ids import UUID7_SQL

#: A reopened class, or one opened after its end, is closed by the scheduler after this time.
REOPENED_FOR = timedelta(minutes=30)

# Whom a leave covers is what the leave says, also where the school marks nobody absent by itself.
_ABSENTEES = f"""
INSERT INTO attendance_record (id, held_on, session_id, school_id, section_id, student_id, snapshot_id, status,
                               source, marked_at, leave_id)
SELECT {UUID7_SQL.format(at="%(now)s::timestamptz")},
       %(held_on)s, %(session)s, %(school)s, who.section_id, who.student_id, who.snapshot_id,
       coalesce(leave.status, 'absent'), 'system', %(now)s, leave.id
  FROM (SELECT DISTINCT ON (e.student_id) e.student_id, e.section_id, st.current_snapshot_id AS snapshot_id
          FROM attendance_session_sections ss
          JOIN academics_enrollment e ON e.section_id = ss.section_id
               AND e.joined_on <= %(held_on)s AND (e.left_on IS NULL OR e.left_on > %(held_on)s)
          JOIN academics_student st ON st.id = e.student_id
         WHERE ss.session_id = %(session)s
         ORDER BY e.student_id, e.section_id) who
  {leave_effect.LATERAL.format(student="who.student_id", held_on="%(held_on)s", session="%(session)s")}
 WHERE NOT EXISTS (SELECT 1 FROM attendance_record r
                    WHERE r.session_id = %(session)s AND r.held_on = %(held_on)s AND r.student_id = who.student_id)
   AND (%(mark_absent)s OR leave.id IS NOT NULL)
RETURNING leave_id IS NULL
"""


@transaction.atomic
def open_session(*, session: Session, by: User | None, now: datetime) -> Session:
    """Open a scheduled class for attendance; `by` None is the scheduler.

    The first person who opens sets the moment from which grace runs, also after an automatic opening. Raises
    TooEarly more than an hour before the start, InvalidTransition from any state but scheduled and open.
    """
    session = locked(session)
    if session.status == SessionStatus.OPEN:
        if by is not None and session.opened_by_human_at is None:
            with operation(by=by, at=now) as op:
                session.opened_by_human_at = now
                session.save(update_fields=["opened_by_human_at"])
                op.record("session.take_over", session, school_id=session.school_id, after={"at": now})
            announce(session)
        return session
    if session.status != SessionStatus.SCHEDULED:
        raise _no_way(session, SessionStatus.OPEN)
    if by is not None and not session.may_open_at(now):
        local = session.school.local(session.starts_at)
        raise errors.TooEarly(day=f"{local:%Y-%m-%d}", time=f"{local:%H:%M}")
    with operation(by=by, at=now) as op:
        _move(session, SessionStatus.OPEN, op, opened_at=now, opened_by=by, qr_started_at=now)
        if by is not None:
            session.opened_by_human_at = now
        if now >= session.ends_at:
            session.reopened_at = now
        session.save()
    announce(session)
    return session


@transaction.atomic
def close_session(*, session: Session, by: User | None, now: datetime) -> Session:
    """Close an open class: whoever has no record is absent (if the school wants it so), figures follow.

    Raises InvalidTransition unless the class is open or already closed.
    """
    session = locked(session)
    if session.status in {SessionStatus.CLOSED, SessionStatus.LOCKED}:
        return session
    if session.status != SessionStatus.OPEN:
        raise _no_way(session, SessionStatus.CLOSED)
    return _close(session, by=by, now=now)


@transaction.atomic
def reopen_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Open a closed class again until it is closed by hand or half an hour has passed. Raises ReasonRequired."""
    _need(reason)
    session = locked(session)
    if session.status == SessionStatus.OPEN:
        return session
    if session.status != SessionStatus.CLOSED:
        raise _no_way(session, SessionStatus.OPEN)
    statistics.take(session, now=now)
    with operation(by=by, at=now) as op:
        _move(
            session,
            SessionStatus.OPEN,
            op,
            reason=reason,
            reopened_at=now,
            qr_started_at=now,
            absences_untold=False,
        )
        session.qr_generation += 1
        session.save()
    notices.absences_undone(session)
    announce(session)
    return session


@transaction.atomic
def confirm_session(*, session: Session, held: bool, reason: str = "", by: User, now: datetime) -> Session:
    """Say of an unconfirmed class that it was held (it closes) or was not (it is cancelled)."""
    session = locked(session)
    if session.status != SessionStatus.UNCONFIRMED:
        raise _no_way(session, SessionStatus.CLOSED if held else SessionStatus.CANCELLED)
    if held:
        return _close(session, by=by, now=now, action="session.confirm")
    return _cancel(session, reason=reason or "not held", by=by, now=now)


@transaction.atomic
def lock_session(*, session: Session, by: User | None, now: datetime) -> Session:
    """Lock a closed class: from now on only an administrator changes its records."""
    session = locked(session)
    if session.status == SessionStatus.LOCKED:
        return session
    if session.status != SessionStatus.CLOSED:
        raise _no_way(session, SessionStatus.LOCKED)
    with operation(by=by, at=now) as op:
        _move(session, SessionStatus.LOCKED, op, locked_at=now, locked_by=by)
        session.save()
    return session


@transaction.atomic
def cancel_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Cancel a class that is scheduled or open; its room and people are free again. Raises ReasonRequired."""
    _need(reason)
    session = locked(session)
    if session.status == SessionStatus.CANCELLED:
        return session
    if session.status not in {SessionStatus.SCHEDULED, SessionStatus.OPEN}:
        raise _no_way(session, SessionStatus.CANCELLED)
    return _cancel(session, reason=reason, by=by, now=now)


@transaction.atomic
def void_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Take a closed class out of everybody's figures; its records stay. Raises ReasonRequired."""
    _need(reason)
    session = locked(session)
    if session.status == SessionStatus.VOID:
        return session
    if session.status != SessionStatus.CLOSED:
        raise _no_way(session, SessionStatus.VOID)
    statistics.take(session, now=now)
    with operation(by=by, at=now) as op:
        _move(session, SessionStatus.VOID, op, reason=reason, absences_untold=False)
        session.save()
    notices.absences_undone(session)
    announce(session)
    return session


@transaction.atomic
def leave_unconfirmed(*, session: Session, now: datetime) -> Session:
    """What the scheduler does with a class that nobody opened and nobody was captured in."""
    session = locked(session)
    if session.status not in {SessionStatus.SCHEDULED, SessionStatus.OPEN}:
        raise _no_way(session, SessionStatus.UNCONFIRMED)
    with operation(by=None, at=now) as op:
        _move(session, SessionStatus.UNCONFIRMED, op, closed_at=now)
        session.save()
    announce(session)
    return session


@transaction.atomic
def new_generation(*, session: Session, by: User | None, now: datetime) -> Session:
    """Start a new series of codes: older codes and tickets die at once. Raises SessionNotOpen, CodesNotOffered."""
    session = locked(session)
    if not session.is_open:
        raise errors.SessionNotOpen
    if Source.QR not in session.capture_modes:
        raise errors.CodesNotOffered
    with operation(by=by, at=now) as op:
        session.qr_generation += 1
        session.qr_started_at = now
        session.save(update_fields=["qr_generation", "qr_started_at"])
        op.record(
            "session.new_code",
            session,
            school_id=session.school_id,
            after={"generation": session.qr_generation},
        )
    return session


def was_captured(session: Session) -> bool:
    """Whether anybody was marked by a person or a device."""
    return (
        AttendanceRecord.objects.filter(session=session, held_on=session.held_on)
        .exclude(source=Source.SYSTEM)
        .exists()
    )


def locked(session: Session) -> Session:
    """The session as it is now, its row locked until the transaction ends. Scans under way are waited for.

    Raises NotFound when it has been removed from the timetable since the caller read it.
    """
    found = (
        Session.objects.select_for_update(of=("self",))
        .select_related("school__attendance_configuration")
        .filter(pk=session.pk)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def announce(session: Session) -> None:
    """Tell the class screens after commit."""
    transaction.on_commit(lambda: live.announce([session.pk]))


def free(sessions: Iterable[Session]) -> None:
    """Give up what the sessions took of rooms and people."""
    SessionOccupancy.objects.filter(session__in=list(sessions)).delete()


def _close(session: Session, *, by: User | None, now: datetime, action: str = "") -> Session:
    rules = session.school.attendance_configuration
    absent, on_leave = mark_absentees(session, mark_absent=rules.auto_mark_absent, now=now)
    with operation(by=by, at=now) as op:
        _move(
            session,
            SessionStatus.CLOSED,
            op,
            action=action,
            detail={"absent": absent, **({"on_leave": on_leave} if on_leave else {})},
            closed_at=now,
            closed_by=by,
            absences_untold=rules.send_attendance_notifications,
        )
        session.save()
    statistics.add(session, now=now)
    announce(session)
    return session


def mark_absentees(session: Session, *, mark_absent: bool, now: datetime) -> tuple[int, int]:
    """How many are absent, and how many are what their leave says.

    One statement whatever the size of the class; it runs after the lock, so it sees every scan that counted, and
    every leave approved before.
    """
    with prepared() as cursor:
        cursor.execute(
            _ABSENTEES,
            {
                "session": session.pk,
                "held_on": session.held_on,
                "school": session.school_id,
                "now": now,
                "mark_absent": mark_absent,
            },
        )
        absent = [is_absent for (is_absent,) in cursor.fetchall()]
    return sum(absent), len(absent) - sum(absent)


def _cancel(session: Session, *, reason: str, by: User | None, now: datetime) -> Session:
    with operation(by=by, at=now) as op:
        _move(session, SessionStatus.CANCELLED, op, reason=reason)
        session.save()
    free([session])
    notices.of_cancellation(session, reason=reason, by=by, now=now)
    announce(session)
    return session


def _move(
    session: Session,
    target: SessionStatus,
    op: Any,
    *,
    reason: str = "",
    action: str = "",
    detail: dict[str, Any] | None = None,
    **fields: Any,
) -> None:
    before = session.status
    session.status = target
    session.status_reason = reason
    for name, value in fields.items():
        setattr(session, name, value)
    op.record(
        action or f"session.{_VERBS[target]}",
        session,
        school_id=session.school_id,
        before={"status": before},
        after={"status": target.value, **(detail or {})},
        reason=reason,
    )


_VERBS = {
    SessionStatus.OPEN: "open",
    SessionStatus.CLOSED: "close",
    SessionStatus.LOCKED: "lock",
    SessionStatus.CANCELLED: "cancel",
    SessionStatus.VOID: "void",
    SessionStatus.UNCONFIRMED: "leave_unconfirmed",
    SessionStatus.SCHEDULED: "restore",
}


def _no_way(session: Session, target: SessionStatus) -> InvalidTransition:
    return InvalidTransition(
        current=session.get_status_display(),
        target=target.label,
        meta={"current": session.status, "target": target.value},
    )


def _need(reason: str) -> None:
    if not reason.strip():
        raise ReasonRequired
