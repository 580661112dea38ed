"""Every answer a scan can get, and what is written for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from academics.models import Student
from attendance import errors
from attendance.enums import Source, Status
from attendance.models import AttendanceConfiguration, AttendanceRecord, Session
from attendance.services import sessions
from attendance.services.scanning import scan, scan_one
from audit.models import AuditEntry
from tests.attendance.scans import request_of, students_of
from tests.factories import RoomFactory, SectionFactory, SessionFactory, StudentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=3), open=True)


@pytest.fixture
def student(session: Session) -> Student:
    return students_of(session)[0]


def configure(session: Session, **values: object) -> None:
    AttendanceConfiguration.objects.filter(school=session.school).update(**values)


def test_a_fresh_scan_is_recorded_with_its_audit_entry(
    session: Session, student: Student, now: datetime
) -> None:
    answer = scan_one(request_of(session, student, at=now), now=now)

    record = AttendanceRecord.objects.get(session=session, student=student)
    assert (answer.code, answer.http_status, answer.record_id) == ("recorded", 201, record.pk)
    assert (record.status, record.source, record.marked_at) == (Status.PRESENT, Source.QR, now)
    assert record.snapshot_id == student.current_snapshot_id
    entry = AuditEntry.objects.get(action="record.create")
    assert (entry.object_id, entry.actor_id, entry.school_id) == (
        str(record.pk),
        student.user_id,
        session.school_id,
    )


def test_a_repeated_scan_gets_the_same_body_and_writes_nothing(
    session: Session, student: Student, now: datetime
) -> None:
    first = scan_one(request_of(session, student, at=now), now=now)
    later = now + timedelta(minutes=20)

    again = scan_one(request_of(session, student, at=later), now=later)

    assert (again.code, again.http_status) == ("already_recorded", 200)
    assert {**first.body(), "code": ""} == {**again.body(), "code": ""}
    assert AttendanceRecord.objects.count() == 1
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(("minutes", "status"), [(5, Status.PRESENT), (6, Status.LATE)])
def test_grace_runs_from_the_start(
    session: Session, student: Student, now: datetime, minutes: int, status: Status
) -> None:
    at = session.starts_at + timedelta(minutes=minutes)
    assert scan_one(request_of(session, student, at=at), now=at).status == status


def test_a_lecturer_ten_minutes_late_makes_nobody_late(session: Session, student: Student) -> None:
    Session.objects.filter(pk=session.pk).update(
        opened_by_human_at=session.starts_at + timedelta(minutes=10),
    )
    at = session.starts_at + timedelta(minutes=14)
    assert scan_one(request_of(session, student, at=at), now=at).status == Status.PRESENT


def test_a_code_of_an_older_series_is_too_old(session: Session, student: Student, now: datetime) -> None:
    old = request_of(session, student, at=now)
    sessions.new_generation(session=session, by=session.faculty.get().user, now=now)
    with pytest.raises(errors.CodeExpired):
        scan_one(old, now=now)


def test_a_series_ends_after_its_life(session: Session, student: Student, now: datetime) -> None:
    at = now + timedelta(minutes=60)
    with pytest.raises(errors.CodeExpired):
        scan_one(request_of(session, student, at=at), now=at)


def test_a_code_of_another_school_is_no_code(session: Session, student: Student, now: datetime) -> None:
    with pytest.raises(errors.CodeInvalid):
        scan_one(request_of(session, student, at=now, school_id=session.school_id + 1), now=now)


def test_a_closed_class_takes_no_scan(session: Session, student: Student, now: datetime) -> None:
    sessions.close_session(session=session, by=None, now=now)
    with pytest.raises(errors.SessionNotOpen):
        scan_one(request_of(session, student, at=now), now=now)


def test_somebody_from_elsewhere_is_not_on_the_roster(session: Session, now: datetime) -> None:
    stranger = StudentFactory(school=session.school)
    with pytest.raises(errors.NotOnRoster):
        scan_one(request_of(session, stranger, at=now), now=now)


def test_a_student_who_left_before_that_day_is_not_on_the_roster(
    session: Session, student: Student, now: datetime
) -> None:
    student.enrollments.update(left_on=session.held_on)
    with pytest.raises(errors.NotOnRoster):
        scan_one(request_of(session, student, at=now), now=now)


def test_a_deactivated_student_is_not_on_the_roster(
    session: Session, student: Student, now: datetime
) -> None:
    student.user.is_active = False
    student.user.save()
    with pytest.raises(errors.NotOnRoster):
        scan_one(request_of(session, student, at=now), now=now)


def test_one_device_marks_one_student(session: Session, now: datetime) -> None:
    first, second, _third = students_of(session)
    scan_one(request_of(session, first, at=now, device_key="bshared"), now=now)
    with pytest.raises(errors.DeviceAlreadyUsed):
        scan_one(request_of(session, second, at=now, device_key="bshared"), now=now)


def test_a_device_clash_inside_a_batch_fails_only_its_own_row(session: Session, now: datetime) -> None:
    first, second, third = students_of(session)
    answers = scan(
        [
            request_of(session, first, at=now, device_key="bshared"),
            request_of(session, second, at=now, device_key="bshared"),
            request_of(session, third, at=now),
        ],
        now=now,
    )
    assert [answer.code for answer in answers] == ["recorded", "device_already_used", "recorded"]


def test_no_device_no_mark_while_the_rule_is_on(session: Session, student: Student, now: datetime) -> None:
    with pytest.raises(errors.DeviceRequired):
        scan_one(request_of(session, student, at=now, device_key=None), now=now)


def test_no_device_is_kept_while_the_rule_is_off(session: Session, student: Student, now: datetime) -> None:
    configure(session, one_device_per_student=False)
    scan_one(request_of(session, student, at=now), now=now)
    assert AttendanceRecord.objects.get().device_key is None


class TestLocation:
    """Room at 17.0000 N, 82.0000 E; 0.001° of latitude are 111 m."""

    @pytest.fixture(autouse=True)
    def _room(self, session: Session) -> None:
        configure(session, gps_verification=True)
        session.room = RoomFactory(school=session.school, latitude=17.0, longitude=82.0)
        session.save()

    def test_is_required(self, session: Session, student: Student, now: datetime) -> None:
        with pytest.raises(errors.LocationRequired):
            scan_one(request_of(session, student, at=now), now=now)

    def test_outside_is_refused(self, session: Session, student: Student, now: datetime) -> None:
        with pytest.raises(errors.OutsideGeofence):
            scan_one(request_of(session, student, at=now, latitude=17.001, longitude=82.0), now=now)

    def test_inside_is_recorded_with_the_place(
        self, session: Session, student: Student, now: datetime
    ) -> None:
        scan_one(
            request_of(session, student, at=now, latitude=17.0008, longitude=82.0, accuracy=12.0), now=now
        )
        assert AttendanceRecord.objects.get().location == {
            "latitude": 17.0008,
            "longitude": 82.0,
            "accuracy": 12.0,
            "distance": 89.0,
            "radius": 100,
            "allowance": 12.0,
        }

    @pytest.mark.parametrize(
        ("metres", "accuracy", "code"),
        [
            # The circle of what the phone knows reaches the fence, which has a radius of 100 m.
            (111, None, "outside_geofence"),
            (111, 5.0, "outside_geofence"),
            (111, 12.0, "recorded"),
            # 50 m of it count at most.
            (145, 50.0, "recorded"),
            (155, 50.0, "outside_geofence"),
            (155, 5000.0, "outside_geofence"),
        ],
    )
    def test_who_may_stand_inside_by_the_phones_accuracy_is_let_in(
        self,
        session: Session,
        student: Student,
        now: datetime,
        metres: int,
        accuracy: float | None,
        code: str,
    ) -> None:
        asked = request_of(
            session, student, at=now, latitude=17 + metres / 111_195, longitude=82.0, accuracy=accuracy
        )
        (answer,) = scan([asked], now=now)
        assert answer.code == code

    def test_the_place_is_kept_where_a_scan_takes_the_place_of_the_systems_record(
        self, session: Session, student: Student, now: datetime
    ) -> None:
        teacher = session.faculty.get().user
        sessions.close_session(session=session, by=teacher, now=now)
        reopened = sessions.reopen_session(session=session, reason="projector", by=teacher, now=now)
        scan_one(request_of(reopened, student, at=now, latitude=17.0, longitude=82.0, accuracy=8.0), now=now)
        location = AttendanceRecord.objects.get(session=session, student=student).location
        assert location is not None
        assert (location["accuracy"], location["distance"]) == (8.0, 0.0)

    def test_the_rooms_own_radius_wins(self, session: Session, student: Student, now: datetime) -> None:
        assert session.room is not None
        session.room.geofence_radius_m = 200
        session.room.save()
        answer = scan_one(request_of(session, student, at=now, latitude=17.001, longitude=82.0), now=now)
        assert answer.code == "recorded"

    def test_a_room_without_position_is_not_checked(
        self, session: Session, student: Student, now: datetime
    ) -> None:
        session.room = RoomFactory(school=session.school)
        session.save()
        assert scan_one(request_of(session, student, at=now), now=now).code == "recorded"


def test_no_place_is_kept_where_the_school_does_not_check_it(
    session: Session, student: Student, now: datetime
) -> None:
    scan_one(request_of(session, student, at=now, latitude=17.0, longitude=82.0), now=now)
    assert AttendanceRecord.objects.get().location is None


def test_what_the_system_assumed_gives_way_to_a_scan_after_reopening(
    session: Session, student: Student, now: datetime
) -> None:
    teacher = session.faculty.get().user
    sessions.close_session(session=session, by=teacher, now=now)
    reopened = sessions.reopen_session(session=session, reason="projector failed", by=teacher, now=now)

    answer = scan_one(request_of(reopened, student, at=now), now=now)

    record = AttendanceRecord.objects.get(session=session, student=student)
    assert (answer.code, record.status, record.source) == ("recorded", Status.PRESENT, Source.QR)
    assert AuditEntry.objects.get(action="record.update").before == {"status": "absent", "source": "system"}


def test_a_scan_never_overrules_a_person(session: Session, student: Student, now: datetime) -> None:
    from attendance.services.marking import Mark, bulk_mark

    bulk_mark(
        session=session,
        marks=[Mark(student.enrollment_no, Status.ABSENT)],
        by=session.faculty.get().user,
        now=now,
    )
    answer = scan_one(request_of(session, student, at=now), now=now)
    assert (answer.code, answer.status) == ("already_recorded", Status.ABSENT)
