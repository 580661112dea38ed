"""Loading the demo, throwing it away, and the school for measurements."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from academics.models import Student
from accounts.models import School
from attendance.demo import today
from attendance.models import AttendanceRecord
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


@pytest.mark.parametrize(
    "arguments",
    [["--students", "3"], ["--weeks", "0"], ["--scale", "0"], ["--students", "9", "--scale", "9"]],
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
