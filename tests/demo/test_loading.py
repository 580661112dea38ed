"""Loading the demo, throwing it away, and the school for measurements."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from academics.models import Cohort, Student, Term
from accounts.models import School
from attendance.demo import bench, history, load, today
from attendance.demo.campus import Campus
from attendance.demo.catalogue import FIRST
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, SessionOccupancy
from attendance.services import statistics
from core import clock, doctor
from tests.demo.loading import NOW, seed
from tests.factories import RecordFactory, SessionFactory

pytestmark = pytest.mark.django_db


def test_the_same_seed_gives_the_same_campus():
    def shape():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT md5(string_agg(concat_ws('/', st.enrollment_no, u.full_name, s.starts_at, r.status, r.source, "
                "r.marked_at), ' ' ORDER BY r.id)) FROM attendance_record r "
                "JOIN academics_student st ON st.id = r.student_id JOIN accounts_user u ON u.id = st.user_id "
                "JOIN attendance_session s ON s.id = r.session_id"
            )
            return cursor.fetchone()[0]

    found = []
    for number in (1, 1, 2):
        with transaction.atomic():
            seed(students=40, weeks=2, seed=number)
            found.append(shape())
            transaction.set_rollback(True)

    assert found[0] == found[1] != found[2]


@pytest.mark.django_db(transaction=True)
def test_a_reset_makes_it_anew_and_leaves_other_schools_alone():
    other = RecordFactory(session=SessionFactory())
    seed(students=40, weeks=2)
    before = set(Student.objects.exclude(school=other.school).values_list("pk", flat=True))

    again = seed(students=30, weeks=1, reset=True)

    assert (again["loaded"], again["students"]) == (True, 50)
    assert not before & set(Student.objects.values_list("pk", flat=True))
    assert AttendanceRecord.objects.filter(pk=other.pk).exists()
    assert School.objects.filter(code__startswith="demo").count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'erasing%'")
        assert cursor.fetchone() == (0,)


def test_without_the_demo_there_is_nothing_to_ensure(db):
    assert today.ensure(now=NOW) is None


# -- the command ----------------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    with clock.frozen(NOW):
        call_command("seed_demo", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_tells_what_it_made_and_then_that_it_is_there():
    answer = json.loads(run("--students", "40", "--weeks", "1", "--json"))
    assert (answer["loaded"], answer["students"]) == (True, 60)
    assert "nothing was changed" in run()
    assert "“faculty” has a class from" in run("--ensure-today")


def test_production_has_no_demo(settings):
    settings.PRODUCTION = True

    for arguments in ([], ["--ensure-today"], ["--scale", "100"]):
        with pytest.raises(CommandError, match="refused in production"):
            run(*arguments)
    assert not School.objects.exists()


def campus_of(students: int) -> Campus:
    """As many students as wanted in two cohorts of one department, in memory."""
    school = School(pk=1, code="demo", timezone="Asia/Kolkata")
    term = Term(pk=1, school=school, starts_on=date(2026, 10, 12), ends_on=date(2027, 1, 13))
    campus = Campus(school, FIRST, term, "", random.Random(1), date(2026, 11, 4))  # noqa: S311 - it has to repeat
    campus.cohorts = [Cohort(pk=number, school=school, department_id=1) for number in (1, 2)]
    campus.students = [
        Student(pk=number, school=school, department_id=1, cohort=campus.cohorts[number % 2])
        for number in range(1, students + 1)
    ]
    return campus


def test_whoever_came_late_does_not_move_as_well() -> None:
    """In a short term the day of the moves lies before the day on which the late ones come."""
    campus = campus_of(14_300)

    late = {student.pk for student in history.late_comers(campus)}
    moved = [(student.pk, student.cohort_id, cohort.pk) for student, cohort in history.movers(campus)]

    # The first of both would be student 14,213.
    assert 14_213 in late
    assert len(moved) == len(campus.students[75::211]) - 1
    assert late.isdisjoint(pk for pk, _old, _new in moved)
    assert all(old != new for _pk, old, new in moved)


def test_holding_classes_again_makes_nothing_and_touches_nothing_ahead() -> None:
    seed(students=40, weeks=2)
    school = School.objects.get(code="demo")
    term = Term.objects.filter(school=school).latest("starts_on")
    states = list(Session.objects.order_by("pk").values_list("pk", "status"))
    day = school.local_date(NOW)

    again = history.hold(school, first=term.starts_on, until=day + timedelta(days=30), seed=1, now=NOW)

    assert again == 0
    assert list(Session.objects.order_by("pk").values_list("pk", "status")) == states
    assert history.catch_up(school, first=term.starts_on, seed=1, now=NOW) == 0
    ahead = Session.objects.filter(school=school, ends_at__gte=NOW)
    assert set(ahead.values_list("status", flat=True)) == {SessionStatus.SCHEDULED}


def test_what_was_not_held_takes_nobodys_time_and_counts_for_nobody() -> None:
    seed(students=130, weeks=6)

    cancelled = Session.objects.filter(status=SessionStatus.CANCELLED, cancelled_by_holiday=None)
    unconfirmed = Session.objects.filter(status=SessionStatus.UNCONFIRMED)
    assert cancelled.exists()
    assert unconfirmed.exists()
    assert not SessionOccupancy.objects.filter(session__in=cancelled).exists()
    assert not AttendanceRecord.objects.filter(session__in=[*cancelled, *unconfirmed]).exists()
    assert not unconfirmed.exclude(closed_by=None, opened_by_human_at=None, locked_at=None).exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--students", "3"],
        ["--weeks", "0"],
        ["--scale", "0"],
        ["--students", "9", "--scale", "9"],
        # One class a day of five courses for 120 days are 600 marks a student.
        ["--students", "60", "--scale", "36001"],
    ],
)
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(CommandError):
        run(*arguments)


# -- the school for measurements --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_bench_school_has_as_many_students_and_records_as_asked_for():
    answer = json.loads(run("--scale", "6000", "--students", "120", "--json"))

    assert (answer["students"], answer["records"]) == (120, 6000)
    school = School.objects.get(code="bench")
    assert AttendanceRecord.objects.filter(school=school).count() == 6000
    assert Student.objects.filter(school=school, current_snapshot=None).count() == 0
    assert statistics.check(school=school) == []
    assert [finding.state for finding in doctor.crossing_schools()] == ["ok"]
    assert "nothing was changed" in run("--scale", "6000")


def test_no_more_marks_than_a_class_a_day_gives() -> None:
    with pytest.raises(ValueError, match="one class a day"):
        bench.build(records=36_001, students=60, seed=1, password="!", progress=print, now=NOW)
    assert not School.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_bench_school_that_was_half_made_is_made_anew() -> None:
    options: dict[str, Any] = {"records": 36_000, "students": 60, "seed": 1, "reset": False, "now": NOW}

    def stopped(stage: str) -> None:
        if stage == "figures":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load.bench(**options, progress=stopped)
    half = School.objects.get(code="bench")
    assert not half.is_active
    assert AttendanceRecord.objects.filter(school=half).count() == 36_000

    answer = load.bench(**options, progress=lambda stage: None)

    assert (answer["loaded"], answer["students"], answer["records"]) == (True, 60, 36_000)
    school = School.objects.get(code="bench")
    assert school.is_active
    assert AttendanceRecord.objects.count() == 36_000
    assert statistics.check(school=school) == []
    assert load.bench(**options, progress=stopped)["loaded"] is False
