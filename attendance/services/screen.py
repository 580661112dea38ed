"""The code on the classroom screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from attendance import codes, errors
from attendance.enums import Source
from attendance.models import AttendanceConfiguration, Session
from attendance.services import sessions


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code for the screen, and until when it is accepted: its own step and the next, at most its series."""

    code: codes.Code
    valid_until: datetime


def current_code(*, session: Session, by: User | None, now: datetime) -> ShownCode:
    """The code to show at `now`; starts a new series when the present one has lived `qr_token_expiry_minutes`.

    Raises SessionNotOpen, CodesNotOffered.
    """
    rules = AttendanceConfiguration.objects.get(school=session.school_id)
    if not session.is_open:
        raise errors.SessionNotOpen
    if Source.QR not in session.capture_modes:
        raise errors.CodesNotOffered
    if now >= series_ends(session, rules):
        session = _renewed(session, rules, by=by, now=now)
    return _code(session, rules, now)


def new_code(*, session: Session, by: User | None, now: datetime) -> ShownCode:
    """The first code of a new series; older codes and tickets die at once. Raises SessionNotOpen, CodesNotOffered."""
    rules = AttendanceConfiguration.objects.get(school=session.school_id)
    session = sessions.new_generation(session=session, by=by, now=now)
    return _code(session, rules, now)


def series_ends(session: Session, rules: AttendanceConfiguration) -> datetime:
    """From when on no code of the present series counts."""
    began = session.qr_started_at or session.opened_at or session.starts_at
    return began + timedelta(minutes=rules.qr_token_expiry_minutes)


@transaction.atomic
def _renewed(session: Session, rules: AttendanceConfiguration, *, by: User | None, now: datetime) -> Session:
    """Of two screens that find the series over at the same moment, one starts the new one, the other shows it."""
    session = sessions.locked(session)
    if session.is_open and now < series_ends(session, rules):
        return session
    return sessions.new_generation(session=session, by=by, now=now)


def _code(session: Session, rules: AttendanceConfiguration, now: datetime) -> ShownCode:
    code = codes.code_at(
        session_id=session.pk,
        school_id=session.school_id,
        generation=session.qr_generation,
        rotation=rules.qr_rotation_seconds,
        now=now,
    )
    ends = series_ends(session, rules)
    return ShownCode(code, min(code.valid_until or ends, ends))
