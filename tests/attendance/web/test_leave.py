"""A student's leave on the pages: applying, following, changing, cancelling, and what is said of a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from attendance.models import LeaveApplication, LeaveSession
from attendance.services import leaves
from attendance.services.evidence import MOST_BYTES, Upload
from core import clock
from tests.attendance.leave_world import World
from tests.colleges import signed_in
from tests.factories import SectionFactory, SessionFactory, StudentFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

LIST = reverse("attendance:leave")
APPLY = reverse("attendance:leave_apply")
CLASSES = reverse("attendance:leave_classes")
PDF = b"%PDF-1.7 a doctor's note"


@pytest.fixture
def world() -> Iterator[World]:
    with clock.frozen(STARTS):
        yield World()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.student.user)


def typed(world: World, first: int = 0, last: int | None = None, **values: Any) -> dict[str, Any]:
    """What a student types for the days from one to another; without `last` for a single day."""
    return {
        "kind": "medical",
        "from_date": world.day(first).isoformat(),
        "to_date": "" if last is None else world.day(last).isoformat(),
        "reason": "fever",
        **values,
    }


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def address(name: str, leave: LeaveApplication) -> str:
    return reverse(f"attendance:{name}", args=[leave.pk])


class TestApplying:
    def test_for_several_days_with_a_file(self, world: World, client: Client) -> None:
        file = SimpleUploadedFile("note.pdf", PDF, "application/pdf")

        answer = client.post(APPLY, {**typed(world, 1, 3), "file": file}, follow=True)

        leave = LeaveApplication.objects.get()
        assert answer.redirect_chain == [(LIST, 302)]
        assert said(answer) == [("success", "Your application is sent. Here you see what becomes of it.")]
        assert (leave.student, leave.kind, leave.reason) == (world.student, "medical", "fever")
        assert (leave.from_date, leave.to_date, leave.partial) == (world.day(1), world.day(3), False)
        assert (leave.applied_by, leave.applied_at, leave.file_name) == (
            world.student.user,
            STARTS,
            "note.pdf",
        )

    def test_without_a_last_day_it_is_for_the_first_alone(self, world: World, client: Client) -> None:
        client.post(APPLY, typed(world, 2))
        leave = LeaveApplication.objects.get()
        assert (leave.from_date, leave.to_date) == (world.day(2), world.day(2))

    def test_for_some_classes_of_a_day(self, world: World, client: Client) -> None:
        client.post(APPLY, typed(world, 2, sessions=[str(world.classes[2].pk)]))
        assert LeaveApplication.objects.get().partial is True
        assert LeaveSession.objects.get().session == world.classes[2]

    def test_needs_the_token_of_the_form(self, world: World) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(world.student.user, backend="accounts.backends.CampusBackend")
        assert strict.post(APPLY, typed(world)).status_code == 403
        assert not LeaveApplication.objects.exists()


class TestClassesOfTheDay:
    def test_are_offered_once_a_single_day_is_chosen(self, world: World, client: Client) -> None:
        """The part that the page loads by itself when the day is chosen."""
        later = SessionFactory(
            section=world.section,
            starts_at=STARTS + timedelta(hours=2),
            teacher=world.classes[0].faculty.get(),
        )
        SessionFactory(starts_at=STARTS)  # another school's

        answer = client.get(CLASSES, {"from_date": world.day(0), "sessions": [str(later.pk)]})

        assert [(row["view"].id, row["ticked"]) for row in answer.context["classes"]] == [
            (world.classes[0].pk, False),
            (later.pk, True),
        ]
        assert "<html" not in answer.content.decode()

    @pytest.mark.parametrize(
        "days",
        [
            {},
            {"from_date": "2026-11-03", "to_date": "2026-11-04"},
            {"from_date": "yesterday"},
            {"from_date": "0001-01-01"},
            {"from_date": "9999-12-31"},
        ],
    )
    def test_are_not_offered_without_a_single_day(self, client: Client, days: dict[str, str]) -> None:
        answer = client.get(CLASSES, days)
        assert (answer.status_code, answer.context["day"], answer.context["classes"]) == (200, None, [])

    def test_a_day_without_classes_says_so(self, world: World, client: Client) -> None:
        answer = client.get(CLASSES, {"from_date": world.day(-3)})
        assert "No classes are planned on that day yet" in answer.content.decode()

    def test_without_a_script_a_button_shows_them_and_nothing_typed_is_lost_or_judged(
        self, world: World, client: Client
    ) -> None:
        answer = client.post(APPLY, typed(world, 1, kind="on_duty", reason="", show_classes="1"))

        page = answer.content.decode()
        assert answer.status_code == 200
        assert [row["view"].id for row in answer.context["classes"]] == [world.classes[1].pk]
        assert f'value="{world.day(1).isoformat()}"' in page
        assert '<option value="on_duty" selected>' in page
        assert not answer.context["form"].errors
        assert not LeaveApplication.objects.exists()

    def test_the_button_says_that_the_file_has_to_be_chosen_again(self, world: World, client: Client) -> None:
        file = SimpleUploadedFile("note.pdf", PDF)
        answer = client.post(APPLY, {**typed(world), "show_classes": "1", "file": file})
        assert "Choose the file again" in answer.content.decode()


class TestRefusals:
    """Each stands beside its field, and the form comes back with what was typed."""

    def refused(self, client: Client, values: dict[str, Any], status: int = 400, url: str = APPLY) -> Any:
        before = LeaveApplication.objects.count()
        answer = client.post(url, values)
        assert answer.status_code == status
        assert LeaveApplication.objects.count() == before
        form = answer.context["form"]
        for name in ("kind", "from_date", "to_date", "reason"):
            assert form[name].value() == values[name]
        return answer

    def test_days_that_are_taken(self, world: World, client: Client) -> None:
        world.leave(1, 3)
        answer = self.refused(client, typed(world, 3, 4), 409)
        (text,) = answer.context["form"].errors["from_date"]
        assert text.startswith("There is a leave from 2026-11-04 to 2026-11-06 already.")
        assert 'id="id_from_date_error"' in answer.content.decode()

    def test_a_class_that_is_not_theirs(self, world: World, client: Client) -> None:
        stranger = SessionFactory(
            section=SectionFactory(school=world.section.school), starts_at=STARTS + timedelta(hours=3)
        )
        chosen = [str(world.classes[0].pk), str(stranger.pk)]
        answer = self.refused(client, typed(world, sessions=chosen))
        assert answer.context["form"].errors["sessions"] == [
            f"One of these classes is not the student's, or not on {world.day(0)}."
        ]
        page = answer.content.decode()
        assert 'id="id_sessions_error"' in page
        # The one that can be chosen is still ticked.
        assert [row["ticked"] for row in answer.context["classes"]] == [True]

    def test_too_many_days(self, world: World, client: Client) -> None:
        answer = self.refused(client, typed(world, 0, 200))
        assert answer.context["form"].errors["to_date"] == ["At most 200 days at a time."]

    def test_a_last_day_before_the_first(self, world: World, client: Client) -> None:
        answer = self.refused(client, typed(world, 3, 1))
        assert answer.context["form"].errors["to_date"] == ["The last day lies before the first."]

    def test_single_classes_of_several_days(self, world: World, client: Client) -> None:
        answer = self.refused(client, typed(world, 0, 1, sessions=[str(world.classes[0].pk)]))
        assert answer.context["form"].errors["sessions"] == ["Leave for single classes is for one day."]

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            (b"%PDF-" + b"x" * MOST_BYTES, "The file may have 4 MB at most."),
            (b"MZ\x90\x00 a program", "Only PDF, JPEG and PNG files can be attached."),
            (b"", "The submitted file is empty."),
        ],
    )
    def test_a_file_that_is_too_large_of_another_kind_or_empty(
        self, world: World, client: Client, content: bytes, text: str
    ) -> None:
        file = SimpleUploadedFile("note.pdf", content, "application/pdf")
        answer = self.refused(client, {**typed(world), "file": file})
        assert answer.context["form"].errors["file"] == [text]
        assert "Choose the file again" in answer.content.decode()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("kind", "holiday"),
            ("kind", ""),
            ("from_date", "31-31-2026"),
            ("from_date", "0001-01-01"),
            ("to_date", "9999-12-31"),
            ("reason", ""),
            ("reason", "x" * 1001),
            ("reason", "a\0b"),
        ],
    )
    def test_what_no_application_can_be(self, world: World, client: Client, field: str, value: str) -> None:
        answer = self.refused(client, {**typed(world), field: value})
        assert field in answer.context["form"].errors

    @pytest.mark.parametrize("ident", ["not-an-id", "00000000-0000-7000-8000-000000000000"])
    def test_a_class_that_does_not_exist(self, world: World, client: Client, ident: str) -> None:
        answer = self.refused(client, typed(world, sessions=[ident]))
        assert "sessions" in answer.context["form"].errors

    def test_a_file_alone_is_not_said_to_be_lost_when_there_was_none(
        self, world: World, client: Client
    ) -> None:
        answer = self.refused(client, typed(world, reason=""))
        assert "Choose the file again" not in answer.content.decode()


class TestFollowing:
    def test_nothing_yet_says_what_to_do(self, client: Client) -> None:
        page = client.get(LIST).content.decode()
        assert "No leave yet" in page
        assert APPLY in page

    def test_shows_the_newest_first_with_state_dates_and_remarks(self, world: World, client: Client) -> None:
        world.hold(0)
        world.hold(1, "late")
        world.hold(2)
        leaves.approve(
            leave=world.leave(0, 2), remarks="Get well", by=world.office, now=STARTS + timedelta(hours=1)
        )
        world.leave(5, now=STARTS + timedelta(hours=2), reason="<b>tooth</b>")
        page = client.get(LIST)
        first, second = page.context["rows"]
        text = page.content.decode()

        assert (first["leave"].status, first["open"]) == ("pending", True)
        assert (second["leave"].status, second["open"], second["made"]) == ("approved", False, 2)
        assert "Sun 8 Nov 2026" in text
        assert "Tue 3 Nov</time> – " in text
        assert "2 absences excused" in text
        assert "Get well" in text
        assert world.office.full_name in text
        assert "&lt;b&gt;tooth&lt;/b&gt;" in text
        for status, shape in (("pending", "clock"), ("approved", "check")):
            badge = text[text.index(f'data-request-status="{status}"') :][:200]
            assert f"#{shape}" in badge

    def test_names_the_classes_of_a_leave_for_some(self, world: World, client: Client) -> None:
        world.leave(1, only=[world.classes[1]])
        text = client.get(LIST).content.decode()
        assert "09:00" in text
        assert world.section.course.title in text

    def test_shows_nobody_elses(self, world: World) -> None:
        world.leave(0)
        assert signed_in(world.other.user).get(LIST).context["rows"] == []

    def test_costs_the_same_for_one_application_as_for_three(self, world: World, client: Client) -> None:
        costs = []
        for days in ((0,), (1, 2)):
            for day in days:
                world.leave(day, only=[world.classes[day]])
            client.get(LIST)
            with CaptureQueriesContext(connection) as captured:
                client.get(LIST)
            costs.append(len(captured))
        assert costs[0] == costs[1]
        assert costs[1] <= 8

    def test_home_leads_there(self, client: Client) -> None:
        page = client.get("/").content.decode()
        assert APPLY in page
        assert f'href="{LIST}"' in page


class TestChangingAndCancelling:
    def test_the_form_shows_what_was_asked_for(self, world: World, client: Client) -> None:
        leave = world.leave(1, only=[world.classes[1]], upload=Upload("note.pdf", PDF))
        page = client.get(address("leave_change", leave))
        form = page.context["form"]
        assert (form["kind"].value(), form["reason"].value()) == ("medical", "fever")
        assert form["from_date"].value() == world.day(1)
        assert [row["ticked"] for row in page.context["classes"]] == [True]
        assert "note.pdf is attached" in page.content.decode()

    def test_changes_what_is_pending_and_keeps_its_file(self, world: World, client: Client) -> None:
        leave = world.leave(1, only=[world.classes[1]], upload=Upload("note.pdf", PDF))
        answer = client.post(
            address("leave_change", leave), typed(world, 2, 4, kind="casual", reason="a wedding")
        )
        assert answer["Location"] == LIST
        leave.refresh_from_db()
        assert (leave.kind, leave.from_date, leave.to_date) == ("casual", world.day(2), world.day(4))
        assert (leave.reason, leave.partial, leave.file_name) == ("a wedding", False, "note.pdf")
        assert not LeaveSession.objects.exists()

    def test_a_refused_change_shows_what_was_typed_and_changes_nothing(
        self, world: World, client: Client
    ) -> None:
        world.leave(5)
        leave = world.leave(1)
        answer = client.post(address("leave_change", leave), typed(world, 5, reason="other words"))
        assert answer.status_code == 409
        assert "from_date" in answer.context["form"].errors
        assert answer.context["form"]["reason"].value() == "other words"
        leave.refresh_from_db()
        assert (leave.from_date, leave.reason) == (world.day(1), "fever")

    def test_a_decided_one_is_not_changed(self, world: World, client: Client) -> None:
        leave = world.approved(1).leave
        for answer in (
            client.get(address("leave_change", leave), follow=True),
            client.post(address("leave_change", leave), typed(world, 2), follow=True),
        ):
            assert answer.redirect_chain == [(LIST, 302)]
            assert said(answer) == [("error", "This application is decided and cannot be changed any more.")]
        leave.refresh_from_db()
        assert leave.from_date == world.day(1)

    def test_cancels_what_is_pending(self, world: World, client: Client) -> None:
        leave = world.leave(1)
        answer = client.post(address("leave_cancel", leave), follow=True)
        assert said(answer) == [("success", "The application is cancelled.")]
        leave.refresh_from_db()
        assert leave.status == "cancelled"

    def test_what_is_approved_cannot_be_cancelled_and_the_page_says_so(
        self, world: World, client: Client
    ) -> None:
        leave = world.approved(1).leave
        answer = client.post(address("leave_cancel", leave), follow=True)
        assert said(answer) == [("error", "This cannot go from “Approved” to “Cancelled”.")]
        assert address("leave_cancel", leave) not in answer.content.decode()

    @pytest.mark.parametrize("name", ["leave_change", "leave_cancel", "leave_file"])
    def test_another_students_is_forbidden_and_another_schools_is_not_there(
        self, world: World, name: str
    ) -> None:
        leave = world.leave(1, upload=Upload("note.pdf", PDF))
        for user, status in ((world.other.user, 403), (StudentFactory().user, 404)):
            client = signed_in(user)
            ask = client.get if name == "leave_file" else client.post
            assert ask(address(name, leave), typed(world)).status_code == status
        leave.refresh_from_db()
        assert leave.status == "pending"


class TestTheFile:
    def test_is_a_download_and_never_a_page(self, world: World, client: Client) -> None:
        leave = world.leave(1, upload=Upload("note.pdf", PDF))
        answer: Any = client.get(address("leave_file", leave))
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Disposition"] == 'attachment; filename="note.pdf"'
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer["Cache-Control"] == "private, no-store"

    def test_is_not_there_where_none_was_attached(self, world: World, client: Client) -> None:
        assert client.get(address("leave_file", world.leave(1))).status_code == 404

    def test_whoever_decides_reads_it_too(self, world: World) -> None:
        leave = world.leave(1, upload=Upload("note.pdf", PDF))
        assert signed_in(world.office).get(address("leave_file", leave)).status_code == 200
        assert signed_in(world.teacher).get(address("leave_file", leave)).status_code == 403
