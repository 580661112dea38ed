"""The words of an e-mail: plain text and a simple page, in the language and by the clock of whom it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.mail import MessageId
from notifications.models import Notification, OutgoingMail
from notifications.selectors import Shown, all_shown


@dataclass(frozen=True, slots=True)
class Line:
    """One notice of the mail, with its full address."""

    notice: Shown

    @property
    def url(self) -> str:
        return settings.PUBLIC_URL + reverse("notifications:open", args=[self.notice.id])


def compose(mail: OutgoingMail, notices: Sequence[Notification]) -> EmailMultiAlternatives:
    """The message; its Message-ID is always the same for the same row, so that a second copy can be known as one."""
    with translation.override(mail.language), timezone.override(mail.school.tz):
        lines = [Line(notice) for notice in all_shown(notices)]
        preferences = settings.PUBLIC_URL + reverse("notifications:preferences")
        context = {
            "mail": mail,
            "school": mail.school,
            "name": mail.user.get_short_name(),
            "lines": lines,
            "language": mail.language,
            "notices_url": settings.PUBLIC_URL + reverse("notifications:notices"),
            "preferences_url": preferences,
        }
        subject = _subject(lines, mail)
        text = render_to_string("notifications/mail.txt", context)
        page = render_to_string("notifications/mail.html", {**context, "subject": subject})
    message = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.user.email],
        headers={
            "Message-ID": MessageId.of(mail.pk),
            "Date": MessageId.date(mail.created_at),
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{preferences}>",
            "Content-Language": mail.language,
        },
    )
    message.attach_alternative(page, "text/html")
    return message


def _subject(lines: Sequence[Line], mail: OutgoingMail) -> str:
    if len(lines) == 1:
        subject = lines[0].notice.title
    elif mail.digest:
        subject = ngettext("Your day: {n} notice", "Your day: {n} notices", len(lines)).format(n=len(lines))
    else:
        subject = _("{first} and {n} more").format(first=lines[0].notice.title, n=len(lines) - 1)
    # A line break in a name must not begin another header.
    return " ".join(f"{subject} · {mail.school.name}".split())[:200]
