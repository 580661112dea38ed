"""A student's corrections on their pages: from the mark in the history to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import CorrectionRequest, Session
from attendance.services import corrections
from core import clock
from tests.attendance.evidence import PDF, kept_files
from tests.attendance.leave_world import World
from tests.colleges import signed_in
from tests.factories import CorrectionFactory, StudentFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

PAGE, HISTORY = reverse("attendance:corrections"), reverse("attendance:history")
GOOD = {"requested_status": "present", "reason": "I sat in the last row"}


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def world() -> Iterator[World]:
    """The first class was held; the student was not seen in it."""
    with clock.frozen(STARTS + timedelta(hours=2)):
        world = World()
        world.hold(0)
        yield world


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.student.user)


def form_of(session: Session) -> str:
    return reverse("attendance:correction_ask", args=[session.pk])


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


class TestInTheHistory:
    def test_a_mark_can_be_said_to_be_wrong_while_the_days_last(self, world: World, client: Client) -> None:
        address = form_of(world.classes[0])
        for days, offered in ((7, True), (8, False)):
            with clock.frozen(STARTS + timedelta(days=days)):
                answer = client.get(HISTORY)
                (row,) = answer.context["rows"]
                assert row["correctable"] is offered
                assert (address in answer.content.decode()) is offered

    def test_what_waits_for_an_answer_is_not_asked_for_again(self, world: World, client: Client) -> None:
        CorrectionFactory(session=world.classes[0], student=world.student)
        (row,) = client.get(HISTORY).context["rows"]
        assert (row["correctable"], row["asked"]) == (False, True)

    def test_of_a_void_class_nothing_is_corrected(self, world: World, client: Client) -> None:
        Session.objects.filter(pk=world.classes[0].pk).update(status="void")
        (row,) = client.get(HISTORY).context["rows"]
        assert row["correctable"] is False

    def test_costs_the_same_for_one_class_as_for_three(self, world: World, client: Client) -> None:
        costs = []
        for day in (1, 2, 3):
            with clock.frozen(STARTS + timedelta(days=day, hours=2)):
                client.get(HISTORY)
                with CaptureQueriesContext(connection) as captured:
                    assert len(client.get(HISTORY).context["rows"]) == day
                costs.append(len(captured))
                world.hold(day)
        assert costs == [costs[0]] * 3
        assert costs[0] <= 12


class TestAsking:
    def test_the_form_shows_the_class_and_the_mark_and_offers_the_others(
        self, world: World, client: Client
    ) -> None:
        answer = client.get(form_of(world.classes[0]))
        text = answer.content.decode()
        assert world.section.course.title in text
        form = answer.context["form"]
        assert [value for value, _label in form.fields["requested_status"].widget.choices] == [
            "present",
            "late",
            "excused",
        ]
        assert form.initial["requested_status"] == "present"

    def test_sends_what_was_typed_with_its_evidence(self, world: World, client: Client) -> None:
        file = SimpleUploadedFile("bus ticket.pdf", PDF)
        answer = client.post(form_of(world.classes[0]), {**GOOD, "file": file}, follow=True)
        assert said(answer) == [("success", "Your request is sent. Here you see what becomes of it.")]
        asked = CorrectionRequest.objects.get()
        assert (asked.old_status, asked.requested_status, asked.reason, asked.file_name) == (
            "absent",
            "present",
            "I sat in the last row",
            "bus ticket.pdf",
        )
        assert (asked.requested_by, len(kept_files())) == (world.student.user, 1)
        assert [row["correction"] for row in answer.context["rows"]] == [asked]

    @pytest.mark.parametrize(
        ("changes", "field", "status", "text"),
        [
            ({"requested_status": "absent"}, "requested_status", 409, "is “Absent” already"),
            ({"requested_status": "asleep"}, "requested_status", 400, "not one of the available choices"),
            ({"reason": " "}, "reason", 400, "required"),
            ({"reason": "x" * 1001}, "reason", 400, "at most 1000"),
            ({"file": SimpleUploadedFile("a.pdf", b"MZ")}, "file", 400, "Only PDF, JPEG and PNG"),
        ],
    )
    def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(
        self, world: World, client: Client, changes: Any, field: str, status: int, text: str
    ) -> None:
        answer = client.post(form_of(world.classes[0]), {**GOOD, **changes})
        assert answer.status_code == status
        form = answer.context["form"]
        assert list(form.errors) == [field]
        assert text in form.errors[field][0]
        if field != "reason":
            assert "I sat in the last row" in answer.content.decode()
        assert answer.context["file_lost"] is ("file" in changes)
        assert not CorrectionRequest.objects.exists()

    def test_where_none_can_be_asked_for_the_page_says_so_instead_of_a_form(
        self, world: World, client: Client
    ) -> None:
        address = form_of(world.classes[0])
        with clock.frozen(STARTS + timedelta(days=8)):
            late = client.get(address)
        assert (late.status_code, late.context["form"]) == (409, None)
        assert "within 7 days of the class" in late.content.decode()

        future = client.get(form_of(world.classes[5]))
        assert (future.status_code, future.context["refusal"]) == (
            409,
            "Marks cannot be changed: the class is Scheduled.",
        )

        client.post(address, GOOD)
        again = client.post(address, GOOD)
        assert again.status_code == 409
        assert "already" in again.context["refusal"]
        assert CorrectionRequest.objects.count() == 1

    def test_another_class_of_the_school_is_forbidden_and_another_schools_is_not_there(
        self, world: World
    ) -> None:
        address = form_of(world.classes[0])
        assert signed_in(StudentFactory(school=world.section.school).user).get(address).status_code == 403
        assert signed_in(StudentFactory().user).get(address).status_code == 404
        assert signed_in(world.teacher).post(address, GOOD).status_code == 403


class TestTheList:
    def test_nothing_yet_says_where_to_begin(self, client: Client) -> None:
        text = client.get(PAGE).content.decode()
        assert "No corrections" in text
        assert HISTORY in text

    def test_shows_the_answer_and_what_may_still_be_taken_back(self, world: World, client: Client) -> None:
        world.hold(1)
        refused = CorrectionFactory(session=world.classes[0], student=world.student, requested_at=STARTS)
        corrections.reject(
            correction=refused, remarks="The <b>head count</b> says otherwise", by=world.teacher, now=STARTS
        )
        waiting = CorrectionFactory(session=world.classes[1], student=world.student)
        CorrectionFactory(session=world.classes[0], student=world.other)
        answer = client.get(PAGE)
        assert [(row["correction"], row["open"]) for row in answer.context["rows"]] == [
            (waiting, True),
            (refused, False),
        ]
        assert "The &lt;b&gt;head count&lt;/b&gt; says otherwise" in answer.content.decode()

    def test_taking_it_back(self, world: World, client: Client) -> None:
        asked = CorrectionFactory(session=world.classes[0], student=world.student)
        address = reverse("attendance:correction_cancel", args=[asked.pk])
        assert said(client.post(address, follow=True)) == [("success", "The correction is taken back.")]
        asked.refresh_from_db()
        assert asked.status == "cancelled"
        assert signed_in(world.other.user).post(address).status_code == 403

    def test_what_was_decided_meanwhile_cannot_be_taken_back(self, world: World, client: Client) -> None:
        asked = CorrectionFactory(session=world.classes[0], student=world.student)
        corrections.reject(correction=asked, by=world.teacher, now=STARTS)
        answer = client.post(reverse("attendance:correction_cancel", args=[asked.pk]), follow=True)
        assert said(answer) == [("error", "This cannot go from “Rejected” to “Cancelled”.")]

    def test_the_file_is_a_download_for_the_student_and_whoever_decides(
        self, world: World, client: Client
    ) -> None:
        client.post(form_of(world.classes[0]), {**GOOD, "file": SimpleUploadedFile("a.pdf", PDF)})
        address = reverse("attendance:correction_file", args=[CorrectionRequest.objects.get().pk])
        for who in (client, signed_in(world.teacher)):
            answer = who.get(address)
            assert answer.headers["Content-Disposition"] == 'attachment; filename="a.pdf"'
            assert b"".join(answer.streaming_content) == PDF  # type: ignore[attr-defined] # a FileResponse
        assert signed_in(world.other.user).get(address).status_code == 403

    def test_costs_the_same_for_one_request_as_for_three(self, world: World, client: Client) -> None:
        costs = []
        for day in range(3):
            if day:
                world.hold(day)
            CorrectionFactory(session=world.classes[day], student=world.student)
            client.get(PAGE)
            with CaptureQueriesContext(connection) as captured:
                assert len(client.get(PAGE).context["rows"]) == day + 1
            costs.append(len(captured))
        assert costs == [costs[0]] * 3
        assert costs[0] <= 12
