"""Administrators: made by the command and by other administrators."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import transaction

from accounts.errors import UsernameTaken
from accounts.models import User
from accounts.services import staff
from tests.factories import PASSWORD, SchoolFactory
from tests.races import Background


@pytest.mark.django_db(transaction=True)
def test_a_name_that_somebody_else_is_just_taking_is_taken(now: datetime) -> None:
    school = SchoolFactory()

    def make(name: str) -> User:
        return staff.create_admin(
            school=school, username="head", full_name=name, email="", password=PASSWORD, by=None, now=now
        )

    with transaction.atomic():
        first = make("First")
        second = Background().start_and_wait(lambda: make("Second"))

    assert isinstance(second.exception(), UsernameTaken), second
    assert User.objects.get(username="head") == first
