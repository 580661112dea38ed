"""A class in figures, all of them computed by hand.

A late mark weighs half, excused ones are left out, clear is from 75 %, condonable from 65 %.

    class             first second third fourth
    Mon  2 November   P     P      L     A
    Tue  3 November   P     L      A     A
    Sun  8 November   P     P      E     A
    Mon  9 November   P     A      P     P
    Mon 23 November   P     P      L     E

    first    5 P                    5   of 5 = 100 %    clear       may miss floor(5 / 0.75 - 5) = 1
    second   3 P, 1 L, 1 A          3.5 of 5 =  70 %    condonable  needs ceil((0.75·5 - 3.5) / 0.25) = 1
    third    1 P, 2 L, 1 A, 1 E     2   of 4 =  50 %    shortage    needs ceil((0.75·4 - 2) / 0.25) = 4
    fourth   1 P, 3 A, 1 E          1   of 4 =  25 %    shortage    needs ceil((0.75·4 - 1) / 0.25) = 8
    pooled  10 P, 3 L, 5 A, 2 E  11.5 of 18 = 63.888… %, where the mean of the four would be 61.25 %
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from academics.models import Section, Student
from accounts.models import School
from attendance.enums import SessionStatus
from attendance.models import AttendanceConfiguration
from attendance.selectors.course_summary import CourseSummary, course_summary
from attendance.services import sessions, statistics, summaries
from core import clock
from tests.attendance.classes import hold
from tests.factories import (
    CourseFactory,
    EnrollmentFactory,
    RecordFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 24)
#: After the last class.
END = datetime.fromisoformat("2026-11-24T12:00:00+05:30")
HELD = [
    ("2026-11-02 09:00", "PPLA"),
    ("2026-11-03 09:00", "PLAA"),
    ("2026-11-08 09:00", "PPEA"),
    ("2026-11-09 09:00", "PAPP"),
    ("2026-11-23 09:00", "PPLE"),
]


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    with clock.frozen(END):
        yield


@dataclass
class Class:
    school: School
    section: Section
    students: list[Student]

    def hold_all(self) -> None:
        for local, marks in HELD:
            hold(self.section, local, marks, self.students)

    def summary(self, *sections: Section, today: date = TODAY) -> CourseSummary:
        return course_summary(
            course=self.section.course,
            term=self.section.term,
            sections=[section.pk for section in sections or [self.section]],
            today=today,
        )


def make_class(**school: Any) -> Class:
    made = SchoolFactory(configuration__late_weight=Decimal("0.5"), **school)
    students = [StudentFactory(school=made, enrollment_no=f"N{number}") for number in range(4)]
    return Class(made, SectionFactory(school=made, students=students), students)


@pytest.fixture
def held() -> Class:
    made = make_class()
    made.hold_all()
    summaries.refresh(now=END)
    return made


def change_rules(school: School, **rules: Any) -> None:
    AttendanceConfiguration.objects.filter(school=school).update(**rules)


def per_student(summary: CourseSummary) -> list[tuple[str, Decimal | None, str | None, int, int]]:
    return [
        (one.student, one.figures.percentage, one.figures.band, one.figures.need, one.figures.can_miss)
        for one in summary.students
    ]


def spread(summary: CourseSummary) -> dict[int, int]:
    """Lower ends of the bars that are not empty."""
    return {bar.low: bar.students for bar in summary.histogram if bar.students}


def weeks(summary: CourseSummary) -> list[tuple[int, int, Decimal | None]]:
    """(Monday's day of November, classes, percentage)."""
    return [(week.monday.day, week.sessions, week.percentage) for week in summary.trend.weeks]


def test_every_student_has_the_figures_of_the_table(held: Class) -> None:
    summary = held.summary()

    assert per_student(summary) == [
        ("N0", Decimal("100.00"), "clear", 0, 1),
        ("N1", Decimal("70.00"), "condonable", 1, 0),
        ("N2", Decimal("50.00"), "shortage", 4, 0),
        ("N3", Decimal("25.00"), "shortage", 8, 0),
    ]
    third = summary.students[2].figures
    assert (third.held, third.present, third.late, third.absent, third.excused) == (5, 1, 2, 1, 1)
    assert (third.attended, third.counted) == (2, 4)
    assert summary.students[2].section == held.section.pk
    assert (summary.threshold, summary.floor, summary.sessions) == (75, 65, 5)


def test_the_average_is_over_pooled_counts_and_no_mean_of_percentages(held: Class) -> None:
    average = held.summary().average

    assert (average.present, average.late, average.absent, average.excused) == (10, 3, 5, 2)
    assert (average.attended, average.counted) == (Decimal("11.5"), 18)
    assert (average.percentage, average.band) == (Decimal("63.89"), "shortage")


def test_students_are_spread_over_bands_and_bars_of_ten_points(held: Class) -> None:
    summary = held.summary()

    assert (summary.bands.clear, summary.bands.condonable, summary.bands.shortage, summary.bands.none) == (
        (1, 1, 2, 0)
    )
    assert spread(summary) == {20: 1, 50: 1, 70: 1, 90: 1}
    assert [(bar.low, bar.high) for bar in summary.histogram] == [(n, n + 10) for n in range(0, 100, 10)]


# By hand, pooled over the week: 2–8 November 5 P, 2 L, 4 A, 1 E: 6 of 11; 9–15: 3 of 4; 16–22 nothing;
# 23–29: 2 P, 1 L, 1 E: 2.5 of 3.
def test_weeks_go_from_monday_to_sunday_and_one_without_a_class_is_there_without_a_percentage(
    held: Class,
) -> None:
    assert weeks(held.summary()) == [
        (2, 3, Decimal("54.55")),
        (9, 1, Decimal("75.00")),
        (16, 0, None),
        (23, 1, Decimal("83.33")),
    ]
    assert held.summary().trend.as_of == END


# Excused ones in numerator and denominator: 13.5 of 20; third 3 of 5: ceil((3.75 - 3) / 0.25) = 3;
# fourth 2 of 5: ceil((3.75 - 2) / 0.25) = 7. First week 7 of 12, last 3.5 of 4.
def test_excused_counts_as_present_where_the_school_says_so(held: Class) -> None:
    change_rules(held.school, excused_counts_as="present")
    summary = held.summary()

    assert [row[1:4] for row in per_student(summary)[2:]] == [
        (Decimal("60.00"), "shortage", 3),
        (Decimal("40.00"), "shortage", 7),
    ]
    assert (summary.average.percentage, summary.average.band) == (Decimal("67.50"), "condonable")
    assert [row[2] for row in weeks(summary)] == [Decimal("58.33"), Decimal("75.00"), None, Decimal("87.50")]


# With full weight: second 4 of 5, third 3 of 4, which is the threshold itself; all 13 of 18.
def test_late_marks_weigh_what_the_school_says_and_the_threshold_itself_is_clear(held: Class) -> None:
    change_rules(held.school, late_weight=Decimal(1))
    summary = held.summary()

    assert [row[1:3] for row in per_student(summary)[1:3]] == [
        (Decimal("80.00"), "clear"),
        (Decimal("75.00"), "clear"),
    ]
    assert (summary.bands.clear, summary.bands.shortage) == (3, 1)
    assert summary.average.percentage == Decimal("72.22")


def test_a_class_without_students_has_no_average_and_no_bar() -> None:
    summary = course_summary(
        course=CourseFactory(school=(school := SchoolFactory())),
        term=TermFactory(school=school),
        sections=[],
        today=TODAY,
    )

    assert (summary.average.percentage, summary.average.band, summary.average.counted) == (None, None, 0)
    assert (summary.students, spread(summary), summary.sessions, summary.trend.weeks) == ([], {}, 0, [])


def test_before_the_first_class_everybody_is_listed_without_a_percentage() -> None:
    summary = make_class().summary()

    assert [row[1:] for row in per_student(summary)] == [(None, None, 0, 0)] * 4
    assert (summary.average.percentage, summary.bands.none, spread(summary)) == (None, 4, {})


def test_a_week_in_which_everybody_was_excused_has_classes_and_no_percentage() -> None:
    made = make_class()
    hold(made.section, "2026-11-02 09:00", "EEEE", made.students)
    summaries.refresh(now=END)
    summary = made.summary()

    assert weeks(summary) == [(2, 1, None)]
    assert (summary.average.percentage, summary.bands.none) == (None, 4)


@pytest.mark.parametrize(
    ("zone", "local", "monday"),
    [
        # In UTC these are the Sunday before and the Monday after.
        ("Asia/Kolkata", "2026-11-09 00:30", 9),
        ("America/New_York", "2026-11-08 22:30", 2),
    ],
)
def test_a_week_begins_on_the_schools_own_monday(zone: str, local: str, monday: int) -> None:
    made = make_class(timezone=zone)
    hold(made.section, local, "PPPP", made.students)
    summaries.refresh(now=END)

    assert weeks(made.summary()) == [(monday, 1, Decimal("100.00"))]


def test_void_unconfirmed_open_and_cancelled_classes_count_nowhere(held: Class) -> None:
    before = held.summary()
    voided = hold(held.section, "2026-11-10 09:00", "AAAA", held.students)
    sessions.void_session(
        session=voided, reason="The wrong room", by=UserFactory(school=held.school), now=END
    )
    for hour, status in enumerate((SessionStatus.UNCONFIRMED, SessionStatus.OPEN, SessionStatus.CANCELLED)):
        other = SessionFactory(
            section=held.section,
            starts_at=datetime.fromisoformat(f"2026-11-11T1{hour}:00:00+05:30"),
            status=status,
        )
        RecordFactory(session=other, section=held.section, student=held.students[0], status="absent")
    summaries.refresh(now=END)

    assert held.summary() == before


def test_a_locked_class_counts_like_a_closed_one(held: Class) -> None:
    before = held.summary()
    for session in held.section.sessions.all():
        sessions.lock_session(session=session, by=UserFactory(school=held.school), now=END)
    summaries.refresh(now=END)

    assert held.summary() == before


def test_a_class_of_two_sections_is_one_class_of_the_course() -> None:
    made = make_class()
    other = SectionFactory(school=made.school, course=made.section.course, students=1)
    guest = other.enrollments.get().student
    hold(made.section, "2026-11-02 09:00", "PPAAP", [*made.students, guest], also=other)
    summaries.refresh(now=END)

    both = made.summary(made.section, other)
    assert (both.sessions, both.average.counted, both.average.percentage) == (1, 5, Decimal("60.00"))
    assert weeks(both) == [(2, 1, Decimal("60.00"))]
    assert weeks(made.summary()) == [(2, 1, Decimal("50.00"))]
    assert weeks(made.summary(other)) == [(2, 1, Decimal("100.00"))]


# The second moves to another section of the course on the 9th: P, L, P there and A, P here make 3.5 of 5 still.
def test_who_moved_within_the_course_has_one_percentage_and_stands_where_they_sit_now() -> None:
    made = make_class()
    mover = made.students[1]
    other = SectionFactory(school=made.school, course=made.section.course, students=1)
    (stayer,) = [one.student for one in other.enrollments.all()]
    for local, marks in HELD[:3]:
        hold(made.section, local, marks, made.students)
    mover.enrollments.update(left_on=date(2026, 11, 9))
    EnrollmentFactory(section=other, student=mover, joined_on=date(2026, 11, 9))
    for local, marks in HELD[3:]:
        hold(other, local, f"{marks[1]}P", [mover, stayer])
    summaries.refresh(now=END)

    assert [row[0] for row in per_student(made.summary())] == ["N0", "N2", "N3"]
    assert per_student(made.summary(other))[-1 if mover.enrollment_no > stayer.enrollment_no else 0] == (
        ("N1", Decimal("70.00"), "condonable", 1, 0)
    )
    both = made.summary(made.section, other)
    assert [row for row in per_student(both) if row[0] == "N1"] == [
        ("N1", Decimal("70.00"), "condonable", 1, 0)
    ]
    assert both.sessions == 5
    # The weeks tell what was held where, with whoever sat there then.
    assert weeks(made.summary()) == [(2, 3, Decimal("54.55"))]
    assert weeks(made.summary(other)) == [
        (9, 1, Decimal("50.00")),
        (16, 0, None),
        (23, 1, Decimal("100.00")),
    ]
    assert statistics.check() == []


def test_whose_membership_ended_is_not_in_the_class_and_after_the_term_its_last_day_decides(
    held: Class,
) -> None:
    held.students[3].enrollments.update(left_on=date(2026, 11, 20))
    late = StudentFactory(school=held.school, enrollment_no="N9")
    EnrollmentFactory(section=held.section, student=late, joined_on=date(2026, 12, 1))

    assert [row[0] for row in per_student(held.summary())] == ["N0", "N1", "N2"]
    assert [row[0] for row in per_student(held.summary(today=date(2026, 11, 19)))] == ["N0", "N1", "N2", "N3"]
    assert [row[0] for row in per_student(held.summary(today=date(2029, 1, 1)))] == ["N0", "N1", "N2", "N9"]
    assert [row[0] for row in per_student(held.summary(today=date(2020, 1, 1)))] == ["N0", "N1", "N2", "N3"]
