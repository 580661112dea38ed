"""The demo campus as loaded once: what it promises to whoever starts it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import RequestFactory

from academics.models import Enrollment, Faculty, Section, Student
from accounts.backends import CampusBackend
from accounts.enums import Role
from accounts.models import School, User
from attendance.demo import today
from attendance.demo.catalogue import PASSWORD
from attendance.enums import LeaveStatus, SessionStatus
from attendance.models import (
    AttendanceRecord,
    AttendanceStatistics,
    BiometricTemplate,
    CondonationRequest,
    CorrectionRequest,
    Holiday,
    LeaveApplication,
    Session,
    TimetableSlot,
)
from attendance.selectors import approvals, sync_conflicts
from attendance.services import privacy, sessions, statistics
from core import doctor
from tests.demo.loading import NOW, seed

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """The demo, loaded once for this module; each test runs inside its transaction and leaves it as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield seed()
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded, db):
    return loaded


@pytest.fixture
def first(demo):
    return School.objects.get(code="demo")


def test_two_schools_with_people_timetables_and_marks(demo):
    assert demo["loaded"] is True
    assert (demo["students"], Student.objects.count()) == (150, 150)
    assert set(School.objects.values_list("code", flat=True)) == {"demo", "demo-b"}
    assert demo["records"] == AttendanceRecord.objects.count() > 5000
    assert Holiday.objects.filter(school__code="demo", name__icontains="Republic Day").exists()


def test_nothing_of_it_joins_two_schools(demo):
    assert [finding.state for finding in doctor.crossing_schools()] == ["ok"]


def test_kept_figures_are_those_of_the_records(demo):
    assert AttendanceStatistics.objects.exists()
    assert statistics.check() == []


def test_somebody_has_to_decide_about_marks_made_without_network(first):
    teacher = User.objects.get(username="faculty")
    assert sync_conflicts.waiting_for(teacher) == 3
    assert {one.code for one in sync_conflicts.refused(teacher, first)} == {"uploaded_too_late"}


def test_marks_are_believable(first):
    counts = {
        status: AttendanceRecord.objects.filter(school=first, status=status).count()
        for status in ("present", "late", "absent", "excused")
    }
    total = sum(counts.values())
    assert 70 < 100 * counts["present"] / total < 90
    assert 2 < 100 * counts["late"] / total < 12
    assert counts["excused"] > 0
    below = AttendanceStatistics.objects.filter(school=first, percentage__lt=75).count()
    assert 5 < 100 * below / AttendanceStatistics.objects.filter(school=first).count() < 40


def test_every_demo_login_signs_in(demo):
    backend = CampusBackend()
    request = RequestFactory().get("/")
    logins = {
        "superuser": Role.SUPERUSER,
        "admin": Role.ADMIN,
        "hod": Role.FACULTY,
        "faculty": Role.FACULTY,
        "organizer": Role.FACULTY,
        "student": Role.STUDENT,
        "integrator": Role.INTEGRATOR,
        "admin.b": Role.ADMIN,
        "faculty.b": Role.FACULTY,
        "student.b": Role.STUDENT,
    }
    for name, role in logins.items():
        user = backend.authenticate(request, username=name, password=PASSWORD)
        assert user is not None, name
        assert user.role == role
    assert User.objects.get(username="admin.b").school.code == "demo-b"
    assert Faculty.objects.get(user__username="hod").heads.exists()


@pytest.mark.parametrize("code", ["demo", "demo-b"])
def test_other_students_sign_in_with_their_number_in_lower_case(demo, code):
    student = Student.objects.filter(school__code=code).exclude(user__username__startswith="student").first()

    user = CampusBackend().authenticate(
        RequestFactory().get("/"), username=student.enrollment_no.lower(), password=PASSWORD
    )

    assert user == student.user


def test_names_come_in_three_scripts(demo):
    names = " ".join(User.objects.values_list("full_name", flat=True))
    assert any("\u0c00" <= char <= "\u0c7f" for char in names)
    assert any("\u0900" <= char <= "\u097f" for char in names)
    assert "Reddy" in names


def test_every_class_has_its_section_teacher_and_place(first):
    slots = TimetableSlot.objects.filter(school=first)
    assert slots.filter(sections=None).count() == slots.filter(faculty=None).count() == 0
    for section in Section.objects.filter(school=first, term__ends_on__gt=NOW.date()):
        assert section.slots.count() == (1 if section.cohort is None else 3), section
    assert any(slot.sections.count() == 2 for slot in slots)


def test_the_student_sits_in_every_class_of_the_lecturer(first):
    student = Student.objects.get(user__username="student")
    mine = Section.objects.filter(slots__faculty__user__username="faculty", cohort=student.cohort)

    for slot in TimetableSlot.objects.filter(faculty__user__username="faculty"):
        assert slot.sections.filter(pk__in=mine).exists()
    assert (
        Enrollment.objects.filter(student=student, section__in=mine).count() == mine.distinct().count() == 3
    )


def test_there_are_classes_today_and_for_the_coming_fortnight(first):
    day = first.local_date(NOW)
    assert Session.objects.filter(school=first, held_on=day).count() >= 3
    assert Session.objects.filter(school=first, held_on__gt=day + timedelta(days=10)).exists()
    assert not Session.objects.filter(school=first, ends_at__lt=NOW, status=SessionStatus.SCHEDULED).exists()
    assert not Session.objects.filter(ends_at__gte=NOW).exclude(status=SessionStatus.SCHEDULED).exists()


def test_some_came_late_in_the_term_and_some_moved(demo):
    assert Enrollment.objects.filter(left_on__isnull=False).exists()
    late = Enrollment.objects.filter(joined_on__gt="2026-10-05", left_on=None)
    for enrollment in late.select_related("section"):
        records = AttendanceRecord.objects.filter(student=enrollment.student, section=enrollment.section)
        assert not records.filter(held_on__lt=enrollment.joined_on).exists()


def test_whoever_was_excused_has_a_leave_that_says_so(demo):
    excused = AttendanceRecord.objects.filter(status="excused")
    assert excused.exists()
    assert not excused.filter(leave=None).exists()
    assert not AttendanceRecord.objects.exclude(leave=None).exclude(status="excused").exists()
    leave = excused.first().leave
    assert leave.from_date <= excused.first().held_on <= leave.to_date
    assert leave.reason


@pytest.mark.parametrize("who", ["admin", "hod", "faculty"])
def test_somebody_waits_for_a_decision_on_leave(demo, who):
    user = User.objects.get(username=who)
    waiting = LeaveApplication.objects.reviewable_by(user).filter(status=LeaveStatus.PENDING)
    assert waiting.filter(from_date__gt=NOW.date()).exists()


def test_the_student_can_follow_a_leave(demo):
    student = User.objects.get(username="student")
    assert LeaveApplication.objects.visible_to(student).filter(status=LeaveStatus.PENDING).exists()


def test_corrections_are_in_every_state_and_agree_with_their_marks(demo):
    states = set(CorrectionRequest.objects.values_list("status", flat=True))
    assert states == {"pending", "approved", "rejected", "cancelled"}
    for asked in CorrectionRequest.objects.all():
        record = AttendanceRecord.objects.get(session=asked.session_id, student=asked.student_id)
        became = asked.requested_status if asked.status == "approved" else asked.old_status
        assert record.status == became
        assert (asked.reviewer_id is None) is (asked.status in {"pending", "cancelled"})


def test_condonations_are_in_every_state_of_those_who_may_apply(demo):
    states = set(CondonationRequest.objects.values_list("status", flat=True))
    assert states >= {"pending", "recommended", "approved", "rejected"}
    for asked in CondonationRequest.objects.all():
        kept = AttendanceStatistics.objects.get(
            student=asked.student_id, course=asked.course_id, term=asked.term_id
        )
        assert kept.percentage == asked.percentage


@pytest.mark.parametrize(
    ("who", "kinds"), [("admin", {"corrections", "condonation"}), ("faculty", {"corrections"})]
)
def test_somebody_waits_for_a_word_on_what_else_students_ask_for(demo, who, kinds):
    counts = approvals.waiting(User.objects.get(username=who))
    assert {kind for kind in ("corrections", "condonation") if counts[kind]} >= kinds


def test_the_student_has_a_fingerprint_to_take_back(demo):
    student = Student.objects.get(user__username="student")
    assert [one.kind for one in BiometricTemplate.objects.filter(student=student)] == ["fingerprint"]
    assert privacy.withdraw(user=student.user, purpose="biometric", now=NOW).removed == 1


def test_loading_it_again_changes_nothing(demo):
    records = AttendanceRecord.objects.count()

    assert seed()["loaded"] is False
    assert AttendanceRecord.objects.count() == records


# -- a class that can be opened now ------------------------------------------------------------------------------


def has_class_now(now):
    """The class that `ensure` answers can be opened, or is open, is the lecturer's, and has the student in it."""
    session = today.ensure(now=now)
    assert session is not None
    student = Student.objects.get(user__username="student")
    assert (
        Enrollment.objects.on(session.held_on)
        .filter(student=student, section__in=session.sections.all())
        .exists()
    )
    teacher = User.objects.get(username="faculty")
    assert Session.objects.taught_by(teacher).filter(pk=session.pk).exists()
    opened = sessions.open_session(session=session, by=teacher, now=now)
    assert opened.is_open
    return opened


@pytest.mark.parametrize("minutes", range(-700, 740, 95))
def test_the_lecturer_has_a_class_at_any_time_of_the_day(demo, minutes):
    has_class_now(NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("days", [3, 4, 21, 200])
def test_the_lecturer_has_a_class_on_any_day_also_when_the_demo_slept_for_long(demo, days):
    has_class_now(NOW + timedelta(days=days))


def test_after_the_class_was_closed_there_is_another_one(demo):
    first = has_class_now(NOW)
    sessions.close_session(session=first, by=None, now=NOW + timedelta(minutes=5))

    second = has_class_now(NOW + timedelta(minutes=6))

    assert second.pk != first.pk


def test_days_without_the_demo_are_lived_through(demo, first):
    later = NOW + timedelta(days=5)

    today.ensure(now=later)

    day = first.local_date(later)
    assert not Session.objects.filter(held_on__lt=day, status=SessionStatus.SCHEDULED).exists()
    assert AttendanceRecord.objects.filter(held_on__gt=first.local_date(NOW), held_on__lt=day).exists()
    assert statistics.check() == []


def test_nothing_to_do_costs_next_to_nothing(demo, django_assert_max_num_queries):
    today.ensure(now=NOW)

    with django_assert_max_num_queries(12):
        today.ensure(now=NOW)
