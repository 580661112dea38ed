"""Notices, mail and webhooks in Django admin: what the office sees, and what it sets going again."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import School, User
from notifications.enums import SendState
from notifications.models import Notification, OutgoingMail, WebhookDelivery, WebhookEndpoint
from notifications.services import mails
from tests.admin.pages import act, change, choose, entry, saved, url
from tests.conftest import NOW
from tests.factories import UserFactory
from tests.notifications.told import given_up, person, tell

pytestmark = pytest.mark.django_db


def test_a_webhook_is_made_and_its_secret_shown_once(office: Client, school: School) -> None:
    answer = office.post(
        url(WebhookEndpoint, "add"), {"url": "https://93.184.216.34/", "kinds": "absence"}, follow=True
    )
    (hook,) = WebhookEndpoint.objects.all()
    assert (hook.school, hook.kinds) == (school, ["absence"])
    said = " ".join(str(message) for message in answer.context["messages"])
    assert hook.secret in said
    assert hook.secret not in office.get(url(WebhookEndpoint, "change", hook.pk)).content.decode()
    assert entry("webhook.create").object_id == str(hook.pk)


def test_an_address_inside_is_refused_beside_its_field(office: Client) -> None:
    answer = office.post(url(WebhookEndpoint, "add"), {"url": "https://10.0.0.1/", "name": "Library"})
    form = answer.context["adminform"].form
    assert list(form.errors) == ["url"]
    assert form["name"].value() == "Library"


def test_a_webhook_is_changed_and_removed_by_its_services(office: Client, school: School) -> None:
    hook = given_up(school, UserFactory(school=school)).endpoint
    assert saved(change(office, hook, name="ERP"))
    assert entry("webhook.update").after == {"title": "ERP"}
    office.post(url(WebhookEndpoint, "delete", hook.pk), {"post": "yes"})
    assert not WebhookEndpoint.objects.exists()
    assert entry("webhook.remove")


def test_what_was_given_up_is_seen_and_set_going_again(office: Client, school: School) -> None:
    delivery = given_up(school, UserFactory(school=school))
    hook = delivery.endpoint
    assert act(office, WebhookDelivery, "send_again", delivery) == ["Done for 1."]
    WebhookEndpoint.objects.update(parked_at=NOW, failures=10)
    listed = office.get(url(WebhookEndpoint, "changelist"), {"parked_at__isempty": "0"})
    assert listed.context["cl"].result_count == 1
    assert act(office, WebhookEndpoint, "resume_webhooks", hook) == ["Done for 1."]
    hook.refresh_from_db()
    assert hook.is_sending
    assert act(office, WebhookEndpoint, "send_tests", hook) == ["Done for 1."]
    messages = choose(office, WebhookEndpoint, "rotate_secrets", hook).context["messages"]
    hook.refresh_from_db()
    assert hook.secret in str(next(iter(messages)))


def test_a_mail_that_was_given_up_is_sent_again(office: Client, school: School) -> None:
    tell(person(school))
    mails.gather(now=NOW)
    OutgoingMail.objects.update(state=SendState.PARKED)
    mail = OutgoingMail.objects.get()
    assert act(office, OutgoingMail, "send_again", mail) == ["Done for 1."]
    assert OutgoingMail.objects.get().state == SendState.WAITING


def test_that_somebody_was_told_is_seen_and_not_what(office: Client, school: School) -> None:
    tell(person(school, full_name="Asha Rao"))
    notice = Notification.objects.get()
    page = office.get(url(Notification, "change", notice.pk)).content.decode()
    assert "leave_decision" in page
    assert "2026-11-04" not in page
    assert User.objects.filter(full_name="Asha Rao").exists()
