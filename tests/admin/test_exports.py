"""Exports in Django admin: the office sees who takes out what and stops it, and gets at nobody's file."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from attendance.models import ExportJob, Session
from tests.admin.pages import act, url
from tests.factories import ExportJobFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_the_office_sees_those_of_its_school_and_cancels_them(
    office: Client, session: Session, now: datetime
) -> None:
    job = ExportJobFactory(requested_by=UserFactory(school=session.school, full_name="Lakshmi Rao"))
    ExportJobFactory(requested_by=UserFactory(full_name="Somebody Else"))

    text = office.get(url(ExportJob, "changelist")).content.decode()
    assert ("Lakshmi Rao" in text, "Somebody Else" in text) == (True, False)
    assert act(office, ExportJob, "cancel_exports", job) == ["Done for 1."]
    job.refresh_from_db()
    assert job.state == "cancelled"
    (refused,) = act(office, ExportJob, "cancel_exports", job)
    assert "cannot go from" in refused


def test_the_way_to_the_file_is_not_shown(office: Client, session: Session) -> None:
    job = ExportJobFactory(requested_by=UserFactory(school=session.school))
    text = office.get(url(ExportJob, "change", job.pk)).content.decode()
    assert "exports/" not in text.partition('id="content"')[2].replace("/exportjob/", "")
