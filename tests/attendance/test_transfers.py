"""Who moves between class groups in mid-term keeps every mark; who comes late is not asked about earlier weeks.

Two cohorts, A and B, have one course, each on Tuesdays and Thursdays of November 2026. Numbers are computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from academics.models import Cohort, Course, Section, Student
from academics.services import memberships, people
from academics.services.imports import import_roster
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, AttendanceStatistics, Session, TimetableSlot
from attendance.selectors.roster import roster
from attendance.services import scanning, sessions, statistics
from attendance.services.marking import Mark, bulk_mark, mark
from audit.models import AuditEntry
from core import clock
from tests.attendance.planning import FROM, Plan
from tests.attendance.scans import request_of
from tests.colleges import client_of
from tests.factories import CohortFactory, CourseFactory

pytestmark = pytest.mark.django_db

SUMMARY = "/api/v1/attendance/statistics/student-summary/"
#: The Tuesday of the third week: the first day in the new cohort.
MOVED_ON = date(2026, 11, 17)
#: After the last class of November.
END = datetime.fromisoformat("2026-11-30T12:00:00+05:30")


@dataclass
class Campus:
    """One course for two cohorts; `mover` and `stayer` begin in A, `other` in B."""

    plan: Plan
    course: Course
    a: Cohort
    b: Cohort
    sections: dict[int, Section]
    slots: list[TimetableSlot]
    mover: Student
    stayer: Student
    other: Student

    def class_of(self, cohort: Cohort, day: int) -> Session:
        return Session.objects.get(held_on=date(2026, 11, day), sections__cohort=cohort)

    def open(self, cohort: Cohort, day: int) -> Session:
        session = self.class_of(cohort, day)
        teacher = session.faculty.get().user
        return sessions.open_session(session=session, by=teacher, now=session.starts_at)

    def hold(self, cohort: Cohort, day: int, **marks: str) -> Session:
        """Open the class of that day of November, mark (``mover="late"``), close it at its end."""
        session = self.open(cohort, day)
        teacher = session.faculty.get().user
        wanted = [Mark(getattr(self, who).enrollment_no, status) for who, status in marks.items()]
        if wanted:
            bulk_mark(session=session, marks=wanted, by=teacher, now=session.starts_at)
        return sessions.close_session(session=session, by=teacher, now=session.ends_at)

    def transfer(self, *, on: date = MOVED_ON, now: datetime | None = None) -> Student:
        return memberships.transfer(
            student=self.mover,
            cohort=self.b,
            on=on,
            by=self.plan.office,
            now=now or self.plan.at(f"{on} 08:00"),
        )

    def records(self, who: str) -> list[tuple[int, str, str, str]]:
        """(day of November, cohort of the section, status, cohort on the snapshot), by day."""
        found = AttendanceRecord.objects.filter(student=getattr(self, who)).order_by("held_on")
        return [
            (day.day, section, status, snapshot)
            for day, section, status, snapshot in found.values_list(
                "held_on", "section__cohort__code", "status", "snapshot__cohort_code"
            )
        ]

    def kept(self, who: str) -> AttendanceStatistics:
        return AttendanceStatistics.objects.get(student=getattr(self, who), course=self.course)


def counts(kept: AttendanceStatistics) -> tuple[int, int, int, int, int]:
    return (kept.held, kept.present, kept.late, kept.absent, kept.excused)


@pytest.fixture
def campus() -> Iterator[Campus]:
    plan = Plan.new(configuration__late_weight=Decimal("0.5"))
    school = plan.school
    course = CourseFactory(school=school, code="CS301", title="Data Structures")
    a, b = CohortFactory(school=school, code="CSE-A"), CohortFactory(school=school, code="CSE-B")
    sections = {cohort.pk: plan.section(course=course, cohort=cohort) for cohort in (a, b)}
    slots = [
        plan.slot(sections=[sections[cohort.pk]], weekday=weekday, starts=time(hour), ends=time(hour + 1))
        for cohort, hour in ((a, 9), (b, 11))
        for weekday in (2, 4)
    ]
    plan.generate()
    students = [
        people.create_student(
            school=school, enrollment_no=number, full_name=name, cohort=cohort, by=plan.office, now=plan.now
        )
        for number, name, cohort in (("M1", "Meera", a), ("S1", "Sanjay", a), ("O1", "Omar", b))
    ]
    with clock.frozen(END):
        yield Campus(plan, course, a, b, sections, slots, *students)


def hold_november(campus: Campus) -> None:
    """Four classes of each cohort before the transfer and four after it, all held; the mover moves between them."""
    campus.hold(campus.a, 3, mover="present", stayer="present")
    campus.hold(campus.b, 3, other="present")
    campus.hold(campus.a, 5, mover="late", stayer="present")
    campus.hold(campus.b, 5, other="late")
    campus.hold(campus.a, 10, stayer="late")
    campus.hold(campus.b, 10)
    campus.hold(campus.a, 12, mover="excused", stayer="present")
    campus.hold(campus.b, 12, other="present")
    campus.transfer()
    campus.hold(campus.a, 17)
    campus.hold(campus.b, 17, mover="present", other="present")
    campus.hold(campus.a, 19, stayer="present")
    campus.hold(campus.b, 19, other="present")
    campus.hold(campus.a, 24, stayer="present")
    campus.hold(campus.b, 24, mover="late", other="present")
    campus.hold(campus.a, 26, stayer="present")
    campus.hold(campus.b, 26, mover="present", other="present")


# By hand, a late mark weighing half and excused ones left out:
#   mover   A: present, late, absent, excused; B: present, absent, late, present
#           (3 + 2/2) of (8 - 1) = 4/7 = 57.142857 %; need = ceil((0.75·7 - 4) / 0.25) = 5
#   stayer  A only: 6 present, 1 late, 1 absent: 6.5/8 = 81.25 %
#   other   B only: 6 present, 1 late, 1 absent: the same
def test_one_percentage_per_course_over_both_cohorts_everywhere_it_is_shown(campus: Campus) -> None:
    hold_november(campus)

    kept = campus.kept("mover")
    assert counts(kept) == (8, 3, 2, 2, 1)
    assert kept.percentage == Decimal("57.14")

    body = client_of(campus.mover.user).get(SUMMARY).json()
    (course,) = body["courses"]
    assert course["course"] == {"code": "CS301", "title": "Data Structures"}
    assert (course["held"], course["present"], course["late"], course["absent"], course["excused"]) == (
        (8, 3, 2, 2, 1)
    )
    assert (course["attended"], course["counted"], course["percentage"]) == (4.0, 7, 57.14)
    assert (course["band"], course["need"], course["can_miss"]) == ("shortage", 5, 0)
    assert body["overall"]["percentage"] == 57.14

    page = Client()
    page.force_login(campus.mover.user, backend="accounts.backends.CampusBackend")
    for url in (reverse("attendance:home"), reverse("attendance:history")):
        answer = page.get(url)
        (shown,) = answer.context["courses"]
        assert (shown["code"], shown["summary"].percentage) == ("CS301", Decimal("57.14"))
        assert "57.14" in answer.content.decode()

    for who in ("stayer", "other"):
        assert counts(campus.kept(who)) == (8, 6, 1, 1, 0)
        assert campus.kept(who).percentage == Decimal("81.25")
    assert statistics.check() == []


def test_marks_of_the_old_cohort_stay_where_they_were_made_under_its_name(campus: Campus) -> None:
    hold_november(campus)

    assert campus.records("mover") == [
        (3, "CSE-A", "present", "CSE-A"),
        (5, "CSE-A", "late", "CSE-A"),
        (10, "CSE-A", "absent", "CSE-A"),
        (12, "CSE-A", "excused", "CSE-A"),
        (17, "CSE-B", "present", "CSE-B"),
        (19, "CSE-B", "absent", "CSE-B"),
        (24, "CSE-B", "late", "CSE-B"),
        (26, "CSE-B", "present", "CSE-B"),
    ]
    assert set(
        AttendanceRecord.objects.filter(student=campus.stayer).values_list("snapshot__cohort_code", flat=True)
    ) == {"CSE-A"}


def test_the_history_page_lists_the_classes_of_both_cohorts(campus: Campus) -> None:
    hold_november(campus)
    page = Client()
    page.force_login(campus.mover.user, backend="accounts.backends.CampusBackend")

    shown = page.get(reverse("attendance:history"), {"course": "CS301"}).context["page"]

    assert [(row["held_on"].day, row["status"]) for row in shown] == [
        (26, "present"),
        (24, "late"),
        (19, "absent"),
        (17, "present"),
        (12, "excused"),
        (10, "absent"),
        (5, "late"),
        (3, "present"),
    ]


def test_on_the_day_of_the_transfer_the_new_class_has_the_student_and_the_old_one_has_not(
    campus: Campus,
) -> None:
    campus.transfer()
    old, new = campus.open(campus.a, 17), campus.open(campus.b, 17)

    assert {entry.student for entry in roster(campus.class_of(campus.a, 12))} == {"M1", "S1"}
    assert {entry.student for entry in roster(campus.class_of(campus.b, 12))} == {"O1"}
    assert {entry.student for entry in roster(old)} == {"S1"}
    assert {entry.student for entry in roster(new)} == {"M1", "O1"}
    (refused,) = scanning.scan([request_of(old, campus.mover, at=old.starts_at)], now=old.starts_at)
    (taken,) = scanning.scan([request_of(new, campus.mover, at=new.starts_at)], now=new.starts_at)
    assert (refused.code, taken.code) == ("not_on_roster", "recorded")


def test_a_class_of_the_old_cohort_counts_whoever_sat_in_it_on_its_day_however_late_it_closes(
    campus: Campus,
) -> None:
    before, after = campus.open(campus.a, 12), campus.open(campus.a, 19)
    campus.transfer()

    for session in (before, after):
        sessions.close_session(session=session, by=campus.plan.office, now=END)

    assert [row[:3] for row in campus.records("mover")] == [(12, "CSE-A", "absent")]
    assert [row[:3] for row in campus.records("stayer")] == [
        (12, "CSE-A", "absent"),
        (19, "CSE-A", "absent"),
    ]
    assert counts(campus.kept("mover")) == (1, 0, 0, 1, 0)


def test_an_old_class_that_is_reopened_takes_the_mark_out_and_in_again(campus: Campus) -> None:
    session = campus.hold(campus.a, 3)
    campus.transfer()
    campus.hold(campus.b, 17, mover="present")
    teacher = session.faculty.get().user

    sessions.reopen_session(session=session, reason="Forgot the back row", by=teacher, now=END)
    assert counts(campus.kept("mover")) == (1, 1, 0, 0, 0)
    mark(session=session, student="M1", status="late", by=teacher, now=END)
    sessions.close_session(session=session, by=teacher, now=END)

    assert counts(campus.kept("mover")) == (2, 1, 1, 0, 0)
    assert campus.kept("mover").percentage == Decimal("75.00")  # 1.5 of 2
    assert statistics.check() == []


def test_a_transfer_entered_late_leaves_the_marks_made_meanwhile_and_they_can_be_corrected(
    campus: Campus,
) -> None:
    session = campus.hold(campus.a, 17)
    campus.transfer(on=date(2026, 11, 16), now=campus.plan.at("2026-11-18 10:00"))
    assert {entry.student for entry in roster(session)} == {"M1", "S1"}

    mark(
        session=session,
        student="M1",
        status="present",
        reason="Was there, with the old class",
        by=campus.plan.office,
        now=END,
    )

    assert [row[:3] for row in campus.records("mover")] == [(17, "CSE-A", "present")]
    assert counts(campus.kept("mover")) == (1, 1, 0, 0, 0)
    assert statistics.check() == []


def test_nothing_of_the_new_cohort_before_the_transfer_counts(campus: Campus) -> None:
    campus.hold(campus.b, 10)
    reopened = campus.hold(campus.b, 12)
    campus.transfer()

    sessions.reopen_session(session=reopened, reason="Wrong room", by=campus.plan.office, now=END)
    sessions.close_session(session=reopened, by=campus.plan.office, now=END)

    assert campus.records("mover") == []
    assert not AttendanceStatistics.objects.filter(student=campus.mover).exists()
    (course,) = client_of(campus.mover.user).get(SUMMARY).json()["courses"]
    assert (course["held"], course["percentage"]) == (0, None)


def test_one_lecture_for_both_cohorts_counts_once_for_whoever_moved(campus: Campus) -> None:
    both = campus.plan.extra_class(
        "2026-11-17 15:00", sections=[campus.sections[campus.a.pk], campus.sections[campus.b.pk]]
    )
    campus.transfer()
    sessions.open_session(session=both, by=campus.plan.office, now=both.starts_at)
    sessions.close_session(session=both, by=campus.plan.office, now=both.ends_at)

    assert campus.records("mover") == [(17, "CSE-B", "absent", "CSE-B")]
    assert counts(campus.kept("mover")) == (1, 0, 0, 1, 0)


# -- coming late ------------------------------------------------------------------------------------------------


def test_joining_in_week_four_leaves_weeks_one_to_three_out(campus: Campus) -> None:
    for day in (3, 5, 10, 12, 17):
        campus.hold(campus.a, day)
    unclosed = campus.open(campus.a, 19)
    late = people.create_student(
        school=campus.plan.school,
        enrollment_no="L1",
        full_name="Latika",
        cohort=campus.a,
        joined_on=FROM + timedelta(weeks=3),
        by=campus.plan.office,
        now=campus.plan.at("2026-11-23 09:00"),
    )
    sessions.close_session(session=unclosed, by=campus.plan.office, now=END)
    first = campus.open(campus.a, 24)
    mark(session=first, student="L1", status="present", by=campus.plan.office, now=first.starts_at)
    sessions.close_session(session=first, by=campus.plan.office, now=first.ends_at)
    campus.hold(campus.a, 26)

    found = AttendanceRecord.objects.filter(student=late).order_by("held_on")
    assert [(record.held_on.day, record.status) for record in found] == [(24, "present"), (26, "absent")]
    body = client_of(late.user).get(SUMMARY).json()
    assert (body["overall"]["held"], body["overall"]["percentage"]) == (2, 50.0)
    assert counts(campus.kept("stayer")) == (8, 0, 0, 8, 0)


# -- the same through a file ------------------------------------------------------------------------------------


def load(campus: Campus, *lines: str, now: datetime, **options: Any) -> Any:
    data = "\n".join(["enrollment_no,full_name,section", *lines]).encode()
    return import_roster(school=campus.plan.school, data=data, by=campus.plan.office, now=now, **options)


def test_another_section_in_a_roster_is_the_same_transfer(campus: Campus) -> None:
    campus.hold(campus.a, 3, mover="present")
    campus.hold(campus.a, 5)

    report = load(campus, "M1,Meera,CSE-B", now=campus.plan.at("2026-11-20 10:00"), joined_on=MOVED_ON)

    assert (report.imported, report.updated, report.enrolled) == (True, 1, 1)
    campus.hold(campus.a, 17)
    campus.hold(campus.b, 17, mover="present")
    assert campus.records("mover") == [
        (3, "CSE-A", "present", "CSE-A"),
        (5, "CSE-A", "absent", "CSE-A"),
        (17, "CSE-B", "present", "CSE-B"),
    ]
    assert counts(campus.kept("mover")) == (3, 2, 0, 1, 0)
    assert campus.kept("mover").percentage == Decimal("66.67")
    entry = AuditEntry.objects.get(action="student.transfer")
    assert (entry.object_id, entry.actor_id) == (str(campus.mover.pk), campus.plan.office.pk)
    assert entry.before == {"cohort": "CSE-A"}
    assert entry.after == {"cohort": "CSE-B", "on": "2026-11-17"}


def test_a_roster_that_moves_somebody_to_before_their_last_move_is_refused_by_its_line(
    campus: Campus,
) -> None:
    campus.transfer(now=campus.plan.now)

    report = load(
        campus, "S1,Sanjay,CSE-A", "M1,Meera,CSE-A", now=campus.plan.at("2026-11-10 10:00"), skip_bad=True
    )

    assert [(bad.line, bad.column, bad.value, bad.code) for bad in report.problems] == [
        (3, "section", "CSE-A", "joined_later")
    ]
    assert "2026-11-17" in str(report.problems[0].reason)
    spells = campus.mover.enrollments.order_by("joined_on").values_list(
        "section__cohort__code", "joined_on", "left_on"
    )
    assert list(spells) == [("CSE-A", date(2026, 1, 1), MOVED_ON), ("CSE-B", MOVED_ON, None)]


def test_a_roster_without_the_section_moves_nobody(campus: Campus) -> None:
    report = load(campus, "M1,Meera,", now=campus.plan.now)

    assert (report.unchanged, report.enrolled) == (1, 0)
    campus.mover.refresh_from_db()
    assert campus.mover.cohort == campus.a
    assert campus.class_of(campus.a, 3).status == SessionStatus.SCHEDULED
