"""Mail: put together from notices that are due, and sent, each once.

A person gets one mail for everything that is due at the same moment; what they want once a day, and what would be more
than `MOST_IN_AN_HOUR`, waits for the daily one. How a crash between sending and noting ends: `services.leases`.
"""

from __future__ import annotations

import smtplib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from accounts.models import User
from audit.services.entries import operation
from core import clock
from core.db import still_there
from core.logging import scrub
from notifications import errors
from notifications.enums import SendState
from notifications.mail_text import compose
from notifications.models import Notification, OutgoingMail
from notifications.selectors import with_facts
from notifications.services import leases
from notifications.services.telling import next_digest

log = structlog.get_logger(__name__)

#: More mails than this in an hour are a flood: what comes after them waits for the daily one.
MOST_IN_AN_HOUR = 6
#: People whose mail is put together in one transaction.
_BATCH = 500
#: How long a server that cannot be reached is left alone.
_REST = timedelta(minutes=1)
#: SMTP: “closing”, and where refusals begin that are for good.
_CLOSING, _FOR_GOOD = 421, 500
#: Of these no mail is the cause, so none is given up for them.
_AWAY = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
)


@dataclass(slots=True)
class Sent:
    """What one run did."""

    sent: int = 0
    failed: int = 0
    server_away: bool = False


# -- putting together ------------------------------------------------------------------------------------------------


def gather(*, now: datetime) -> int:
    """Make mails of the notices that are due; how many mails. Several at once share the work by people."""
    made = 0
    while True:
        people, mails = _gather_some(now)
        made += mails
        if people < _BATCH:
            return made


@transaction.atomic
def _gather_some(now: datetime) -> tuple[int, int]:
    """(people looked at, mails made)."""
    waiting = Notification.objects.filter(mail_due_at__lte=now)
    # Locked, so that nobody else makes a second mail of what the same person is told.
    people = {
        user.pk: user
        for user in User.objects.filter(Exists(waiting.filter(user=OuterRef("pk"))))
        .select_related("school")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .order_by("pk")[:_BATCH]
    }
    if not people:
        return 0, 0
    notices = defaultdict(list)
    # What somebody reads or takes back at this moment is theirs: to wait for it, with others held, could be for ever.
    theirs_now = waiting.filter(user__in=people).select_related("school").order_by("created_at", "id")
    for notice in theirs_now.select_for_update(of=("self",), skip_locked=True):
        notices[notice.user_id].append(notice)
    looked_at = len(notices)
    unwanted = [pk for pk, user in people.items() if not _reachable(user)]
    Notification.objects.filter(pk__in=_ids(notices.pop(pk, []) for pk in unwanted)).update(mail_due_at=None)
    _put_off(notices, now)
    mails = [_mail(people[pk], theirs, now) for pk, theirs in notices.items()]
    OutgoingMail.objects.bulk_create(mails)
    _belong([(notice.pk, mail.pk) for mail in mails for notice in notices[mail.user_id]])
    # Of nobody but those of whom something was found: whoever was skipped would be looked at again and again.
    return looked_at, len(mails)


def _reachable(user: User) -> bool:
    return bool(user.email and user.is_active and (user.school is None or user.school.is_active))


def _put_off(notices: dict[int, list[Notification]], now: datetime) -> None:
    """Leave those who had enough within the hour for the daily mail; what is due in that goes."""
    hurried = [pk for pk, theirs in notices.items() if not any(notice.digest for notice in theirs)]
    had = Counter(
        OutgoingMail.objects.filter(
            user__in=hurried, digest=False, created_at__gt=now - timedelta(hours=1), created_at__lte=now
        ).values_list("user", flat=True)
    )
    by_time: dict[datetime, list[UUID]] = defaultdict(list)
    for pk in hurried:
        if had[pk] >= MOST_IN_AN_HOUR:
            for notice in notices.pop(pk):
                by_time[next_digest(notice.school, now)].append(notice.pk)
    for digest_at, idents in by_time.items():
        Notification.objects.filter(pk__in=idents).update(mail_due_at=digest_at, digest=True)


def _mail(user: User, notices: Sequence[Notification], now: datetime) -> OutgoingMail:
    school = notices[0].school
    return OutgoingMail(
        school=school,
        user=user,
        language=user.language or school.default_language,
        kinds=sorted({notice.kind for notice in notices}),
        digest=any(notice.digest for notice in notices),
        created_at=now,
        next_try_at=now,
    )


def _belong(pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """(notice, mail): which mail tells of which notice, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_notification n SET mail_id = pair.mail_id, mail_due_at = NULL"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS pair (id, mail_id) WHERE n.id = pair.id",
            [[notice for notice, _mail in pairs], [mail for _notice, mail in pairs]],
        )


def _ids(groups: Iterable[Iterable[Notification]]) -> list[UUID]:
    return [notice.pk for group in groups for notice in group]


# -- sending ---------------------------------------------------------------------------------------------------------


def deliver(*, now: Callable[[], datetime] = clock.now, seconds: float = leases.BUDGET) -> Sent:
    """Send what is due, one by one over one connection, until nothing is, time is up or the server goes away.

    `now` is asked for each of them: a lease begins when its mail is taken, not when the run began.
    """
    run = Sent()
    server = get_connection()
    try:
        for _more in leases.while_time(seconds):
            mail = leases.claim(OutgoingMail.objects.select_related("user__school", "school"), now=now())
            if mail is None or not _send(mail, server, run, now):
                break
    finally:
        _hang_up(server)
    return run


def _send(mail: OutgoingMail, server: Any, run: Sent, now: Callable[[], datetime]) -> bool:
    """Send one that is claimed, and note how that went; False when the server is away."""
    notices = list(with_facts(Notification.objects.filter(mail=mail)).order_by("created_at", "id"))
    if not notices:
        # Taken back while the mail was put together: there is nothing left to say.
        OutgoingMail.objects.filter(pk=mail.pk, claim=mail.claim).delete()
        return True
    if not _reachable(mail.user):
        leases.failed(mail, error="nobody to send it to", now=now(), give_up_after=1)
        run.failed += 1
        return True
    try:
        server.open()
        server.send_messages([compose(mail, notices)])
    except Exception as error:
        if _is_away(error):
            leases.put_back(mail, error=_said(error), until=now() + _REST)
            log.warning("mail_server_away", failure=_said(error))
            run.server_away = True
            return False
        if not isinstance(error, smtplib.SMTPException):
            log.exception("mail_failed", mail=str(mail.pk))
        # Whatever is wrong with this one must not keep the others.
        leases.failed(mail, error=_said(error), now=now(), give_up_after=_patience(error))
        run.failed += 1
    else:
        run.sent += leases.sent(mail, now=now())
    return True


def _is_away(error: Exception) -> bool:
    """Whether the server is not there or not ready to talk to us, so that nothing is wrong with the mail."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code == _CLOSING:
        return True
    if isinstance(error, smtplib.SMTPException):
        return isinstance(error, _AWAY)
    return isinstance(error, OSError)


def _patience(error: Exception) -> int:
    """After how many attempts a mail is given up: never while the server says “later” (RFC 5321 §4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
        return leases.NEVER if all(code < _FOR_GOOD for code in codes) else 1
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < _FOR_GOOD:
        return leases.NEVER
    return leases.MOST_ATTEMPTS


def _hang_up(server: Any) -> None:
    try:
        server.close()
    except OSError as error:
        log.info("mail_server_gone", failure=_said(error))


def _said(error: Exception) -> str:
    return scrub(f"{type(error).__name__}: {error}")


@transaction.atomic
def resend(*, mail: OutgoingMail, by: User, now: datetime) -> OutgoingMail:
    """Try one again that was given up. Raises NotParked for any other."""
    mail = still_there(OutgoingMail.objects.select_for_update(of=("self",)), mail.pk)
    if mail.state != SendState.PARKED:
        raise errors.NotParked
    mail.state, mail.attempts, mail.next_try_at = SendState.WAITING, 0, now
    mail.save(update_fields=["state", "attempts", "next_try_at"])
    with operation(by=by, at=now) as op:
        op.record(
            "mail.resend",
            mail,
            school_id=mail.school_id,
            before={"state": SendState.PARKED.value},
            after={"state": SendState.WAITING.value},
        )
    return mail
