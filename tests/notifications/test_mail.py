"""Mail: one for what is due, in the reader's language, each sent once; a server that is away delays and never loses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from itertools import pairwise
from typing import Any

import pytest
from _campushub.processes import wait_for
from django.conf import settings as django_settings
from django.db import IntegrityError, connection

from accounts.models import School, User
from core import clock
from core.models import TaskHealth
from notifications import jobs, tasks
from notifications.enums import SendState
from notifications.errors import NotParked
from notifications.models import Notification, OutgoingMail
from notifications.services import leases, mails, reading
from tests.conftest import NOW
from tests.factories import SchoolFactory, UserFactory
from tests.notifications.servers import MailServer
from tests.notifications.told import DAILY, person, tell
from tests.races import together

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
EVENING = datetime.fromisoformat("2026-11-03T18:00:00+05:30")


def send(now: datetime = NOW) -> mails.Sent:
    """What the task does each minute."""
    mails.gather(now=now)
    return mails.deliver(now=lambda: now)


def states() -> list[str]:
    return list(OutgoingMail.objects.order_by("created_at", "id").values_list("state", flat=True))


class TestWhatGoesIntoOne:
    def test_everything_that_is_due_to_a_person_at_once(self, school: School, post: MailServer) -> None:
        one, two = person(school), person(school)
        tell(one, two)
        tell(one, key="k2")
        assert send() == mails.Sent(sent=2)
        assert post.addressees == sorted([one.email, two.email])
        assert sorted(OutgoingMail.objects.values_list("user", "notices__key")) == sorted(
            [(one.pk, "k1"), (one.pk, "k2"), (two.pk, "k1")]
        )

    def test_the_day_in_the_evening(self, school: School, post: MailServer) -> None:
        user = person(school)
        for number in range(3):
            tell(user, kind=DAILY, key=f"k{number}")
        assert send(EVENING - MINUTE).sent == 0
        assert send(EVENING).sent == 1
        (mail,) = post.mails
        assert mail["Subject"] == "Your day: 3 notices · Sagar College"

    def test_more_than_six_in_an_hour_wait_for_the_evening(self, school: School, post: MailServer) -> None:
        user, quiet = person(school), person(school)
        for number in range(8):
            tell(user, key=f"k{number}", now=NOW + number * MINUTE)
            send(NOW + number * MINUTE)
        tell(quiet, key="q", now=NOW + 8 * MINUTE)
        send(NOW + 8 * MINUTE)
        assert post.addressees == sorted([quiet.email, *[user.email] * mails.MOST_IN_AN_HOUR])
        assert send(EVENING).sent == 1
        assert post.mails[-1]["Subject"] == "Your day: 2 notices · Sagar College"
        assert set(states()) == {SendState.SENT}

    def test_nothing_that_was_read_before(self, school: School, post: MailServer) -> None:
        user = person(school)
        tell(user, kind=DAILY)
        reading.mark_read(user=user, now=NOW)
        assert send(EVENING).sent == 0
        assert post.taken == []

    def test_nothing_for_who_has_no_address_any_more(self, school: School, post: MailServer) -> None:
        user = person(school)
        tell(user)
        User.objects.update(email="")
        send()
        assert (states(), Notification.objects.get().mail_due_at) == ([], None)

    def test_nothing_when_it_was_taken_back_meanwhile(self, school: School, post: MailServer) -> None:
        tell(person(school))
        mails.gather(now=NOW)
        Notification.objects.all().delete()
        assert mails.deliver(now=lambda: NOW) == mails.Sent()
        assert (states(), post.taken) == ([], [])

    def test_is_given_up_for_who_has_left_meanwhile(self, school: School, post: MailServer) -> None:
        tell(person(school))
        mails.gather(now=NOW)
        User.objects.update(is_active=False)
        assert mails.deliver(now=lambda: NOW) == mails.Sent(failed=1)
        assert (states(), post.taken) == ([SendState.PARKED], [])

    def test_more_people_than_fit_into_one_batch(
        self, school: School, post: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mails, "_BATCH", 2)
        tell(*[person(school) for _index in range(5)])
        assert mails.gather(now=NOW) == 5


class TestWhatItSays:
    def test_it_is_in_the_readers_language_and_by_the_schools_clock(self, post: MailServer) -> None:
        school = SchoolFactory(default_language="hi", timezone="America/New_York")
        tell(person(school), kind=DAILY)
        send(NOW + timedelta(days=1))
        (mail,) = post.mails
        assert mail["Content-Language"] == "hi"
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            text = body.get_content()
            # 03:30 UTC is the evening before there.
            assert "22:30" in text
            assert "America/New_York" in text

    def test_it_leads_to_the_thing_and_to_ones_choices(self, school: School, post: MailServer) -> None:
        tell(person(school, full_name="Asha Rao"))
        send()
        (mail,) = post.mails
        plain, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr] # both are there
        notice = Notification.objects.get()
        for text in (plain, page):
            assert "Hello Asha," in text
            assert f"{django_settings.PUBLIC_URL}/notices/{notice.pk}/" in text
            assert f"{django_settings.PUBLIC_URL}/notices/preferences/" in text
        assert mail["List-Unsubscribe"] == f"<{django_settings.PUBLIC_URL}/notices/preferences/>"
        assert mail["Message-ID"].startswith(f"<{OutgoingMail.objects.get().pk}@")

    def test_names_are_names_and_no_markup_and_no_header(self, post: MailServer) -> None:
        school = SchoolFactory(name="A<b>c\nBcc: x@example.edu")
        tell(person(school))
        send()
        (mail,) = post.mails
        assert mail["Bcc"] is None
        page = mail.get_body(("html",))
        assert page is not None
        assert "A&lt;b&gt;c" in page.get_content()


class TestTheServer:
    def test_that_is_away_delays_and_never_loses(
        self, school: School, post: MailServer, settings: Any
    ) -> None:
        tell(person(school), person(school))
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            settings.EMAIL_PORT = nobody.getsockname()[1]
            for number in range(30):
                run = send(NOW + number * MINUTE)
                assert (run.sent, run.server_away) == (0, True)
        assert set(OutgoingMail.objects.values_list("state", "attempts")) == {(SendState.WAITING, 0)}
        settings.EMAIL_PORT = post.port
        assert send(NOW + 31 * MINUTE).sent == 2
        assert len(post.taken) == 2

    @pytest.mark.parametrize(
        ("command", "answer"),
        [
            ("EHLO", "421 too busy"),
            ("MAIL", "421 closing"),
            ("MAIL", "550 who are you"),
            ("TAKEN", "421 closing"),
        ],
    )
    def test_that_does_not_talk_to_us_is_away(
        self, school: School, post: MailServer, command: str, answer: str
    ) -> None:
        post.answers = {command: answer, **({"HELO": answer} if command == "EHLO" else {})}
        tell(person(school))
        assert send().server_away
        assert states() == [SendState.WAITING]

    def test_that_says_later_is_asked_again_for_ever(self, school: School, post: MailServer) -> None:
        post.answers = {"TAKEN": "452 disk full"}
        tell(person(school))
        now = NOW
        for _number in range(leases.MOST_ATTEMPTS + 3):
            assert send(now).failed == 1
            now = OutgoingMail.objects.get().next_try_at
        assert states() == [SendState.FAILED]
        assert now - NOW > timedelta(days=1)
        post.answers, post.taken = {}, []
        assert send(now).sent == 1

    def test_that_does_not_know_somebody_gives_that_mail_up_at_once_and_sends_the_others(
        self, school: School, post: MailServer
    ) -> None:
        tell(person(school))
        post.answers = {"RCPT": "550 no such user"}
        assert send() == mails.Sent(failed=1)
        post.answers = {}
        tell(person(school), key="k2", now=NOW + MINUTE)
        assert send(NOW + MINUTE) == mails.Sent(sent=1)
        assert states() == [SendState.PARKED, SendState.SENT]

    def test_that_refuses_a_mail_for_good_is_asked_ten_times_with_longer_and_longer_pauses(
        self, school: School, post: MailServer
    ) -> None:
        post.answers = {"TAKEN": "554 spam"}
        tell(person(school))
        times = [NOW]
        while states() != [SendState.PARKED]:
            assert send(times[-1]).failed == 1
            times.append(OutgoingMail.objects.get().next_try_at)
        pauses = [(after - before) // MINUTE for before, after in pairwise(times)]
        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]

    def test_the_task_says_on_the_health_page_that_mail_waits(self, school: School, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        tell(person(school))
        with clock.frozen(NOW), pytest.raises(tasks.MailServerAway):
            tasks.send_mail()
        health = TaskHealth.objects.get(name=jobs.SEND_MAIL)
        assert (health.failed_at, health.succeeded_at) == (NOW, None)


def test_a_run_ends_when_its_time_is_up_and_the_next_goes_on(school: School, post: MailServer) -> None:
    tell(*[person(school) for _index in range(3)])
    mails.gather(now=NOW)
    assert mails.deliver(now=lambda: NOW, seconds=0) == mails.Sent()
    assert mails.deliver(now=lambda: NOW) == mails.Sent(sent=3)


class TestOnce:
    @pytest.mark.django_db(transaction=True)
    def test_four_workers_at_once_send_each_mail_once(self, school: School, post: MailServer) -> None:
        people = [person(school) for _index in range(12)]
        tell(*people)
        runs = together(4, lambda _index: send())
        assert sum(run.sent for run in runs) == 12
        assert post.addressees == sorted(user.email for user in people)

    def test_the_task_run_twice_sends_once(self, school: School, post: MailServer) -> None:
        tell(person(school))
        with clock.frozen(NOW):
            assert [tasks.send_mail()["sent"] for _time in range(2)] == [1, 0]
        assert len(post.taken) == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(("command", "copies"), [("RCPT", 1), ("DATA", 2)], ids=["before", "after"])
    def test_a_worker_killed_before_or_after_the_server_has_it_loses_nothing(
        self, school: School, post: MailServer, command: str, copies: int
    ) -> None:
        """After: once more, under the same Message-ID, by which mail programs know it."""
        now = clock.now()
        tell(person(school), now=now)
        mails.gather(now=now)
        post.hold = command
        worker = _worker(post)
        assert post.held.wait(30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        post.hold = ""
        post.go_on.set()
        # While the lease lasts nobody knows that the worker is dead.
        assert mails.deliver(now=clock.now).sent == 0
        assert states() == [SendState.SENDING]
        assert mails.deliver(now=lambda: clock.now() + leases.LEASE).sent == 1
        assert states() == [SendState.SENT]
        assert wait_for(lambda: len(post.taken) >= copies, seconds=10)
        assert [mail["Message-ID"] for mail in post.mails] == [post.mails[0]["Message-ID"]] * copies

    def test_who_comes_back_after_the_lease_does_not_undo_what_another_noted(
        self, school: School, post: MailServer
    ) -> None:
        tell(person(school))
        mails.gather(now=NOW)
        slow = leases.claim(OutgoingMail.objects.all(), now=NOW)
        assert mails.deliver(now=lambda: NOW + leases.LEASE).sent == 1
        assert not leases.failed(slow, error="late", now=NOW + leases.LEASE)
        assert not leases.sent(slow, now=NOW + leases.LEASE)
        assert states() == [SendState.SENT]

    def test_the_database_refuses_a_row_that_is_being_sent_by_nobody(self, school: School) -> None:
        tell(person(school))
        mails.gather(now=NOW)
        with pytest.raises(IntegrityError, match="mail_claimed_while_sending"):
            OutgoingMail.objects.update(state=SendState.SENDING)


def test_what_was_given_up_is_sent_again_when_somebody_says_so(school: School, post: MailServer) -> None:
    tell(person(school))
    post.answers = {"RCPT": "550 no such user"}
    send()
    post.answers = {}
    office = UserFactory(school=school)
    mails.resend(mail=OutgoingMail.objects.get(), by=office, now=NOW)
    assert send().sent == 1
    with pytest.raises(NotParked):
        mails.resend(mail=OutgoingMail.objects.get(), by=office, now=NOW)


def test_without_a_server_every_mail_is_a_file_that_mail_programs_open(
    school: School, settings: Any, tmp_path: Any
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "core.mail.FolderBackend", str(tmp_path / "mail")
    tell(person(school), person(school))
    assert send().sent == 2
    files = sorted((tmp_path / "mail").glob("*.eml"))
    assert len(files) == 2
    mail = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Your leave is approved · Sagar College"


def _worker(post: MailServer) -> subprocess.Popen[bytes]:
    """A process of its own that sends what is due in this test's database."""
    known = connection.settings_dict
    address = (
        f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    )
    code = "import django; django.setup(); from notifications.services import mails; mails.deliver()"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "campushub.settings",
            "DATABASE_URL": address,
            "DATABASE_OWNER_URL": address,
            "EMAIL_URL": f"smtp://127.0.0.1:{post.port}",
        },
    )
