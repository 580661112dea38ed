"""What a mark that was made without network is worth when it comes: whether it is taken, and who wins.

No database here: what stands, what comes and the class are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance.enums import SOURCE_RANK, SessionStatus, Source, Status, SyncCode, SyncOutcome
from attendance.models import Session

#: Classes that take what comes late; of a locked one only the office changes marks, with a reason.
TAKING_MARKS = {SessionStatus.OPEN, SessionStatus.UNCONFIRMED, SessionStatus.CLOSED}


@dataclass(frozen=True, slots=True)
class Stand:
    """A mark: `status` None is a person's word that there is none. `at` is when it was made, by our clock."""

    status: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code` says why something is refused; empty otherwise."""

    outcome: SyncOutcome
    code: str = ""


def refused(code: SyncCode) -> Verdict:
    return Verdict(SyncOutcome.REJECTED, code.value)


def refusal(session: Session, *, source: str, at: datetime, now: datetime) -> SyncCode | None:
    """Why a capture is not taken into a class; None when it is. `session` comes with its school's configuration.

    A class that is closed takes it without any other reason.
    """
    rules = session.school.attendance_configuration
    since, until = capture_window(session, now=now)
    if session.status == SessionStatus.LOCKED:
        return SyncCode.LOCKED
    if session.status not in TAKING_MARKS:
        return SyncCode.NOT_MARKABLE
    if at > now:
        return SyncCode.IN_FUTURE
    if now - at > timedelta(minutes=rules.offline_sync_max_delta_minutes):
        return SyncCode.TOO_LATE
    if not since <= at <= until:
        return SyncCode.OUTSIDE_WINDOW
    if source == Source.QR and Source.QR not in session.capture_modes:
        return SyncCode.QR_OFF
    if source == Source.BIOMETRIC and not rules.biometric_enabled:
        return SyncCode.BIOMETRIC_OFF
    if source == Source.RFID and not rules.rfid_enabled:
        return SyncCode.RFID_OFF
    return None


def capture_window(session: Session, *, now: datetime) -> tuple[datetime, datetime]:
    """From when until when a class takes attendance: its planned time, and as long as it was really open.

    Who closes early leaves the time until the end to what was captured before the network came back.
    """
    rules = session.school.attendance_configuration
    since = session.starts_at - timedelta(minutes=rules.open_before_minutes)
    until = session.ends_at + timedelta(minutes=rules.close_after_minutes)
    if session.status in {SessionStatus.OPEN, SessionStatus.UNCONFIRMED}:
        really_until = now
    else:
        really_until = session.closed_at or until
    return min(since, session.opened_at or since), max(until, really_until)


def status_at(session: Session, at: datetime) -> str:
    """What somebody is who was captured then: present up to the end of grace, late after it, as with scans."""
    grace = timedelta(minutes=session.school.attendance_configuration.grace_period_minutes)
    return Status.PRESENT.value if at <= session.on_time_from + grace else Status.LATE.value


def judge(stands: Stand | None, comes: Stand, *, counted: bool) -> Verdict:
    """Who wins: a person over a machine, the better machine over the other, of people who spoke last, of captures of
    one kind the first. A person's word that is older than the one that stands, and says something else, is for people
    to decide.

    `counted` says that the class has a mark for everybody, so that none can be taken away.
    """
    if comes.status is None:
        return _judge_removal(stands, comes, counted=counted)
    if stands is None or stands.status is None:
        return Verdict(SyncOutcome.CREATED)
    same = stands.status == comes.status
    mine, theirs = SOURCE_RANK[comes.source], SOURCE_RANK[stands.source]
    if mine < theirs:
        return Verdict(SyncOutcome.DUPLICATE) if same else refused(SyncCode.OUTRANKED)
    if mine > theirs:
        # As with marks here and now: confirming what a machine captured leaves it, what the system assumed does not.
        confirms = same and comes.source == Source.MANUAL and stands.source != Source.SYSTEM
        return Verdict(SyncOutcome.DUPLICATE if confirms else SyncOutcome.UPDATED)
    if comes.source != Source.MANUAL:
        return Verdict(SyncOutcome.UPDATED if comes.at < stands.at else SyncOutcome.DUPLICATE)
    if same:
        return Verdict(SyncOutcome.DUPLICATE)
    return Verdict(SyncOutcome.UPDATED if comes.at >= stands.at else SyncOutcome.CONFLICT)


def _judge_removal(stands: Stand | None, comes: Stand, *, counted: bool) -> Verdict:
    if stands is None or stands.status is None:
        return Verdict(SyncOutcome.DUPLICATE)
    # What was captured after it is news to whoever took their mark back.
    if stands.source != Source.SYSTEM and comes.at < stands.at:
        return refused(SyncCode.SUPERSEDED)
    return refused(SyncCode.NOT_MARKABLE) if counted else Verdict(SyncOutcome.UPDATED)


def judge_all(
    stands: Stand | None, coming: list[Stand], *, counted: bool
) -> tuple[list[Verdict], Stand | None]:
    """One student's captures of one upload, in the order in which they were made, and what stands in the end.

    Who changed their mind before the upload has said only the last of it: no conflict comes of what was before.
    """
    verdicts: list[Verdict] = []
    before = stands
    for comes in coming:
        verdict = judge(stands, comes, counted=counted)
        if verdict.outcome in {SyncOutcome.CREATED, SyncOutcome.UPDATED}:
            stands = comes
        verdicts.append(verdict)
    if (
        stands is not None
        and stands.status is None
        and before is not None
        and before.source not in {Source.MANUAL, Source.SYSTEM}
        and before.at > stands.at
    ):
        # All of it was taken back before the machine saw the student: what it captured stands.
        stands = before
        taken = {SyncOutcome.CREATED, SyncOutcome.UPDATED}
        verdicts = [refused(SyncCode.SUPERSEDED) if one.outcome in taken else one for one in verdicts]
    by_hand = [index for index, comes in enumerate(coming) if comes.source == Source.MANUAL]
    for index in by_hand[:-1]:
        if verdicts[index].outcome == SyncOutcome.CONFLICT:
            verdicts[index] = refused(SyncCode.SUPERSEDED)
    return verdicts, stands
