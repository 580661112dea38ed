"""Condonation on a student's pages: who is offered it, the form, and how far an application has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import AttendanceStatistics, CondonationRequest
from attendance.services import condonations
from core import clock
from tests.attendance.evidence import PDF
from tests.colleges import College, make_college, signed_in
from tests.factories import CondonationFactory, SectionFactory

pytestmark = pytest.mark.django_db

PAGE, FORM = reverse("attendance:condonation"), reverse("attendance:condonation_apply")
HISTORY = reverse("attendance:history")


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def college(now: datetime) -> Iterator[College]:
    """The first student has 14 of 20 classes: 70 %, between the floor of 65 and the threshold of 75."""
    with clock.frozen(now):
        college = make_college()
        keep(college, college.section, present=14)
        yield college


def keep(college: College, section: Any, *, present: int) -> None:
    AttendanceStatistics.objects.create(
        student=college.students[0], course=section.course, term=section.term, school=college.school,
        held=20, present=present, absent=20 - present, updated_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def client(college: College) -> Client:
    return signed_in(college.user("student"))


def typed(college: College, **changes: Any) -> dict[str, Any]:
    return {"course": college.section.course_id, "reason": "Dengue", "fee_reference": "SBI-4711", **changes}


def another(college: College, *, present: int) -> Any:
    """One more course of the same term."""
    section = SectionFactory(school=college.school, term=college.section.term)
    keep(college, section, present=present)
    return section


class TestInTheHistory:
    def test_a_course_between_floor_and_threshold_offers_it(self, college: College, client: Client) -> None:
        clear = another(college, present=15)
        for section, offered in ((college.section, True), (clear, False)):
            answer = client.get(HISTORY, {"course": section.course.code})
            assert answer.context["condonable"] is offered
            assert (f"{FORM}?course={section.course.code}" in answer.content.decode()) is offered
        assert client.get(HISTORY).context["condonable"] is False

    def test_once_asked_for_it_shows_how_that_stands(self, college: College, client: Client) -> None:
        asked = CondonationFactory(section=college.section, student=college.students[0])
        answer = client.get(HISTORY, {"course": college.section.course.code})
        assert answer.context["condonation"] == asked
        assert f"{FORM}?course=" not in answer.content.decode()


class TestApplying:
    def test_the_form_offers_the_courses_in_which_one_may(self, college: College, client: Client) -> None:
        second, _clear, _short = (another(college, present=n) for n in (13, 15, 12))
        CondonationFactory(section=another(college, present=14), student=college.students[0])
        answer = client.get(FORM, {"course": second.course.code})
        field = answer.context["form"].fields["course"]
        assert sorted(field.widget.choices) == sorted(
            [
                (college.section.course_id, f"{college.section.course.title} · 70.00 %"),
                (second.course_id, f"{second.course.title} · 65.00 %"),
            ]
        )
        assert answer.context["form"].initial == {"course": second.course_id}

    def test_sends_what_was_typed_with_its_evidence(self, college: College, client: Client) -> None:
        file = SimpleUploadedFile("discharge.pdf", PDF)
        answer = client.post(FORM, typed(college, file=file), follow=True)
        asked = CondonationRequest.objects.get()
        assert (asked.course, asked.reason, asked.fee_reference, asked.file_name, str(asked.percentage)) == (
            college.section.course,
            "Dengue",
            "SBI-4711",
            "discharge.pdf",
            "70.00",
        )
        (row,) = answer.context["rows"]
        assert (row["condonation"], [step["at"] is not None for step in row["way"]]) == (
            asked,
            [True, False, False],
        )

    def test_a_refusal_stands_beside_its_field(self, college: College, client: Client) -> None:
        clear = another(college, present=15)
        taken = another(college, present=14)
        CondonationFactory(section=taken, student=college.students[0])
        for changes, status, field, text in (
            ({"course": clear.course_id}, 409, "course", "Condonation is for a percentage from 65"),
            ({"course": taken.course_id}, 409, "course", "already"),
            ({"course": "x"}, 400, "course", "valid choice"),
            ({"reason": ""}, 400, "reason", "required"),
            ({"fee_reference": "x" * 61}, 400, "fee_reference", "at most 60"),
            ({"file": SimpleUploadedFile("a.png", b"GIF89a")}, 400, "file", "Only PDF"),
        ):
            answer = client.post(FORM, typed(college, **changes))
            assert (answer.status_code, list(answer.context["form"].errors)) == (status, [field])
            assert text in answer.context["form"].errors[field][0]
        assert CondonationRequest.objects.count() == 1

    def test_without_such_a_course_the_page_says_who_may(self, college: College, client: Client) -> None:
        AttendanceStatistics.objects.update(present=20, absent=0)
        text = client.get(FORM).content.decode()
        assert "65 % or more, but less than 75 %" in text
        assert "<select" not in text.split("<main")[1]
        assert "Nothing to condone" in client.get(PAGE).content.decode()


class TestTheList:
    def test_shows_how_far_each_has_come(self, college: College, client: Client, now: datetime) -> None:
        asked = CondonationFactory(section=college.section, student=college.students[0])

        def way() -> list[tuple[str, bool]]:
            (row,) = client.get(PAGE).context["rows"]
            return [(str(step["label"]), step["at"] is not None) for step in row["way"]]

        assert way() == [("applied", True), ("recommended", False), ("approved", False)]
        condonations.recommend(condonation=asked, remarks="I saw the papers", by=college.head, now=now)
        assert way() == [("applied", True), ("recommended", True), ("approved", False)]
        assert "I saw the papers" in client.get(PAGE).content.decode()
        condonations.approve(condonation=asked, by=college.admin, now=now)
        assert way() == [("applied", True), ("recommended", True), ("approved", True)]

    def test_what_was_refused_has_no_way_but_a_reason(
        self, college: College, client: Client, now: datetime
    ) -> None:
        asked = CondonationFactory(section=college.section, student=college.students[0])
        condonations.reject(condonation=asked, remarks="Fee not paid", by=college.admin, now=now)
        answer = client.get(PAGE)
        assert answer.context["rows"][0]["way"] == []
        assert "Fee not paid" in answer.content.decode()
        assert [course.course_id for course in answer.context["courses"]] == [college.section.course_id]

    def test_taking_it_back_and_reading_its_file(self, college: College, client: Client) -> None:
        client.post(FORM, typed(college, file=SimpleUploadedFile("a.pdf", PDF)))
        asked = CondonationRequest.objects.get()
        file = reverse("attendance:condonation_file", args=[asked.pk])
        assert [
            signed_in(user).get(file).status_code
            for user in (college.user("student"), college.head, college.admin, college.teacher)
        ] == [200, 200, 200, 403]
        cancel = reverse("attendance:condonation_cancel", args=[asked.pk])
        assert signed_in(college.students[1].user).post(cancel).status_code == 403
        assert client.post(cancel)["Location"] == PAGE
        asked.refresh_from_db()
        assert asked.status == "cancelled"

    def test_costs_the_same_for_one_application_as_for_three(self, college: College, client: Client) -> None:
        costs = []
        for number in range(3):
            CondonationFactory(section=another(college, present=14), student=college.students[0])
            client.get(PAGE)
            with CaptureQueriesContext(connection) as captured:
                assert len(client.get(PAGE).context["rows"]) == number + 1
            costs.append(len(captured))
        assert costs == [costs[0]] * 3
        assert costs[0] <= 12
