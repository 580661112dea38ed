"""What people choose, where they can go, and what is tidied up behind them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from accounts import context, navigation, tasks
from accounts.enums import Role
from accounts.models import RefreshFamily, User
from accounts.services import preferences, tokens
from audit.models import AuditEntry
from core import clock
from core.errors import Invalid
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_language_is_saved_with_an_entry_and_only_when_it_changes(now: datetime) -> None:
    user = UserFactory()
    for _ in range(2):
        preferences.set_language(language="te", by=user, now=now)

    assert User.objects.get(pk=user.pk).language == "te"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id, entry.school_id) == ("user.update", user.pk, user.school_id)
    assert (entry.before, entry.after) == ({"language": ""}, {"language": "te"})


def test_language_that_we_do_not_speak_is_refused(now: datetime) -> None:
    user = UserFactory(language="hi")
    with pytest.raises(Invalid) as refusal:
        preferences.set_language(language="tlh", by=user, now=now)

    assert refusal.value.attr == "language"
    assert User.objects.get(pk=user.pk).language == "hi"


@pytest.mark.parametrize("role", Role)
def test_no_page_stands_twice_and_the_bar_has_room_for_more(role: Role) -> None:
    user = UserFactory.build(role=role, school=None)
    bar, more = list(navigation.items_for(user, "/")), list(navigation.more_for(user, "/"))

    assert len(bar) <= 4
    assert len({item.url for item in [*bar, *more]}) == len(bar) + len(more)
    assert all(item.about for item in more)


def test_what_is_behind_more_is_listed_on_its_page(client: Client) -> None:
    client.force_login(UserFactory(role=Role.ADMIN))
    page = client.get("/more/").content.decode()

    assert page.count('href="/configuration/"') == 2
    assert "what counts as late" in page


@pytest.mark.parametrize("role", [role for role in Role if role != Role.INTEGRATOR])
def test_every_role_has_a_home_that_is_marked_as_current_there(role: Role) -> None:
    items = list(navigation.items_for(UserFactory.build(role=role, school=None), "/"))

    assert [item.url for item in items if item.current] == ["/"]
    assert len({item.url for item in items}) == len(items)


def test_page_below_a_place_belongs_to_it() -> None:
    admin = UserFactory.build(role=Role.ADMIN, school=None)

    items = list(navigation.items_for(admin, "/admin/academics/student/"))
    assert [item.url for item in items if item.current] == ["/admin/"]


def test_every_page_knows_the_person_and_their_school() -> None:
    user = UserFactory(role=Role.STUDENT, full_name="Asha Rao")
    request = RequestFactory().get("/scan/")
    request.user = user
    known = context.page(request)

    assert known["display_name"] == "Asha Rao"
    assert known["school"] == user.school
    assert [item.url for item in known["nav"] if item.current] == ["/scan/"]


@pytest.mark.parametrize("user", [AnonymousUser(), None])
def test_page_without_a_person_knows_nobody(user: AnonymousUser | None) -> None:
    request = RequestFactory().get("/")
    if user is not None:
        request.user = user
    known = context.page(request)

    assert (known["display_name"], list(known["nav"]), list(known["more"])) == ("", [], [])
    assert not known["school"]


def test_old_sign_ins_are_forgotten_by_the_nightly_task(now: datetime) -> None:
    tokens.issue(user=UserFactory(), now=now)
    tokens.issue(user=UserFactory(), now=now + timedelta(days=30))
    with clock.frozen(now + timedelta(days=38)):
        tasks.forget_sign_ins()

    assert RefreshFamily.objects.count() == 1
