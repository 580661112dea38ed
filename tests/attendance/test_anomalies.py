"""What somebody should look at: which scans make a case, who sees it, and that it was looked at."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from academics.models import Student
from accounts.models import User
from attendance.models import (
    AnomalyDismissal,
    AttendanceConfiguration,
    AttendanceRecord,
    RefusedScan,
    Session,
)
from attendance.selectors import anomalies as cases
from attendance.selectors import anomaly_texts
from attendance.selectors.anomalies import Anomaly
from attendance.services import anomalies, marking, sessions
from core.errors import Invalid
from tests.attendance.anomaly_world import a_class, burst, scan
from tests.attendance.scans import students_of
from tests.factories import SessionFactory, UserFactory
from tests.races import together

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 3)
#: Metres from the room of `a_class` to that of `far_from`.
FAR = 0.2 * 111_195


@pytest.fixture
def session() -> Session:
    return a_class()


@pytest.fixture
def office(session: Session) -> User:
    return UserFactory(school=session.school)


def listed(
    session: Session, by: User, *, dismissed: bool | None = False, today: date = TODAY
) -> list[Anomaly]:
    classes = cases.classes_of(user=by, school=session.school, today=today)
    return cases.find(classes, school=session.school, dismissed=dismissed)


def kinds(session: Session, by: User) -> list[tuple[str, list[int]]]:
    return [(one.kind, list(one.student_ids)) for one in listed(session, by)]


def ids(*students: Student) -> list[int]:
    return sorted(student.pk for student in students)


def far_from(session: Session, now: datetime) -> Session:
    """A class of the same section an hour later and `FAR` metres further north."""
    far = a_class(session.sections.get(), starts_at=now + timedelta(hours=1))
    assert far.room is not None
    far.room.latitude = 17.2
    far.room.save()
    return far


class TestTraces:
    def test_refusals_worth_looking_into_are_kept_once_for_each_student_and_kind(
        self, session: Session, now: datetime
    ) -> None:
        first, second, third, *_rest = students_of(session)
        for _time in range(3):
            assert scan(session, first, at=now, north=900) == "outside_geofence"
        scan(session, second, at=now, device_key="same")
        assert scan(session, third, at=now, device_key="same") == "device_already_used"

        kept = RefusedScan.objects.order_by("code").values_list("student", "code", "device_key")
        assert list(kept) == [
            (third.pk, "device_already_used", "same"),
            (first.pk, "outside_geofence", f"b{first.pk}"),
        ]
        assert RefusedScan.objects.get(student=first).location == {
            "latitude": pytest.approx(17.008094),
            "longitude": 82.0,
            "accuracy": 10.0,
            "distance": pytest.approx(900, abs=1),
            "radius": 100,
            "allowance": 10.0,
        }

    def test_who_was_too_early_leaves_no_trace_and_who_was_too_late_does(
        self, session: Session, office: User, now: datetime
    ) -> None:
        student = students_of(session)[0]
        later = SessionFactory(section=session.sections.get(), starts_at=now + timedelta(hours=3))
        assert scan(later, student, at=now) == "session_not_open"
        sessions.close_session(session=session, by=office, now=now)
        assert scan(session, student, at=now + timedelta(minutes=1)) == "session_not_open"

        assert RefusedScan.objects.values_list("session", "code").get() == (session.pk, "session_not_open")

    def test_no_place_is_kept_where_the_school_does_not_check_it(
        self, session: Session, office: User, now: datetime
    ) -> None:
        AttendanceConfiguration.objects.update(gps_verification=False)
        sessions.close_session(session=session, by=office, now=now)
        scan(session, students_of(session)[0], at=now)
        assert RefusedScan.objects.get().location is None


class TestKinds:
    def test_one_phone_for_several_students_over_classes(
        self, session: Session, office: User, now: datetime
    ) -> None:
        first, second, third, *_rest = students_of(session)
        tomorrow = SessionFactory(
            section=session.sections.get(), starts_at=now + timedelta(days=1), open=True
        )
        scan(session, first, at=now, device_key="phone")
        scan(session, third, at=now, device_key="other")
        scan(tomorrow, second, at=tomorrow.starts_at, device_key="phone")

        (found,) = listed(session, office, today=date(2026, 11, 4))

        assert (found.kind, found.subject, found.session_id) == ("shared_device", "phone", tomorrow.pk)
        assert list(found.student_ids) == ids(first, second)
        assert anomaly_texts.seen(found) == "2 students scanned with the same device in 2 classes."

    def test_a_burst_of_late_scans_and_not_a_trickle(
        self, session: Session, office: User, now: datetime
    ) -> None:
        students = students_of(session)
        late = now + timedelta(minutes=20)
        burst(session, students[:4], at=late)
        assert kinds(session, office) == []
        scan(session, students[4], at=late + timedelta(minutes=5))
        assert kinds(session, office) == []
        scan(session, students[5], at=late + timedelta(seconds=30))
        assert kinds(session, office) == [("late_burst", ids(*students[:4], students[5]))]

    def test_a_burst_after_the_class_closed(self, session: Session, office: User, now: datetime) -> None:
        students = students_of(session)
        sessions.close_session(session=session, by=office, now=now)
        after = now + timedelta(minutes=1)
        burst(session, students[:2], at=after)
        assert kinds(session, office) == []
        scan(session, students[2], at=after + timedelta(seconds=2))
        assert kinds(session, office) == [("after_close", ids(*students[:3]))]

    def test_from_outside_from_the_edge_and_with_a_phone_that_hardly_knows(
        self, session: Session, office: User, now: datetime
    ) -> None:
        outside, edge, vague, fine, *_rest = students_of(session)
        assert scan(session, outside, at=now, north=900) == "outside_geofence"
        assert scan(session, edge, at=now, north=130, accuracy=40.0) == "recorded"
        assert scan(session, vague, at=now, north=20, accuracy=400.0) == "recorded"
        assert scan(session, fine, at=now, north=90, accuracy=30.0) == "recorded"

        assert kinds(session, office) == [
            ("outside", ids(outside)),
            ("edge", ids(edge)),
            ("inaccurate", ids(vague)),
        ]
        said = [anomaly_texts.seen(one) for one in listed(session, office)]
        assert said == [
            "1 student, up to 900 m from the room (allowed: 100 m).",
            "1 student, up to 130 m from the room (allowed: 100 m).",
            "1 student: the phone was unsure by up to 400 m (from 100 m on it is listed).",
        ]

    def test_two_scans_too_far_apart_for_the_time_between(
        self, session: Session, office: User, now: datetime
    ) -> None:
        fast, slow, *_rest = students_of(session)
        far = far_from(session, now)
        for student, minutes in ((fast, 5), (slow, 60)):
            scan(session, student, at=now)
            scan(far, student, at=now + timedelta(minutes=minutes), north=FAR)

        (found,) = [one for one in listed(session, office) if one.kind == "impossible_distance"]

        assert list(found.student_ids) == ids(fast)
        assert found.subject == f"{fast.pk}:{session.pk}:{far.pk}"
        assert anomaly_texts.seen(found) == "Two scans 22.2 km apart within 5 minutes."

    def test_marks_by_hand_over_scans_in_two_places_are_no_journey(
        self, session: Session, office: User, now: datetime
    ) -> None:
        student = students_of(session)[0]
        far = far_from(session, now)
        hour = timedelta(hours=1)
        for held, at, north in ((session, now, 0), (far, now + hour, FAR)):
            assert scan(held, student, at=at, north=north) == "recorded"
        for held in (session, far):
            marking.mark(
                session=held, student=student.enrollment_no, status="excused", by=office, now=now + hour
            )

        kept = AttendanceRecord.objects.filter(student=student, location__isnull=False)
        assert set(kept.values_list("source", "marked_at")) == {("manual", now + hour)}
        assert kinds(session, office) == []

    def test_a_phone_that_somebody_else_had_used(self, session: Session, office: User, now: datetime) -> None:
        first, second, *_rest = students_of(session)
        scan(session, first, at=now, device_key="phone")
        scan(session, second, at=now, device_key="phone")
        assert kinds(session, office) == [("device_refused", ids(second))]


class TestWhoSees:
    def test_faculty_see_their_own_classes_and_the_office_all(
        self, session: Session, office: User, now: datetime
    ) -> None:
        scan(session, students_of(session)[0], at=now, north=900)
        colleague = SessionFactory(section__school=session.school).faculty.get().user
        assert len(listed(session, session.faculty.get().user)) == 1
        assert len(listed(session, office)) == 1
        assert listed(session, colleague) == []
        assert listed(session, students_of(session)[0].user) == []

    def test_the_days_are_bounded(self) -> None:
        assert cases.window(None, None, today=TODAY) == (date(2026, 10, 28), TODAY)
        for first, last in ((TODAY, date(2026, 11, 2)), (date(2026, 1, 1), TODAY)):
            with pytest.raises(Invalid) as caught:
                cases.window(first, last, today=TODAY)
            assert caught.value.attr == "until"


class TestDismissing:
    def dismissed(self, session: Session, by: User, now: datetime) -> AnomalyDismissal:
        (found,) = listed(session, by)
        return anomalies.dismiss(school=session.school, anomaly=found, remark=" Sisters. ", by=by, now=now)

    def test_what_was_looked_at_is_listed_no_more_until_it_is_taken_back(
        self, session: Session, office: User, now: datetime
    ) -> None:
        scan(session, students_of(session)[0], at=now, north=900)
        made = self.dismissed(session, office, now)

        assert listed(session, office) == []
        (fine,) = listed(session, office, dismissed=True)
        assert fine.dismissal == made
        assert (made.remark, made.dismissed_by, made.dismissed_at) == ("Sisters.", office, now)

        anomalies.undo(dismissal=made, by=office, now=now)
        anomalies.undo(dismissal=made, by=office, now=now)
        assert len(listed(session, office)) == 1
        assert listed(session, office, dismissed=True) == []

    def test_repeating_it_changes_nothing(self, session: Session, office: User, now: datetime) -> None:
        scan(session, students_of(session)[0], at=now, north=900)
        (found,) = listed(session, office)
        first = anomalies.dismiss(school=session.school, anomaly=found, by=office, now=now)
        again = anomalies.dismiss(school=session.school, anomaly=found, by=office, now=now)
        assert first == again
        assert AnomalyDismissal.objects.count() == 1

    def test_it_is_listed_again_when_somebody_joins_and_can_be_dismissed_with_them(
        self, session: Session, office: User, now: datetime
    ) -> None:
        first, second, *_rest = students_of(session)
        scan(session, first, at=now, north=900)
        old = self.dismissed(session, office, now)
        scan(session, second, at=now, north=900)
        assert len(listed(session, office)) == 1

        made = self.dismissed(session, office, now)

        assert listed(session, office) == []
        assert made.students == ids(first, second)
        old.refresh_from_db()
        assert (old.undone_by, old.undone_at) == (office, now)


@pytest.mark.django_db(transaction=True)
def test_two_who_dismiss_at_once_leave_one_dismissal(now: datetime) -> None:
    session = a_class()
    office = UserFactory(school=session.school)
    scan(session, students_of(session)[0], at=now, north=900)
    (found,) = listed(session, office)

    answers = together(
        4, lambda _n: anomalies.dismiss(school=session.school, anomaly=found, by=office, now=now).pk
    )

    assert len(set(answers)) == AnomalyDismissal.objects.count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_it_costs_three_queries_whatever_is_found(
    session: Session, office: User, now: datetime, number: int, django_assert_num_queries: object
) -> None:
    for student in students_of(session)[:number]:
        scan(session, student, at=now, north=900)
    with django_assert_num_queries(3):  # type: ignore[operator] # a fixture
        found = listed(session, office)
    with django_assert_num_queries(4):  # type: ignore[operator] # a fixture
        cases.with_names(found)


def test_marks_are_read_class_by_class_through_an_index(session: Session, office: User) -> None:
    """With sequential scans made as dear as a million rows would make them."""
    classes = list(Session.objects.values_list("pk", "held_on"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN {cases._SEEN}",
            {
                "sessions": [pk for pk, _day in classes],
                "days": [day for _pk, day in classes],
                "late_burst": 5,
                "after_close": 3,
                "inaccurate": 100,
                "far": 500,
                "fast": 42,
            },
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert "session_id = s.id" in plan
    assert AttendanceRecord.objects.count() == 0
