from __future__ import annotations

from datetime import date

import pytest

from academics.models import Enrollment, Student
from accounts.enums import Role
from accounts.models import User
from audit.models import AuditEntry
from core import copying
from core.ids import uuid7
from tests.factories import SchoolFactory, SectionFactory, StudentFactory

pytestmark = pytest.mark.django_db


def test_rows_get_keys_and_are_what_saving_them_one_by_one_would_make():
    school = SchoolFactory()
    users = [User(username=f"u{n}", role=Role.STUDENT, school=school, phone=f"+91 {n}") for n in range(3)]

    copying.insert(users)

    assert len({user.pk for user in users}) == 3
    assert [User.objects.get(pk=user.pk).phone for user in users] == ["+91 0", "+91 1", "+91 2"]
    assert all(user.date_joined for user in users)


def test_keys_given_out_are_not_given_out_again():
    school = SchoolFactory()
    user = User(username="copied", role=Role.STUDENT, school=school)
    copying.insert([user])

    assert User.objects.create(username="inserted", role=Role.STUDENT, school=school).pk > user.pk


def test_relations_saved_in_the_meantime_are_followed():
    school = SchoolFactory()
    user = User(username="s", role=Role.STUDENT, school=school)
    student = Student(user=user, school=school, enrollment_no="S1", date_of_birth=date(2005, 5, 22))

    copying.insert([user])
    copying.insert([student])

    stored = Student.objects.get(enrollment_no="S1")
    assert (stored.user, stored.date_of_birth) == (user, date(2005, 5, 22))


def test_columns_left_to_the_database_are_filled_by_it(now):
    entry = AuditEntry(
        at=now, school_id=1, operation_id=uuid7(), action="a.b", object_type="x", after={"a": [1, "ü"]}
    )

    copying.insert([entry])

    stored = AuditEntry.objects.get(pk=entry.pk)
    assert stored.xid > 0
    assert stored.after == {"a": [1, "ü"]}


def test_nothing_to_write_is_nothing_to_do(django_assert_num_queries):
    with django_assert_num_queries(0):
        copying.insert([])


def test_plain_rows_can_be_written_too():
    section, student = SectionFactory(), StudentFactory()

    copying.rows_into(
        "academics_enrollment",
        ["student_id", "section_id", "joined_on"],
        [(student.pk, section.pk, date(2026, 8, 3))],
    )

    assert Enrollment.objects.get().student == student
