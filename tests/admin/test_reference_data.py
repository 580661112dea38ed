"""Rooms, courses and cohorts in Django admin: what is saved, and what the trail tells of it."""

from __future__ import annotations

import pytest
from django.test import Client

from academics.models import Cohort, Room
from accounts.models import School
from attendance.models import Session
from audit.models import AuditEntry
from tests.admin.pages import change, entry, saved, url
from tests.factories import CohortFactory, CourseFactory, DepartmentFactory, RoomFactory

pytestmark = pytest.mark.django_db


def test_a_room_is_saved_in_ones_own_school_with_its_audit_entry(office: Client, session: Session) -> None:
    answer = office.post(url(Room, "add"), {"code": "R1", "building": "Main"})
    assert saved(answer)
    room = Room.objects.get(code="R1")
    assert room.school == session.school
    told = entry("room.create")
    assert (told.school_id, told.after["building"]) == (session.school_id, "Main")
    again = office.post(url(Room, "add"), {"code": "r1"})
    assert again.status_code == 200
    assert Room.objects.count() == 1


def test_a_change_is_told_with_what_was_and_what_is(office: Client, school: School) -> None:
    room = RoomFactory(school=school, code="R7", building="Main", capacity=40)

    assert saved(change(office, room, building="Annexe", capacity=60))

    told = entry("room.update")
    assert told.before == {"building": "Main", "capacity": 40}
    assert told.after == {"building": "Annexe", "capacity": 60}
    assert (told.object_id, told.school_id) == (str(room.pk), school.pk)


def test_relations_are_told_by_their_keys(office: Client, school: School) -> None:
    department = DepartmentFactory(school=school)
    course = CourseFactory(school=school)

    assert saved(change(office, course, department=department.pk))

    assert entry("course.update").after == {"department": department.pk}
    course.refresh_from_db()
    assert course.department == department


def test_saving_a_row_as_it_is_tells_the_trail_nothing(office: Client, session: Session) -> None:
    room = RoomFactory(school=session.school)
    assert saved(change(office, room))
    assert not AuditEntry.objects.filter(object_type="room").exists()


def test_a_row_that_is_deleted_leaves_its_name_in_the_trail(office: Client, school: School) -> None:
    room = RoomFactory(school=school, code="R7")

    assert office.post(url(Room, "delete", room.pk), {"post": "yes"}).status_code == 302

    assert not Room.objects.exists()
    told = entry("room.delete")
    assert (told.object_id, told.before) == (str(room.pk), {"label": str(room)})


def test_a_parent_cohort_of_another_school_cannot_be_chosen(office: Client) -> None:
    stranger = CohortFactory()
    answer = office.post(url(Cohort, "add"), {"code": "CSE-A1", "parent": stranger.pk})
    assert "parent" in answer.context["adminform"].form.errors
    assert not Cohort.objects.filter(code="CSE-A1").exists()
