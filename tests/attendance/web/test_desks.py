"""Corrections and condonation at Approvals: what a reviewer is told, decisions one by one and many at once."""

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
from attendance.models import (
    AttendanceStatistics,
    CondonationRequest,
    CorrectionRequest,
    LeaveApplication,
    Session,
)
from attendance.selectors import approvals
from attendance.selectors.condonations import standings as condonation_standings
from attendance.selectors.corrections import standings
from attendance.services import condonations, corrections
from audit.models import AuditEntry
from core import clock
from tests.attendance.leave_world import World
from tests.colleges import College, make_college, signed_in
from tests.factories import CondonationFactory, CorrectionFactory, FacultyFactory, SectionFactory, UserFactory
from tests.factories.attendance import STARTS

pytestmark = pytest.mark.django_db

BARE = reverse("attendance:approvals")
CORRECTIONS, CONDONATION = (
    reverse("attendance:approvals_corrections"),
    reverse("attendance:approvals_condonation"),
)
APPROVE_ALL = reverse("attendance:correction_approve_chosen")


@pytest.fixture
def world() -> Iterator[World]:
    """Classes 0 and 1 were held; the student was not seen in either."""
    with clock.frozen(STARTS + timedelta(days=2)):
        world = World()
        world.hold(0)
        world.hold(1)
        yield world


def ask(world: World, index: int = 0, **values: Any) -> CorrectionRequest:
    return CorrectionFactory(
        session=world.classes[index], student=values.pop("student", world.student), **values
    )


def listed(answer: Any) -> list[Any]:
    return [row["request"] for row in answer.context["rows"]]


def said(answer: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


def address(name: str, request: Any) -> str:
    return reverse(f"attendance:{name}", args=[request.pk])


def status(request: Any) -> str:
    request.refresh_from_db()
    return request.status


def percentages(client: Client, page: str = CORRECTIONS) -> tuple[str, str]:
    """What a row says of the student: now, and after approval."""
    (row,) = client.get(page).context["rows"]
    return str(row["standing"].before.percentage), str(row["standing"].after.percentage)


class TestWhatWaits:
    def test_the_count_is_that_of_all_desks_in_one_query(
        self, world: World, django_assert_num_queries: Any
    ) -> None:
        ask(world)
        world.leave(3)
        CondonationFactory(section=world.section, student=world.student)
        for user, expected in (
            (world.office, {"leave": 1, "corrections": 1, "condonation": 1}),
            (world.teacher, {"leave": 0, "corrections": 1, "condonation": 0}),
            (UserFactory(), {"leave": 0, "corrections": 0, "condonation": 0}),
        ):
            with django_assert_num_queries(1):
                assert approvals.waiting(user) == expected
            assert approvals.waiting_for(user) == sum(expected.values())
        items = signed_in(world.office).get("/").context["nav"]
        assert [str(item.waiting) for item in items if item.url == BARE] == ["3"]

    def test_the_tabs_say_what_waits_at_each_desk(self, world: World) -> None:
        ask(world)
        ask(world, 1)
        tabs = signed_in(world.teacher).get(CORRECTIONS).context["tabs"]
        assert [(str(tab["label"]), tab["waiting"], tab["current"]) for tab in tabs] == [
            ("Leave", 0, False),
            ("Corrections", 2, True),
            ("Condonation", 0, False),
        ]

    def test_the_bare_address_leads_to_where_something_waits(self, world: World) -> None:
        client = signed_in(world.office)
        assert client.get(BARE).status_code == 200
        ask(world)
        assert client.get(BARE)["Location"] == CORRECTIONS
        assert client.get(BARE, {"state": "pending"}).status_code == 200
        world.leave(3)
        assert client.get(BARE).status_code == 200

    def test_a_correction_of_a_locked_class_waits_for_the_office_alone(self, world: World) -> None:
        asked = ask(world)
        world.lock(0)
        client = signed_in(world.teacher)
        assert listed(client.get(CORRECTIONS)) == []
        elsewhere = client.get(CORRECTIONS, {"state": "elsewhere"})
        (row,) = elsewhere.context["rows"]
        assert (row["request"], row["may_decide"], row["may_approve"]) == (asked, True, False)
        assert "the office alone can approve" in elsewhere.content.decode()
        assert approvals.waiting_for(world.teacher) == 0
        assert listed(signed_in(world.office).get(CORRECTIONS)) == [asked]

    @pytest.mark.parametrize("page", [CORRECTIONS, CONDONATION])
    def test_it_is_for_those_who_decide(self, world: World, page: str) -> None:
        integrator = UserFactory(school=world.section.school, role=Role.INTEGRATOR)
        for user in (world.student.user, integrator):
            assert signed_in(user).get(page).status_code == 403

    @pytest.mark.parametrize("kind", [CorrectionRequest, CondonationRequest, LeaveApplication])
    def test_the_recently_decided_are_found_by_an_index(self, kind: Any) -> None:
        """On an empty table any plan will do: reading it all, or all of a school and sorting that, is priced out."""
        found = kind.objects.filter(school=1, reviewed_at__isnull=False).order_by("-reviewed_at", "-pk")[:5]
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        assert "_decided on " in found.explain()


class TestACorrection:
    def test_is_shown_with_all_that_one_has_to_know(self, world: World) -> None:
        asked = ask(world, reason="<i>in the last row</i>", file_name="a.pdf")
        answer = signed_in(world.teacher).get(CORRECTIONS)
        text = answer.content.decode()
        for part in (
            world.student.user.full_name,
            world.student.enrollment_no,
            world.section.course.title,
            "Tue 3 Nov 2026, 09:00",
            "&lt;i&gt;in the last row&lt;/i&gt;",
            "set when the class closed, 3 Nov, 09:50",
            address("correction_file", asked),
        ):
            assert part in text
        # Absent in two of two; one of two after approval.
        assert percentages(signed_in(world.teacher)) == ("0.00", "50.00")

    def test_what_approval_would_make_of_the_percentage_is_what_it_makes(self, world: World) -> None:
        world.hold(2, "late")
        for index, status_asked in ((0, "present"), (1, "excused"), (2, "absent")):
            asked = ask(world, index, requested_status=status_asked)
            told = standings([asked])[asked.pk]
            corrections.approve(correction=asked, by=world.teacher, now=STARTS)
            kept = AttendanceStatistics.objects.get(student=world.student)
            assert told.after is not None
            assert kept.percentage == told.after.percentage
            assert (kept.held, kept.present, kept.late, kept.absent, kept.excused) == (
                told.after.held, told.after.present, told.after.late, told.after.absent, told.after.excused,
            )  # fmt: skip

    def test_of_a_class_that_does_not_count_yet_nothing_is_foretold(self, world: World) -> None:
        asked = ask(world, 1, old_status="absent")
        Session.objects.filter(pk=world.classes[1].pk).update(status="open")
        told = standings([asked])[asked.pk]
        assert (told.counts, told.after) == (False, told.before)

    def test_who_has_no_mark_is_told_by_the_section_they_sat_in(self, world: World) -> None:
        asked = ask(world, old_status="")
        world.record(0).delete()
        AttendanceStatistics.objects.filter(student=world.student).update(held=1, absent=1)
        told = standings([asked])[asked.pk]
        assert told.status is None
        assert told.before is not None
        assert told.after is not None
        assert (told.before.held, told.after.held, told.after.present) == (1, 2, 1)
        assert standings([]) == {}

    def test_the_reviewer_is_told_that_the_mark_was_changed_since(self, world: World) -> None:
        asked = ask(world, requested_status="late")
        client = signed_in(world.teacher)
        for mark, told in (
            ("excused", "was changed since this was asked"),
            ("late", "approving changes nothing"),
        ):
            corrections.marking.mark(
                session=world.classes[0],
                student=asked.student.enrollment_no,
                status=mark,
                reason="seen",
                by=world.teacher,
                now=STARTS,
            )
            assert told in client.get(CORRECTIONS).content.decode()

    def test_approving_and_rejecting_say_what_became_of_the_mark(self, world: World) -> None:
        client = signed_in(world.teacher)
        first, second = ask(world), ask(world, 1)
        name = world.student.user.full_name
        assert said(client.post(address("correction_approve", first), follow=True)) == [
            ("success", f"{name}: the mark is corrected.")
        ]
        answer = client.post(address("correction_reject", second), {"remarks": "not seen"}, follow=True)
        assert said(answer) == [("success", f"{name}: the mark stays as it is.")]
        assert [status(one) for one in (first, second)] == ["approved", "rejected"]
        assert world.statuses() == {0: "present", 1: "absent"}
        assert [row["request"] for row in answer.context["recent"]] == [second, first]
        text = signed_in(world.student.user).get(reverse("attendance:corrections")).content.decode()
        assert "not seen" in text

    def test_of_a_locked_class_needs_the_offices_word_which_the_page_asks_for(self, world: World) -> None:
        asked = ask(world)
        world.lock(0)
        approve = address("correction_approve", asked)
        answer = signed_in(world.teacher).post(approve, follow=True)
        assert said(answer)[0][0] == "error"
        assert "locked" in said(answer)[0][1]

        office = signed_in(world.office)
        answer = office.post(approve, {"remarks": " "})
        assert answer.status_code == 400
        (row,) = answer.context["rows"]
        assert row["approve"].errors["remarks"] == ["Say why: this change needs a reason."]
        assert not row["reject"].errors
        assert f'id="correction-{asked.pk}-approve-remarks_error"' in answer.content.decode()
        assert said(office.post(approve, follow=True)) == [("error", "Say why: this change needs a reason.")]
        assert status(asked) == "pending"

        office.post(approve, {"remarks": "the register shows it"})
        assert (status(asked), world.statuses()[0]) == ("approved", "present")
        assert AuditEntry.objects.get(action="record.update").reason == "the register shows it"

    def test_nobody_decides_about_a_class_they_do_not_run(self, world: World) -> None:
        asked = ask(world)
        colleague = FacultyFactory(school=world.section.school).user
        for verb in ("approve", "reject"):
            for user, expected in ((colleague, 403), (world.student.user, 403), (UserFactory(), 404)):
                assert signed_in(user).post(address(f"correction_{verb}", asked)).status_code == expected
        assert status(asked) == "pending"

    def test_many_are_approved_under_one_operation_and_the_rest_is_explained(self, world: World) -> None:
        world.hold(2)
        found = [ask(world), ask(world, 1), ask(world, 2)]
        world.lock(2)
        foreign = ask(World())
        answer = signed_in(world.office).post(
            APPROVE_ALL, {"corrections": [one.pk for one in (*found, foreign)]}, follow=True
        )
        assert said(answer) == [
            (
                "warning",
                f"2 marks are corrected. 2 could not be: {world.student.user.full_name}: "
                "Say why: this change needs a reason. You may not do that.",
            )
        ]
        assert [status(one) for one in (*found, foreign)] == ["approved", "approved", "pending", "pending"]
        assert (
            len(set(AuditEntry.objects.filter(action="correction.approve").values_list("operation_id"))) == 1
        )

        answer = signed_in(world.office).post(
            APPROVE_ALL, {"corrections": [found[2].pk], "remarks": "register"}, follow=True
        )
        assert said(answer) == [("success", "1 mark is corrected.")]
        assert world.statuses() == {0: "present", 1: "present", 2: "present"}

    def test_faculty_approve_many_at_once_without_a_script(self, world: World) -> None:
        found = [ask(world), ask(world, student=world.other)]
        client = signed_in(world.teacher)
        text = client.get(CORRECTIONS).content.decode()
        for one in found:
            assert f'name="corrections" value="{one.pk}" form="chosen"' in text
        assert f'id="chosen" method="post" action="{APPROVE_ALL}"' in text
        answer = client.post(APPROVE_ALL, {"corrections": [one.pk for one in found]}, follow=True)
        assert said(answer) == [("success", "2 marks are corrected.")]
        assert [status(one) for one in found] == ["approved", "approved"]
        answer = client.post(APPROVE_ALL, {}, follow=True)
        assert said(answer) == [("error", "Tick the corrections that you want to approve.")]

    def test_costs_the_same_for_one_as_for_three(self, world: World) -> None:
        client = signed_in(world.office)
        world.hold(2)
        costs = []
        for index in range(3):
            ask(world, index)
            corrections.reject(correction=ask(world, index, student=world.other), by=world.office, now=STARTS)
            client.get(CORRECTIONS)
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(CORRECTIONS)
            assert (len(listed(answer)), len(answer.context["recent"])) == (index + 1, index + 1)
            costs.append(len(captured))
        assert costs == [costs[0]] * 3
        assert costs[0] <= 12


class TestCondonation:
    @pytest.fixture
    def college(self) -> Iterator[College]:
        with clock.frozen(STARTS):
            college = make_college()
            AttendanceStatistics.objects.create(
                student=college.students[0], course=college.section.course, term=college.section.term,
                school=college.school, held=20, present=14, absent=6, updated_at=STARTS,
            )  # fmt: skip
            yield college

    def asked(self, college: College, **values: Any) -> CondonationRequest:
        return CondonationFactory(section=college.section, student=college.students[0], **values)

    def seen(self, user: User, state: str = "") -> list[CondonationRequest]:
        return listed(signed_in(user).get(CONDONATION, {"state": state} if state else {}))

    def test_waits_for_the_head_then_for_the_office(self, college: College) -> None:
        asked = self.asked(college)
        assert (self.seen(college.head), self.seen(college.admin)) == ([asked], [])
        assert self.seen(college.admin, "elsewhere") == [asked]

        signed_in(college.head).post(address("condonation_recommend", asked), {"remarks": "I saw the papers"})
        assert (self.seen(college.head), self.seen(college.admin)) == ([], [asked])
        assert self.seen(college.head, "elsewhere") == [asked]
        office = signed_in(college.admin)
        assert "I saw the papers" in office.get(CONDONATION).content.decode()

        answer = signed_in(college.admin).post(
            address("condonation_approve", asked), {"remarks": ""}, follow=True
        )
        assert said(answer) == [("success", f"{asked.student.user.full_name}: condoned.")]
        assert (status(asked), self.seen(college.head, "approved")) == ("approved", [asked])
        # Said by the head, and by nobody else.
        assert asked.recommendation == "I saw the papers"
        text = office.get(CONDONATION, {"state": "approved"}).content.decode()
        assert text.count("I saw the papers") == 1

    def test_without_a_head_it_waits_for_the_office_at_once(self, college: College) -> None:
        asked = self.asked(college)
        college.department.head = None
        college.department.save()
        assert self.seen(college.admin) == [asked]
        assert approvals.waiting(college.admin)["condonation"] == 1

    def test_is_shown_with_the_figures_it_is_about(self, college: College) -> None:
        CondonationFactory(
            section=SectionFactory(school=college.school), student=college.students[0], status="approved"
        )
        asked = self.asked(college, fee_reference="SBI-4711")
        standing = condonation_standings([asked])[asked.pk]
        assert standing.figures is not None
        assert (str(standing.figures.percentage), standing.figures.attended, standing.figures.counted) == (
            "70.00",
            14,
            20,
        )
        assert (standing.earlier, standing.floor, standing.threshold, standing.has_head) == (1, 65, 75, True)
        text = signed_in(college.head).get(CONDONATION).content.decode()
        for part in ("70.00 % when it was asked for", "Condoned once before", "SBI-4711", "14 of 20"):
            assert part in text
        unknown = CondonationFactory(section=college.section)
        assert condonation_standings([unknown])[unknown.pk].figures is None
        assert condonation_standings([]) == {}

    def test_the_office_may_refuse_what_nobody_recommended_but_not_approve_it(self, college: College) -> None:
        asked = self.asked(college)
        office = signed_in(college.admin)
        answer = office.post(address("condonation_approve", asked), {"remarks": ""}, follow=True)
        assert said(answer) == [("error", "The head of department has not recommended this yet.")]
        office.post(address("condonation_reject", asked), {"remarks": "no papers"})
        assert status(asked) == "rejected"

    def test_a_word_that_is_too_long_comes_back_where_it_was_typed(self, college: College) -> None:
        asked = self.asked(college)
        answer = signed_in(college.head).post(address("condonation_recommend", asked), {"remarks": "x" * 501})
        assert answer.status_code == 400
        (row,) = answer.context["rows"]
        assert list(row["recommend"].errors) == ["remarks"]
        assert (row["typed"], status(asked)) == (True, "pending")

    def test_the_head_recommends_and_the_office_approves_many_at_once(self, college: College) -> None:
        found = [CondonationFactory(section=college.section, student=one) for one in college.students]
        recommend, approve = (
            reverse(f"attendance:condonation_{verb}_chosen") for verb in ("recommend", "approve")
        )
        ticked = {"condonations": [one.pk for one in found], "remarks": "All ill in August"}
        head, office = signed_in(college.head), signed_in(college.admin)
        assert said(head.post(recommend, ticked, follow=True)) == [
            ("success", "3 applications are recommended.")
        ]
        assert {one.remarks for one in CondonationRequest.objects.all()} == {"All ill in August"}
        assert head.post(approve, ticked).status_code == 403
        assert office.post(recommend, ticked).status_code == 403
        assert said(office.post(approve, ticked, follow=True)) == [
            ("success", "3 applications are condoned.")
        ]
        for verb in ("recommend", "approve"):
            told = AuditEntry.objects.filter(action=f"condonation.{verb}")
            assert (told.count(), told.values("operation_id").distinct().count()) == (3, 1)

    def test_many_at_once_reaches_only_what_one_has_a_say_in(self, college: College) -> None:
        mine, foreign = self.asked(college), CondonationFactory()
        recommend = reverse("attendance:condonation_recommend_chosen")
        answer = signed_in(college.head).post(recommend, {"condonations": [mine.pk, foreign.pk]}, follow=True)
        assert said(answer) == [
            ("warning", "1 application is recommended. 1 could not be: You may not do that.")
        ]
        assert [status(one) for one in (mine, foreign)] == ["recommended", "pending"]
        too_long = {"condonations": [mine.pk], "remarks": "x" * 501}
        assert signed_in(college.head).post(recommend, too_long).status_code == 400

    def test_costs_the_same_for_one_as_for_three(self, college: College) -> None:
        client = signed_in(college.head)
        costs = []
        for student in college.students:
            CondonationFactory(section=college.section, student=student)
            gone = CondonationFactory(section=college.section)
            condonations.reject(condonation=gone, by=college.admin, now=STARTS)
            client.get(CONDONATION)
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(CONDONATION)
            costs.append(len(captured))
        assert len(listed(answer)) == len(answer.context["recent"]) == 3
        assert costs == [costs[0]] * 3
        assert costs[0] <= 12
