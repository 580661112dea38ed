"""Who is told what of attendance, and who is not."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from academics.models import Student
from accounts.models import User
from attendance import notices as kinds
from attendance.models import AttendanceRecord, Session
from attendance.services import (
    arrangement,
    condonations,
    corrections,
    holidays,
    leaves,
    marking,
    plain_moves,
    scheduler,
    sessions,
    timetable,
)
from notifications.models import Notification, WebhookDelivery
from notifications.selectors import all_shown, with_facts
from notifications.services import webhooks
from tests.attendance.leave_world import STARTS
from tests.attendance.leave_world import World as LeaveWorld
from tests.attendance.planning import Plan
from tests.colleges import College, make_college
from tests.conftest import NOW
from tests.factories import (
    CondonationFactory,
    CorrectionFactory,
    DepartmentFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

AFTER = NOW + timedelta(minutes=50)


def told(user: User) -> list[str]:
    """The titles of what somebody was told, oldest first."""
    found = with_facts(Notification.objects.filter(user=user)).order_by("created_at", "id")
    return [notice.title for notice in all_shown(found)]


def bodies(user: User) -> list[str]:
    return [notice.body for notice in all_shown(with_facts(Notification.objects.filter(user=user)))]


def everybody() -> dict[str, set[int]]:
    """Kind → the users who were told."""
    found: dict[str, set[int]] = {}
    for kind, user in Notification.objects.values_list("kind", "user"):
        found.setdefault(kind, set()).add(user)
    return found


@pytest.fixture
def college() -> College:
    return make_college(open=True)


def close(college: College) -> Session:
    """Closed, and the clock has gone by."""
    closed = sessions.close_session(session=college.session, by=college.teacher, now=AFTER)
    scheduler.tell_due(now=AFTER)
    return closed


def mark(college: College, index: int, status: str, *, now: datetime = NOW) -> None:
    marking.mark(
        session=college.session, student=college.number(index), status=status, by=college.teacher, now=now
    )


def put_right(college: College, student: Student, way: str) -> None:
    """Somebody who is absent in the closed class is not: by another mark, a correction or a leave."""
    decided: dict[str, Any] = {"by": college.admin, "now": AFTER}
    asked: dict[str, Any] = {"student": student, "reason": "x", "by": student.user, "now": AFTER}
    if way == "hand":
        marking.mark(
            session=college.session,
            student=student.enrollment_no,
            status="present",
            reason="Sat in the back",
            **decided,
        )
    elif way == "correction":
        session = Session.objects.get(pk=college.session.pk)
        correction = corrections.request_correction(session=session, requested_status="present", **asked)
        corrections.approve(correction=correction, **decided)
    else:
        day = college.session.held_on
        leave = leaves.apply_for(kind="medical", from_date=day, to_date=day, **asked)
        leaves.approve(leave=leave, **decided)


class TestAbsences:
    def test_are_told_when_the_class_is_closed_to_who_is_absent_and_to_nobody_else(
        self, college: College
    ) -> None:
        mark(college, 0, "present")
        mark(college, 1, "absent")
        assert everybody() == {}
        close(college)
        assert everybody() == {kinds.ABSENCE: {student.user_id for student in college.students[1:]}}
        course = college.section.course.title
        assert told(college.students[1].user) == [f"Absent: {course}"]
        assert bodies(college.students[1].user) == [
            "In the class of Tue 3 Nov, 09:00. If that is wrong, ask for a correction."
        ]

    def test_cost_nothing_when_a_class_is_closed_and_then_the_same_whatever_its_size(self) -> None:
        closing, telling = [], []
        for size in (1, 20):
            session = SessionFactory(section=SectionFactory(students=size), open=True)
            with CaptureQueriesContext(connection) as queries:
                sessions.close_session(session=session, by=None, now=AFTER)
            closing.append(len(queries))
            with CaptureQueriesContext(connection) as queries:
                assert scheduler.tell_due(now=AFTER).done == 1
            telling.append(len(queries))
        silent = SessionFactory(
            section=SectionFactory(
                students=20, school=SchoolFactory(configuration__send_attendance_notifications=False)
            ),
            open=True,
        )
        with CaptureQueriesContext(connection) as queries:
            sessions.close_session(session=silent, by=None, now=AFTER)
        assert closing == [len(queries)] * 2
        assert telling[0] == telling[1]
        assert scheduler.tell_due(now=AFTER).done == 0

    def test_of_a_class_that_is_opened_again_before_anybody_was_told_are_told_to_nobody(
        self, college: College
    ) -> None:
        mark(college, 0, "present")
        sessions.close_session(session=college.session, by=college.teacher, now=AFTER)
        sessions.reopen_session(session=college.session, reason="a mistake", by=college.teacher, now=AFTER)
        assert scheduler.tell_due(now=AFTER).done == 0
        mark(college, 1, "present", now=AFTER)
        close(college)
        assert everybody() == {kinds.ABSENCE: {college.students[2].user_id}}

    def test_of_a_class_that_was_closed_at_the_door_are_told_too(self, college: College) -> None:
        assert plain_moves.close_open(session_id=college.session.pk, user_id=college.teacher.pk, now=AFTER)
        assert scheduler.tell_due(now=AFTER).done == 1
        assert everybody() == {kinds.ABSENCE: {student.user_id for student in college.students}}

    def test_of_a_school_that_does_not_want_it_are_not_told(self, college: College) -> None:
        rules = college.school.attendance_configuration
        rules.send_attendance_notifications = False
        rules.save()
        close(college)
        assert everybody() == {}

    def test_of_a_class_that_is_reopened_and_closed_again_are_told_once(self, college: College) -> None:
        read, unread = college.students[1].user, college.students[2].user
        mark(college, 0, "present")
        close(college)
        Notification.objects.filter(user=read).update(read_at=AFTER)
        sessions.reopen_session(session=college.session, reason="a mistake", by=college.teacher, now=AFTER)
        # What nobody has seen yet is taken back.
        assert everybody() == {kinds.ABSENCE: {read.pk}}
        mark(college, 2, "present", now=AFTER)
        close(college)
        assert (len(told(read)), told(unread)) == (1, [])

    def test_of_a_class_that_does_not_count_are_taken_back(self, college: College) -> None:
        close(college)
        sessions.void_session(session=college.session, reason="fire drill", by=college.admin, now=AFTER)
        assert everybody() == {}

    @pytest.mark.parametrize("way", ["hand", "correction", "leave"])
    def test_of_who_was_not_absent_after_all_are_taken_back_and_those_of_others_stay(
        self, college: College, way: str
    ) -> None:
        close(college)
        put_right(college, college.students[0], way)
        assert everybody()[kinds.ABSENCE] == {student.user_id for student in college.students[1:]}

    def test_are_told_to_webhooks_by_number_once_for_each_closing(self, college: College) -> None:
        webhooks.create(school=college.school, url="https://93.184.216.34/", by=college.admin, now=NOW)
        mark(college, 0, "present")
        close(college)
        sessions.reopen_session(session=college.session, reason="a mistake", by=college.teacher, now=AFTER)
        for index in (1, 2):
            mark(college, index, "present", now=AFTER)
        sessions.close_session(session=college.session, by=college.teacher, now=AFTER + timedelta(minutes=1))
        scheduler.tell_due(now=AFTER + timedelta(minutes=1))
        said = [json.loads(one.body)["data"] for one in WebhookDelivery.objects.order_by("created_at", "id")]
        assert [one["absent"] for one in said] == [[college.number(1), college.number(2)], []]
        assert said[0] == {
            "session": str(college.session.pk),
            "starts_at": "2026-11-03T03:30:00Z",
            "absent": [college.number(1), college.number(2)],
        }


class TestClassesThatChange:
    @pytest.fixture
    def coming(self, college: College) -> Session:
        """Tomorrow's class of the same section."""
        return SessionFactory(
            section=college.section,
            teacher=college.session.faculty.get(),
            starts_at=NOW + timedelta(days=1),
            room=RoomFactory(school=college.school, code="A1"),
        )

    def test_are_told_to_its_students_and_its_faculty_but_not_to_who_did_it(
        self, college: College, coming: Session
    ) -> None:
        students = {student.user_id for student in college.students}
        sessions.cancel_session(session=coming, reason="Ill", by=college.admin, now=NOW)
        assert everybody() == {kinds.CLASS_CHANGE: students | {college.teacher.pk}}
        course = college.section.course.title
        assert told(college.students[0].user) == [f"{course} on Wed 4 Nov is cancelled"]
        assert bodies(college.students[0].user) == ["It would have begun at 09:00. Ill"]
        Notification.objects.all().delete()
        again = SessionFactory(
            section=college.section,
            teacher=coming.faculty.get(),
            starts_at=NOW + timedelta(days=2),
        )
        sessions.cancel_session(session=again, reason="Ill", by=college.teacher, now=NOW)
        assert everybody() == {kinds.CLASS_CHANGE: students}

    def test_that_are_over_are_told_to_nobody(self, college: College, coming: Session) -> None:
        late = coming.ends_at
        sessions.cancel_session(session=coming, reason="Ill", by=college.admin, now=late)
        assert everybody() == {}

    def test_each_time_they_change_and_not_for_their_topic(self, college: College, coming: Session) -> None:
        def change(**changes: Any) -> None:
            arrangement.update_session(session=coming, changes=changes, by=college.admin, now=NOW)

        change(topic="Trees")
        assert everybody() == {}
        change(room=RoomFactory(school=college.school, code="B2"))
        change(
            room=None,
            starts_at=coming.starts_at + timedelta(hours=1),
            ends_at=coming.ends_at + timedelta(hours=1),
        )
        course = college.section.course.title
        assert told(college.teacher) == [f"{course} has changed"] * 2
        assert sorted(bodies(college.teacher)) == [
            "Now: Wed 4 Nov, 09:00–09:50, room B2",
            "Now: Wed 4 Nov, 10:00–10:50",
        ]

    def test_of_a_substitute_hear_both_who_goes_and_who_comes(
        self, college: College, coming: Session
    ) -> None:
        other = FacultyFactory(school=college.school)
        arrangement.substitute(session=coming, faculty=other, by=college.admin, now=NOW)
        course = college.section.course.title
        assert told(other.user) == told(college.teacher) == [f"{course} on Wed 4 Nov: substitute"]
        assert bodies(college.students[0].user) == [f"{other.user.full_name} teaches the class at 09:00."]
        arrangement.substitute(session=coming, faculty=None, by=college.admin, now=NOW)
        assert len(told(college.students[0].user)) == 2

    def test_of_another_substitute_are_told_to_the_former_one_too(
        self, college: College, coming: Session
    ) -> None:
        former, other = FacultyFactory(school=college.school), FacultyFactory(school=college.school)
        arrangement.substitute(session=coming, faculty=former, by=college.admin, now=NOW)
        Notification.objects.all().delete()
        arrangement.substitute(session=coming, faculty=other, by=college.admin, now=NOW)
        students = {student.user_id for student in college.students}
        assert everybody() == {
            kinds.CLASS_CHANGE: students | {college.teacher.pk, former.user_id, other.user_id}
        }
        assert told(former.user) == [f"{college.section.course.title} on Wed 4 Nov: substitute"]
        assert bodies(former.user) == [f"{other.user.full_name} teaches the class at 09:00."]

    def test_of_who_teaches_are_told_to_who_did_so_far_too(self, college: College, coming: Session) -> None:
        new = FacultyFactory(school=college.school)
        arrangement.update_session(session=coming, changes={"faculty": [new]}, by=college.admin, now=NOW)

        assert told(college.teacher) == told(new.user) == [f"{college.section.course.title} has changed"]
        assert bodies(college.teacher) == ["Others teach the class of Wed 4 Nov, 09:00."]
        assert bodies(new.user) != bodies(college.teacher)

    def test_an_extra_one_is_told_unless_it_was_held_already(self, college: College) -> None:
        for starts in (NOW + timedelta(days=3), NOW - timedelta(days=3)):
            arrangement.create_extra(
                school=college.school,
                sections=[college.section],
                faculty=[college.session.faculty.get()],
                room=None,
                starts_at=starts,
                ends_at=starts + timedelta(hours=1),
                by=college.admin,
                now=NOW,
            )
        course = college.section.course.title
        assert told(college.students[0].user) == [f"Extra class: {course}"]
        assert bodies(college.students[0].user) == ["Fri 6 Nov, 09:00–10:00"]

    def test_of_a_holiday_are_one_notice_for_each_person(self, college: College, coming: Session) -> None:
        second = SessionFactory(
            section=college.section,
            teacher=coming.faculty.get(),
            starts_at=coming.starts_at + timedelta(hours=2),
        )
        elsewhere = SessionFactory(
            section=SectionFactory(school=college.school, students=1), starts_at=coming.starts_at
        )
        day = coming.held_on
        outcome = holidays.add_holiday(
            school=college.school, day=day, name="Deepavali", by=college.admin, now=NOW
        )
        assert {one.pk for one in outcome.cancelled} == {coming.pk, second.pk, elsewhere.pk}
        course = college.section.course.title
        student = college.students[0].user
        assert told(student) == ["2 classes on Wed 4 Nov are cancelled: Deepavali"]
        assert bodies(student) == [f"09:00 {course}, 11:00 {course}"]
        other = elsewhere.sections.get().enrollments.get().student.user
        assert told(other) == ["1 class on Wed 4 Nov is cancelled: Deepavali"]
        holidays.remove_holiday(holiday=outcome.holiday, by=college.admin, now=NOW)
        assert told(student)[1:] == ["2 classes on Wed 4 Nov take place after all"]

    def test_of_a_holiday_that_is_only_renamed_are_not_told_again(
        self, college: College, coming: Session
    ) -> None:
        day = coming.held_on
        holiday = holidays.add_holiday(
            school=college.school, day=day, name="Deepavali", by=college.admin, now=NOW
        ).holiday
        holidays.update_holiday(
            holiday=holiday, day=day, name="Diwali", kind="public", department=None, by=college.admin, now=NOW
        )
        assert len(told(college.students[0].user)) == 1

    def test_of_a_holiday_cost_the_same_for_one_as_for_many(self) -> None:
        counts = []
        for number in (1, 4):
            school = SchoolFactory()
            for _index in range(number):
                SessionFactory(section=SectionFactory(school=school, students=number))
            with CaptureQueriesContext(connection) as queries:
                holidays.add_holiday(
                    school=school, day=date(2026, 11, 3), name="Flood", by=None, now=NOW - timedelta(days=1)
                )
            counts.append(sum("notifications_" in query["sql"] for query in queries))
        assert counts == [1, 1]

    def test_every_week_are_one_notice_too(self) -> None:
        plan = Plan.new()
        section = plan.section(students=1)
        slot = plan.slot(sections=[section])
        student = section.enrollments.get().student.user
        plan.generate()
        slot = plan.change(slot, weekday=3)
        assert told(student) == [f"{section.course.title} has a new place in the timetable"]
        slot = plan.change(slot, valid_until=date(2026, 11, 22))
        assert len(told(student)) == 1
        timetable.skip_date(slot=slot, day=date(2026, 11, 4), reason="Exam", by=plan.office, now=plan.now)
        assert told(student)[1:] == [f"{section.course.title} on Wed 4 Nov is cancelled"]
        timetable.retire_slot(slot=slot, by=plan.office, now=plan.now)
        assert told(student)[2:] == [f"{section.course.title} leaves the timetable"]


class TestLeave:
    def test_is_told_to_who_decides_and_the_answer_to_the_student(self) -> None:
        world = LeaveWorld()
        leave = world.leave(0, 1)
        deciders = everybody()[kinds.LEAVE_WAITING]
        assert world.student.user_id not in deciders
        assert deciders
        reviewer = User.objects.get(pk=deciders.pop())
        assert told(reviewer) == [f"{world.student.user.full_name} asks for leave"]
        outcome = leaves.approve(leave=leave, by=world.office, now=STARTS)
        # Nobody has to decide any more.
        assert told(reviewer) == []
        leaves.revoke(leave=outcome.leave, remarks="A mistake", by=world.office, now=STARTS)
        assert told(world.student.user) == [
            "Your leave is approved",
            "The approval of your leave is taken back",
        ]

    def test_without_a_head_or_a_faculty_in_charge_waits_for_the_office(self) -> None:
        section = SectionFactory(students=1)
        section.faculty = None
        section.save()
        student = section.enrollments.get().student
        office = UserFactory(school=section.school)
        leave = leaves.apply_for(
            student=student,
            kind="casual",
            from_date=date(2026, 11, 9),
            to_date=date(2026, 11, 9),
            reason="x",
            by=student.user,
            now=NOW,
        )
        assert everybody() == {kinds.LEAVE_WAITING: {office.pk}}
        leaves.cancel(leave=leave, by=student.user, now=NOW)
        assert everybody() == {}

    def test_does_not_wait_for_a_head_who_has_left_but_for_the_office(self, college: College) -> None:
        student = college.students[0]
        Student.objects.filter(pk=student.pk).update(department=college.department)
        type(college.section).objects.update(faculty=None)
        asked: dict[str, Any] = {"student": student, "kind": "casual", "reason": "x", "by": student.user}
        waited_for = []
        for day in (date(2026, 11, 9), date(2026, 11, 10)):
            leaves.apply_for(from_date=day, to_date=day, now=NOW, **asked)
            waited_for.append(everybody())
            Notification.objects.all().delete()
            User.objects.filter(pk=college.head.pk).update(is_active=False)
        assert waited_for == [
            {kinds.LEAVE_WAITING: {college.head.pk}},
            {kinds.LEAVE_WAITING: {college.admin.pk}},
        ]

    def test_is_approved_once_however_often_somebody_says_so(self) -> None:
        world = LeaveWorld()
        leave = world.leave()
        for _time in range(2):
            leaves.approve(leave=leave, by=world.office, now=STARTS)
        assert told(world.student.user) == ["Your leave is approved"]

    def test_reads_in_the_readers_language_whenever_that_changes(self) -> None:
        world = LeaveWorld()
        leaves.reject(leave=world.leave(), remarks="No", by=world.office, now=STARTS)
        english = told(world.student.user)
        with translation.override("hi"):
            hindi = told(world.student.user)
        assert english == ["Your leave is rejected"]
        assert len(hindi) == 1


class TestRequests:
    def test_a_correction_waits_for_who_runs_the_class_and_the_student_hears_the_answer(
        self, college: College
    ) -> None:
        close(college)
        Notification.objects.all().delete()
        student = college.students[0]
        correction = corrections.request_correction(
            session=Session.objects.get(pk=college.session.pk),
            student=student,
            requested_status="present",
            reason="I was there",
            by=student.user,
            now=AFTER,
        )
        assert everybody() == {kinds.CORRECTION_WAITING: {college.teacher.pk}}
        corrections.approve(correction=correction, by=college.teacher, now=AFTER)
        assert everybody() == {kinds.CORRECTION_DECISION: {student.user_id}}
        assert told(student.user) == ["Your mark is corrected"]
        assert AttendanceRecord.objects.get(student=student).status == "present"

    def test_a_correction_of_a_locked_class_waits_for_the_office(self, college: College) -> None:
        session = sessions.lock_session(session=close(college), by=college.admin, now=AFTER)
        Notification.objects.all().delete()
        student = college.students[0]
        corrections.request_correction(
            session=session,
            student=student,
            requested_status="present",
            reason="I was there",
            by=student.user,
            now=AFTER,
        )
        assert everybody() == {kinds.CORRECTION_WAITING: {college.admin.pk}}

    def test_a_correction_that_is_taken_back_waits_for_nobody(self, college: College) -> None:
        correction = CorrectionFactory(session=college.session, student=college.students[0])
        corrections.reject(correction=correction, by=college.teacher, now=AFTER)
        assert told(college.students[0].user) == ["Your mark stays as it is"]
        other = CorrectionFactory(session=college.session, student=college.students[1])
        corrections.cancel(correction=other, by=college.students[1].user, now=AFTER)
        assert told(college.students[1].user) == []

    def test_condonation_goes_from_the_head_to_the_office_to_the_student(self, college: College) -> None:
        head = FacultyFactory(school=college.school)
        department = DepartmentFactory(school=college.school, head=head)
        student: Student = college.students[0]
        Student.objects.filter(pk=student.pk).update(department=department)
        condonation = CondonationFactory(section=college.section, student=student)
        condonation = condonations.recommend(condonation=condonation, by=head.user, now=NOW)
        assert everybody() == {
            kinds.CONDONATION_WAITING: {college.admin.pk},
            kinds.CONDONATION_DECISION: {student.user_id},
        }
        condonations.approve(condonation=condonation, by=college.admin, now=NOW)
        assert told(student.user) == [
            "Your request for condonation is recommended",
            "Your shortage is condoned",
        ]
        assert told(college.admin) == []
