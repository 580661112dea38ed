"""What was read and sent long ago is forgotten; what still waits stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError

from accounts.models import School
from core import clock
from core.models import TaskHealth
from notifications import jobs, tasks
from notifications.enums import SendState
from notifications.models import Notification, OutgoingMail, WebhookDelivery
from notifications.services import mails, retention
from notifications.services.telling import once
from tests.conftest import NOW
from tests.factories import UserFactory
from tests.notifications.told import given_up, person, tell, told

pytestmark = pytest.mark.django_db


def test_each_has_its_own_time(school: School) -> None:
    read, unread, waiting = person(school), person(school), person(school)
    tell(read, unread, waiting)
    Notification.objects.filter(user=read).update(read_at=NOW)
    mails.gather(now=NOW)
    OutgoingMail.objects.exclude(user=waiting).update(state=SendState.SENT, sent_at=NOW)
    given_up(school, UserFactory(school=school))
    once(school=school, key="week 1", now=NOW)

    assert retention.forget(now=NOW + retention.SENT) == retention.Forgotten(0, 0, 0, 0)
    later = NOW + retention.SENT + timedelta(seconds=1)
    assert retention.forget(now=later) == retention.Forgotten(0, 2, 1, 0)
    later = NOW + retention.READ + timedelta(seconds=1)
    assert retention.forget(now=later) == retention.Forgotten(1, 0, 0, 0)
    later = NOW + retention.UNREAD + timedelta(seconds=1)
    assert retention.forget(now=later) == retention.Forgotten(1, 0, 0, 1)
    # The mail server is still away: what waits for it is still to be said.
    assert (len(told(waiting)), OutgoingMail.objects.get().state) == (1, SendState.WAITING)
    assert not WebhookDelivery.objects.exists()


def test_what_was_mailed_is_not_mailed_again_when_the_mail_is_forgotten(school: School) -> None:
    tell(person(school))
    assert mails.gather(now=NOW) == 1
    OutgoingMail.objects.update(state=SendState.SENT, sent_at=NOW)
    later = NOW + retention.SENT + timedelta(days=1)
    assert retention.forget(now=later).mails == 1
    assert Notification.objects.get().mail is None
    assert mails.gather(now=later) == 0


def test_a_notice_in_a_mail_is_due_to_no_other(school: School) -> None:
    tell(person(school))
    mails.gather(now=NOW)
    with pytest.raises(IntegrityError, match="notice_mailed_once"):
        Notification.objects.update(mail_due_at=NOW)


def test_what_waits_for_an_endpoint_that_nobody_resumes_goes_too(school: School) -> None:
    by = UserFactory(school=school)
    delivery = given_up(school, by)
    WebhookDelivery.objects.update(state=SendState.FAILED)
    later = NOW + retention.SENT + timedelta(days=1)
    assert retention.forget(now=later).deliveries == 0
    delivery.endpoint.parked_at = NOW
    delivery.endpoint.save()
    assert retention.forget(now=later).deliveries == 1


def test_more_than_one_batch_goes(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    tell(*[person(school) for _index in range(5)])
    Notification.objects.update(read_at=NOW)
    assert retention.forget(now=NOW + timedelta(days=91)).notices == 5


def test_the_tasks_run_and_say_so() -> None:
    with clock.frozen(NOW):
        assert tasks.forget() == {"notices": 0, "mails": 0, "deliveries": 0, "rounds": 0}
        assert tasks.send_webhooks() == {"sent": 0, "failed": 0, "parked": 0}
        assert tasks.send_mail() == {"made": 0, "sent": 0, "failed": 0}
    names = {jobs.FORGET, jobs.SEND_WEBHOOKS, jobs.SEND_MAIL}
    assert set(TaskHealth.objects.filter(succeeded_at=NOW).values_list("name", flat=True)) == names
