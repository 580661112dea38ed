"""Slots of the timetable in Django admin: classes that lie ahead follow them, clashes are told in the form."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from django.test import Client

from academics.models import Faculty
from attendance.enums import SessionStatus
from attendance.models import Session, TimetableSlot
from core import clock
from tests.admin.pages import change, entry, saved, url
from tests.attendance.planning import Plan
from tests.colleges import signed_in
from tests.factories import FacultyFactory, RoomFactory, SchoolFactory, SectionFactory, TermFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


def new_slot(session: Session, **values: Any) -> dict[str, Any]:
    """The form of a new slot for the section and the teacher of this class: Thursdays at nine."""
    return {
        "sections": [str(session.sections.get().pk)],
        "faculty": [session.faculty.get().pk],
        "weekday": 4,
        "starts": "09:00",
        "ends": "10:00",
        "valid_from": "2026-11-02",
        "valid_until": "2027-03-27",
        "exceptions-TOTAL_FORMS": 0,
        "exceptions-INITIAL_FORMS": 0,
        **values,
    }


class TestNewSlots:
    def test_a_slot_is_saved_through_the_service_and_a_clash_is_told_in_the_form(
        self, office: Client, session: Session
    ) -> None:
        assert saved(office.post(url(TimetableSlot, "add"), new_slot(session)))
        other = SectionFactory(school=session.school)
        clash = office.post(url(TimetableSlot, "add"), new_slot(session, sections=[str(other.pk)]))
        assert clash.status_code == 200
        assert "already teaches" in str(clash.context["adminform"].form.errors)
        assert TimetableSlot.objects.count() == 1

    def test_rooms_and_teachers_of_another_school_cannot_be_chosen(
        self, session: Session, office: Client
    ) -> None:
        other = SchoolFactory()
        TermFactory(school=other)
        answer = office.post(
            url(TimetableSlot, "add"),
            new_slot(session, faculty=[FacultyFactory(school=other).pk], room=RoomFactory(school=other).pk),
        )
        assert answer.status_code == 200
        assert set(answer.context["adminform"].form.errors) == {"faculty", "room"}
        assert Faculty.objects.filter(school=other).exists()


class TestChangedSlots:
    def test_a_changed_slot_re_plans_what_lies_ahead(self, plan: Plan) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            plan.generate()
            assert saved(change(signed_in(plan.office), slot, starts="11:00", ends="12:00"))
        slot.refresh_from_db()
        assert slot.starts == time(11)
        assert {moment[-5:] for moment in plan.times(slot)} == {"11:00"}

    def test_an_operator_changes_a_slot_of_any_school(self, plan: Plan, operator: Client) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            assert saved(change(operator, slot, weekday=3))
        slot.refresh_from_db()
        assert (slot.weekday, slot.school) == (3, plan.school)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"valid_until": "2026-10-01"}, "valid_until"),
            ({"starts": "10:00", "ends": "10:00"}, "ends"),
            ({"starts": "noon"}, "starts"),
            ({"weekday": 9}, "weekday"),
            ({"valid_from": "tomorrow"}, "valid_from"),
        ],
    )
    def test_times_that_cannot_be_are_told_at_their_field(
        self, plan: Plan, changes: dict[str, Any], field: str
    ) -> None:
        slot = plan.slot()
        answer = change(signed_in(plan.office), slot, **changes)
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors
        before = slot.starts, slot.ends, slot.weekday, slot.valid_from, slot.valid_until
        slot.refresh_from_db()
        assert (slot.starts, slot.ends, slot.weekday, slot.valid_from, slot.valid_until) == before


class TestDeletedSlots:
    def test_a_deleted_slot_takes_its_planned_classes_with_it(self, plan: Plan) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            plan.generate()
            answer = signed_in(plan.office).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"})
        assert answer.status_code == 302
        assert not Session.objects.exists()
        assert not TimetableSlot.objects.exists()
        assert entry("slot.delete").after == {"removed": 4}

    def test_of_a_deleted_slot_classes_that_were_held_stay(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        first = plan.of_day(slot, date(2026, 11, 3))
        Session.objects.filter(pk=first.pk).update(status=SessionStatus.CLOSED)
        with clock.frozen(plan.at("2026-11-05 12:00")):
            signed_in(plan.office).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"})
        assert list(Session.objects.all()) == [first]
        slot.refresh_from_db()
        assert slot.valid_until == date(2026, 11, 4)
        assert entry("slot.retire").after["removed"] == 3

    def test_faculty_delete_no_slot(self, plan: Plan) -> None:
        slot = plan.slot()
        teacher = slot.faculty.get().user
        assert (
            signed_in(teacher).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"}).status_code == 403
        )
