"""The rules a school sets for itself, and figures that follow them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import SchoolCodeTaken
from accounts.models import User
from attendance.enums import Status
from attendance.models import AttendanceConfiguration, AttendanceStatistics
from attendance.models.configuration import RANGES
from attendance.services import configuration, sessions, statistics
from attendance.services.schools import create_school
from audit.models import AuditEntry
from core.errors import Invalid, Stale
from tests.factories import RecordFactory, SectionFactory, SessionFactory, UserFactory
from tests.races import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> User:
    return UserFactory()


@pytest.fixture
def rules(office: User) -> AttendanceConfiguration:
    assert office.school is not None
    return office.school.attendance_configuration


def change(
    rules: AttendanceConfiguration, by: User, now: datetime, **changes: Any
) -> AttendanceConfiguration:
    return configuration.update(configuration=rules, changes=changes, by=by, now=now)


def test_a_change_is_kept_counted_and_told(
    rules: AttendanceConfiguration, office: User, now: datetime
) -> None:
    changed = change(rules, office, now, grace_period_minutes=10, attendance_threshold_percent=75)

    rules.refresh_from_db()
    assert (rules.grace_period_minutes, rules.version, rules.updated_at) == (10, 2, now)
    assert changed == rules
    entry = AuditEntry.objects.get(action="configuration.update")
    assert (entry.before, entry.after) == ({"grace_period_minutes": 5}, {"grace_period_minutes": 10})
    assert (entry.school_id, entry.actor_id) == (rules.school_id, office.pk)


def test_changing_nothing_changes_nothing(
    rules: AttendanceConfiguration, office: User, now: datetime
) -> None:
    assert change(rules, office, now, grace_period_minutes=5, late_weight="1.00").version == 1
    assert not AuditEntry.objects.exists()


def test_whoever_changes_an_old_version_is_told(
    rules: AttendanceConfiguration, office: User, now: datetime
) -> None:
    change(rules, office, now, grace_period_minutes=10)
    with pytest.raises(Stale) as refused:
        configuration.update(
            configuration=rules, changes={"grace_period_minutes": 7}, version=1, by=office, now=now
        )
    assert refused.value.meta == {"version": 2}


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_number_has_its_range_in_service_and_database(
    rules: AttendanceConfiguration, office: User, now: datetime, name: str
) -> None:
    low, high = RANGES[name]
    for value in (low - 1, high + 1):
        with pytest.raises(Invalid) as refused:
            change(rules, office, now, **{name: value})
        assert refused.value.attr == name
        with pytest.raises(IntegrityError), transaction.atomic():
            AttendanceConfiguration.objects.filter(pk=rules.pk).update(**{name: max(value, -1)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("late_weight", Decimal("NaN")),
        ("late_weight", Decimal("Infinity")),
        ("late_weight", "0.123"),
        ("grace_period_minutes", None),
        ("grace_period_minutes", "five"),
        ("auto_open_sessions", "perhaps"),
        ("excused_counts_as", "late"),
        ("no_such_rule", 1),
        ("version", 9),
        ("school", 1),
    ],
)
def test_nonsense_is_refused_by_name(
    rules: AttendanceConfiguration, office: User, now: datetime, name: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        change(rules, office, now, **{name: value})
    assert refused.value.attr == name


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"condonation_floor_percent": 80}, "condonation_floor_percent"),
        ({"attendance_threshold_percent": 60}, "attendance_threshold_percent"),
    ],
)
def test_the_floor_never_lies_above_the_threshold(
    rules: AttendanceConfiguration, office: User, now: datetime, changes: dict[str, int], attr: str
) -> None:
    with pytest.raises(Invalid) as refused:
        change(rules, office, now, **changes)
    assert refused.value.attr == attr
    both = change(rules, office, now, attendance_threshold_percent=60, condonation_floor_percent=50)
    assert both.version == 2


def test_kept_percentages_follow_a_changed_formula_of_their_own_school_alone(now: datetime) -> None:
    sections = SectionFactory.create_batch(2, students=1)
    for section in sections:
        for status in (Status.PRESENT, Status.LATE, Status.EXCUSED):
            session = SessionFactory(section=section, status="closed")
            RecordFactory(session=session, status=status)
            statistics.add(session, now=now)
            session.occupancies.all().delete()
    mine, other = sections
    rules, office = mine.school.attendance_configuration, UserFactory(school=mine.school)

    change(rules, office, now, late_weight=Decimal("0.5"))
    assert percentage(mine) == Decimal("75.00")
    change(rules, office, now, excused_counts_as="present")
    assert percentage(mine) == Decimal("83.33")
    assert percentage(other) == Decimal("100.00")


@pytest.mark.django_db(transaction=True)
def test_a_class_that_closes_meanwhile_counts_by_the_new_rule(now: datetime) -> None:
    section = SectionFactory(students=2)
    office = UserFactory(school=section.school)
    for round_ in range(15):
        session = SessionFactory(section=section, open=True)
        for enrollment in section.enrollments.all():
            RecordFactory(session=session, student=enrollment.student, status=Status.LATE)
        weight = Decimal(round_ % 2) / 2
        rules = section.school.attendance_configuration

        def act(index: int, session: Any = session, rules: Any = rules, weight: Any = weight) -> object:
            if index:
                return sessions.close_session(session=session, by=None, now=now)
            return change(rules, office, now, late_weight=weight)

        together(2, act)
        session.occupancies.all().delete()
        assert percentage(section) == 100 * weight, round_


@pytest.mark.django_db(transaction=True)
def test_of_those_who_change_one_version_at_once_one_wins(now: datetime) -> None:
    office = UserFactory()
    assert office.school is not None
    rules = office.school.attendance_configuration
    for version in range(1, 7):

        def act(index: int, version: int = version) -> AttendanceConfiguration:
            changes = {"grace_period_minutes": 10 * version + index}
            return configuration.update(
                configuration=rules, changes=changes, version=version, by=office, now=now
            )

        kinds = sorted(type(outcome).__name__ for outcome in together(4, act))
        assert kinds == ["AttendanceConfiguration", "Stale", "Stale", "Stale"]


def test_a_school_works_from_the_moment_it_is_made(now: datetime) -> None:
    school = create_school(name="New College", code="new", timezone="Europe/Berlin", by=None, now=now)

    assert school.attendance_configuration.grace_period_minutes == 5
    assert AuditEntry.objects.get(action="school.create").school_id == school.pk
    with pytest.raises(SchoolCodeTaken):
        create_school(name="Other", code="NEW", by=None, now=now)


@pytest.mark.parametrize(
    ("details", "attr"),
    [({"timezone": "Mars/Olympus"}, "timezone"), ({"code": "a b"}, "code"), ({"name": ""}, "name")],
)
def test_a_school_with_nonsense_is_refused_by_field(
    now: datetime, details: dict[str, str], attr: str
) -> None:
    with pytest.raises(Invalid) as refused:
        create_school(**{"name": "New College", "code": "new", **details}, by=None, now=now)
    assert refused.value.attr == attr


def percentage(section: Any) -> Decimal | None:
    (found,) = set(
        AttendanceStatistics.objects.filter(course=section.course).values_list("percentage", flat=True)
    )
    return found
