"""Approvals: what waits for whom, what a decision would change and did change, one by one and many at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from attendance.models import LeaveApplication
from attendance.selectors.leaves import LeaveEffect, effects
from attendance.services import leaves
from attendance.services.evidence import Upload
from core import clock
from tests.attendance.leave_world import World
from tests.colleges import signed_in
from tests.factories import DepartmentFactory, StudentFactory, UserFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

PAGE = reverse("attendance:approvals")
CHOSEN = reverse("attendance:leave_approve_chosen")


@pytest.fixture
def world() -> Iterator[World]:
    with clock.frozen(STARTS):
        yield World()


@pytest.fixture
def office(world: World) -> Client:
    return signed_in(world.office)


def address(name: str, leave: LeaveApplication) -> str:
    return reverse(f"attendance:leave_{name}", args=[leave.pk])


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def listed(answer: Any) -> list[LeaveApplication]:
    return [row["leave"] for row in answer.context["rows"]]


def status(leave: LeaveApplication) -> str:
    leave.refresh_from_db()
    return leave.status


def in_charge(world: World) -> User:
    """The teacher, who is in charge of the section and so decides."""
    world.section.faculty = world.classes[0].faculty.get()
    world.section.save()
    return world.teacher


class TestWhatIsListed:
    def test_who_waits_longest_comes_first(self, world: World, office: Client) -> None:
        later = world.leave(1, now=STARTS + timedelta(minutes=5))
        first = world.leave(3)
        assert listed(office.get(PAGE)) == [first, later]

    def test_an_application_is_shown_with_all_that_one_has_to_know(
        self, world: World, office: Client
    ) -> None:
        leave = world.leave(
            1, only=[world.classes[1]], reason="<i>tooth</i>", upload=Upload("note.pdf", b"%PDF-1.7")
        )
        text = office.get(PAGE).content.decode()
        for part in (
            world.student.user.full_name,
            world.student.enrollment_no,
            "Wed 4 Nov 2026",
            "Medical",
            "09:00",
            world.section.course.title,
            "&lt;i&gt;tooth&lt;/i&gt;",
            address("file", leave),
            "No absence to change so far.",
        ):
            assert part in text

    def test_faculty_see_those_on_which_they_decide(self, world: World) -> None:
        leave = world.leave(1)
        client = signed_in(world.teacher)
        assert listed(client.get(PAGE)) == []
        in_charge(world)
        assert listed(client.get(PAGE)) == [leave]

    def test_the_head_of_the_students_department_sees_it(self, world: World) -> None:
        leave = world.leave(1)
        world.student.department = DepartmentFactory(
            school=world.section.school, head=world.classes[0].faculty.get()
        )
        world.student.save()
        assert listed(signed_in(world.teacher).get(PAGE)) == [leave]

    def test_what_one_asked_for_oneself_waits_for_others(self, world: World, office: Client) -> None:
        leave = world.leave(1, by=world.office)
        assert listed(office.get(PAGE)) == []
        assert listed(signed_in(UserFactory(school=world.section.school)).get(PAGE)) == [leave]

    def test_nothing_waiting_says_so(self, office: Client) -> None:
        assert "Nothing is waiting" in office.get(PAGE).content.decode()

    def test_another_schools_are_not_there(self, world: World) -> None:
        world.leave(1)
        assert listed(signed_in(UserFactory()).get(PAGE)) == []

    def test_an_operator_sees_one_school_at_a_time(self, world: World) -> None:
        mine = world.leave(1)
        other = World()
        theirs = other.leave(1)
        client = signed_in(UserFactory(school=None, role=Role.SUPERUSER))
        assert listed(client.get(PAGE)) == [mine]
        assert listed(client.get(PAGE, {"school": other.section.school.code})) == [theirs]

    @pytest.mark.parametrize("role", [Role.STUDENT, Role.INTEGRATOR])
    def test_it_is_for_those_who_decide(self, world: World, role: Role) -> None:
        user = world.student.user if role == Role.STUDENT else UserFactory(role=role)
        client = signed_in(user)
        assert client.get(PAGE).status_code == 403
        assert client.post(CHOSEN, {"leaves": []}).status_code == 403

    def test_the_state_filters(self, world: World, office: Client) -> None:
        waiting, approved = world.leave(1), world.approved(2).leave
        cancelled = leaves.cancel(leave=world.leave(3), by=world.student.user, now=STARTS).leave
        for state, found in (
            ("", [waiting]),
            ("nonsense", [waiting]),
            ("pending", [waiting]),
            ("approved", [approved]),
            ("rejected", []),
            ("cancelled", [cancelled]),
        ):
            assert listed(office.get(PAGE, {"state": state})) == found

    def test_what_was_decided_lately_stands_below(self, world: World, office: Client) -> None:
        approved = world.approved(2).leave
        answer = office.get(PAGE)
        assert [row["leave"] for row in answer.context["recent"]] == [approved]
        assert address("revoke", approved) in answer.content.decode()

    def test_twelve_stand_on_a_page(self, world: World, office: Client) -> None:
        for day in range(14):
            world.leave(day, now=STARTS + timedelta(minutes=day))
        assert len(listed(office.get(PAGE))) == 12
        assert len(listed(office.get(PAGE, {"page": 2}))) == 2

    def test_costs_the_same_for_one_application_as_for_three(self, world: World, office: Client) -> None:
        def waiting(day: int) -> None:
            world.hold(day)
            world.leave(day, only=[world.classes[day]])

        def decided(day: int) -> None:
            world.approved(day, only=[world.classes[day]])

        costs = []
        for days in ((0, 5), (1, 6), (2, 7)):
            waiting(days[0])
            decided(days[1])
            office.get(PAGE)
            with CaptureQueriesContext(connection) as captured:
                assert len(listed(office.get(PAGE))) == len(costs) + 1
            costs.append(len(captured))
        assert costs == [costs[0]] * 3
        assert costs[0] <= 10


class TestNavigation:
    def badge(self, client: Client) -> list[str]:
        items = client.get("/").context["nav"]
        return [str(item.waiting) for item in items if item.url == PAGE]

    def test_says_how_many_wait_for_this_person(self, world: World, office: Client) -> None:
        assert self.badge(office) == ["0"]
        world.leave(1)
        world.leave(2, by=world.office)
        assert self.badge(office) == ["1"]
        assert "1 is waiting" in office.get("/").content.decode()
        assert self.badge(signed_in(world.teacher)) == ["0"]
        assert self.badge(signed_in(in_charge(world))) == ["2"]

    def test_students_have_leave_there_and_no_approvals(self, world: World) -> None:
        client = signed_in(world.student.user)
        assert self.badge(client) == []
        assert reverse("attendance:leave") in [item.url for item in client.get("/").context["nav"]]


class TestWhatADecisionWouldChange:
    def test_is_told_before_and_is_what_happens(self, world: World) -> None:
        """Held are five: twice absent, once late, once absent and locked, once absent in a void class."""
        world.hold(0)
        world.hold(1, "late")
        world.hold(2)
        world.hold(3)
        world.lock(3)
        world.hold(4)
        world.classes[4].status = "void"
        world.classes[4].save()
        world.hold(9)
        leave = world.leave(0, 8)
        (row,) = signed_in(in_charge(world)).get(PAGE).context["rows"]
        assert (row["changes"], row["locked"]) == (2, 1)
        (row,) = signed_in(world.office).get(PAGE).context["rows"]
        assert (row["changes"], row["locked"]) == (3, 0)

        outcome = leaves.approve(leave=leave, by=world.teacher, now=STARTS)

        assert (outcome.changed, outcome.locked) == (2, 1)
        assert effects([leave]) == {leave.pk: LeaveEffect(absences=0, locked=1, made=2)}

    def test_of_single_classes_only_those_count(self, world: World) -> None:
        world.hold(0)
        leave = world.leave(0, only=[world.classes[0]])
        assert effects([leave]) == {leave.pk: LeaveEffect(absences=1)}
        elsewhere = world.leave(1, only=[world.classes[1]])
        assert effects([elsewhere]) == {}

    def test_nothing_is_asked_of_no_leaves(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert effects([]) == {}


class TestDeciding:
    def test_approving_says_what_it_changed(self, world: World, office: Client) -> None:
        world.hold(0)
        world.hold(1)
        leave = world.leave(0, 1)
        answer = office.post(address("approve", leave), follow=True)
        assert said(answer) == [
            ("success", f"{world.student.user.full_name}: leave approved. 2 marks changed.")
        ]
        assert (status(leave), world.statuses()) == ("approved", {0: "excused", 1: "excused"})

    def test_what_is_locked_is_told_to_faculty(self, world: World) -> None:
        world.hold(0)
        world.lock(0)
        answer = signed_in(in_charge(world)).post(address("approve", world.leave(0)), follow=True)
        ((level, text),) = said(answer)
        assert level == "success"
        assert "1 mark stays because its class is locked" in text

    def test_what_stayed_locked_is_changed_by_the_office_afterwards(
        self, world: World, office: Client
    ) -> None:
        world.hold(0)
        world.lock(0)
        leave = world.leave(0)
        client = signed_in(in_charge(world))
        client.post(address("approve", leave))
        assert client.get(PAGE).context["recent"][0]["may_finish"] is False
        assert world.statuses() == {0: "absent"}

        assert "Change 1 absence of a locked class" in office.get(PAGE).content.decode()
        answer = office.post(address("approve", leave), follow=True)

        assert world.statuses() == {0: "excused"}
        assert answer.context["recent"][0]["may_finish"] is False

    def test_rejecting_needs_a_word_which_the_page_asks_for_in_place(
        self, world: World, office: Client
    ) -> None:
        leave, other = world.leave(1), world.leave(2)
        answer = office.post(address("reject", leave), {"remarks": "  "})
        assert answer.status_code == 400
        forms = {row["leave"]: row["remarks"] for row in answer.context["rows"]}
        assert forms[leave].errors["remarks"] == ["Say why: this change needs a reason."]
        assert not forms[other].errors
        assert f'id="leave-{leave.pk}-remarks_error"' in answer.content.decode()
        assert answer.content.decode().count('<details class="ch-ask" open>') == 1
        assert status(leave) == "pending"

    def test_words_that_are_too_many_come_back(self, world: World, office: Client) -> None:
        leave = world.leave(1)
        answer = office.post(address("reject", leave), {"remarks": "x" * 501})
        assert answer.status_code == 400
        assert "x" * 501 in answer.content.decode()
        assert status(leave) == "pending"

    def test_rejecting_tells_the_student_why(self, world: World, office: Client) -> None:
        leave = world.leave(1)
        answer = office.post(address("reject", leave), {"remarks": "examination day"}, follow=True)
        assert said(answer) == [("success", f"{world.student.user.full_name}: leave rejected.")]
        assert status(leave) == "rejected"
        page = signed_in(world.student.user).get(reverse("attendance:leave"))
        assert "examination day" in page.content.decode()

    def test_revoking_takes_back_what_the_leave_made(self, world: World, office: Client) -> None:
        world.hold(0)
        leave = world.approved(0).leave
        url = address("revoke", leave)
        assert office.post(url, {"remarks": ""}).status_code == 400
        answer = office.post(url, {"remarks": "the note was forged"}, follow=True)
        assert said(answer) == [
            ("success", f"{world.student.user.full_name}: approval revoked. 1 mark changed.")
        ]
        assert (status(leave), world.statuses()) == ("revoked", {0: "absent"})

    def test_a_decision_that_cannot_be_is_said(self, world: World, office: Client) -> None:
        leave = world.approved(0).leave
        answer = office.post(address("reject", leave), {"remarks": "no"}, follow=True)
        assert said(answer) == [("error", "This cannot go from “Approved” to “Rejected”.")]

    def test_nobody_decides_what_they_asked_for(self, world: World, office: Client) -> None:
        leave = world.leave(1, by=world.office)
        answer = office.post(address("approve", leave), follow=True)
        assert said(answer) == [("error", "Somebody else has to decide this: you asked for it yourself.")]
        assert status(leave) == "pending"

    def test_leads_back_to_the_list_as_it_was(self, world: World, office: Client) -> None:
        leave = world.leave(1)
        answer = office.post(address("approve", leave) + "?page=2&state=pending")
        assert answer["Location"] == f"{PAGE}?page=2&state=pending"

    @pytest.mark.parametrize("name", ["approve", "reject", "revoke"])
    def test_who_only_teaches_the_student_is_forbidden_and_another_school_finds_nothing(
        self, world: World, name: str
    ) -> None:
        leave = world.leave(1)
        for user, expected in (
            (world.teacher, 403),
            (world.student.user, 403),
            (UserFactory(), 404),
            (StudentFactory().user, 404),
        ):
            answer = signed_in(user).post(address(name, leave), {"remarks": "because"})
            assert answer.status_code == expected
        assert status(leave) == "pending"

    @pytest.mark.parametrize("name", ["approve", "reject", "revoke"])
    def test_reading_an_address_decides_nothing(self, world: World, office: Client, name: str) -> None:
        leave = world.leave(1)
        assert office.get(address(name, leave)).status_code == 405
        assert status(leave) == "pending"

    def test_needs_the_token_of_the_form(self, world: World) -> None:
        leave = world.leave(1)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(world.office, backend="accounts.backends.CampusBackend")
        assert strict.post(address("approve", leave)).status_code == 403
        assert strict.post(CHOSEN, {"leaves": [leave.pk]}).status_code == 403
        assert status(leave) == "pending"


class TestManyAtOnce:
    def test_approves_each_and_says_how_many_marks_changed(self, world: World, office: Client) -> None:
        world.hold(0)
        world.hold(1)
        found = [world.leave(0), world.leave(1), world.leave(2, student=world.other, by=world.other.user)]
        kept = world.leave(5)
        answer = office.post(CHOSEN, {"leaves": [leave.pk for leave in found]}, follow=True)
        assert said(answer) == [("success", "3 applications are approved. 2 marks changed.")]
        assert [status(leave) for leave in found] == ["approved"] * 3
        assert status(kept) == "pending"

    def test_says_of_those_that_could_not_be_why(self, world: World, office: Client) -> None:
        good, own = world.leave(0), world.leave(1, by=world.office)
        foreign = World().leave(0)
        answer = office.post(CHOSEN, {"leaves": [good.pk, own.pk, foreign.pk]}, follow=True)
        ((level, text),) = said(answer)
        assert level == "warning"
        assert text == (
            "1 application is approved. 2 could not be: "
            f"{world.student.user.full_name}: Somebody else has to decide this: you asked for it yourself. "
            "You may not do that."
        )
        assert [status(one) for one in (good, own, foreign)] == ["approved", "pending", "pending"]

    def test_none_chosen_is_said(self, world: World, office: Client) -> None:
        for chosen in ([], ["nonsense"]):
            answer = office.post(CHOSEN, {"leaves": chosen}, follow=True)
            assert said(answer) == [("error", "Tick the applications that you want to approve.")]

    def test_more_than_a_page_holds_is_refused(self, world: World, office: Client) -> None:
        found = [world.leave(day) for day in range(13)]
        answer = office.post(CHOSEN, {"leaves": [leave.pk for leave in found]})
        assert answer.status_code == 400
        assert {status(leave) for leave in found} == {"pending"}

    def test_works_without_a_script(self, world: World, office: Client) -> None:
        """The boxes belong to the form by their attribute; only "select all" needs a script."""
        found = [world.leave(0), world.leave(1)]
        text = office.get(PAGE).content.decode()
        for leave in found:
            assert f'name="leaves" value="{leave.pk}" form="chosen"' in text
        assert f'id="chosen" method="post" action="{CHOSEN}"' in text
