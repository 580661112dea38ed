"""Extra classes, changed classes and substitutes, as the services judge them whoever calls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from attendance import errors
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Session, SessionOccupancy
from attendance.services import arrangement, sessions
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from core import partitions
from core.errors import CrossSchool, Invalid, InvalidTransition
from tests.attendance.planning import Plan
from tests.attendance.scans import students_of
from tests.factories import FacultyFactory, RoomFactory, TermFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan() -> Plan:
    return Plan.new()


@pytest.fixture
def session(plan: Plan) -> Session:
    """An extra class on Tuesday, 09:00–10:00."""
    return plan.extra_class("2026-11-03 09:00")


def update(plan: Plan, session: Session, **changes: Any) -> Session:
    return arrangement.update_session(session=session, changes=changes, by=plan.office, now=plan.now)


def create(plan: Plan, **changes: Any) -> Session:
    starts_at = plan.at("2026-11-03 09:00")
    values: dict[str, Any] = {
        "sections": [plan.section()],
        "faculty": [plan.teacher()],
        "room": None,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        **changes,
    }
    return arrangement.create_extra(school=plan.school, by=plan.office, now=plan.now, **values)


def resources(session: Session) -> set[str]:
    return set(SessionOccupancy.objects.filter(session=session).values_list("resource", flat=True))


class TestExtraClasses:
    @pytest.mark.parametrize(
        ("changes", "attr"),
        [
            ({"sections": []}, "sections"),
            ({"faculty": []}, "faculty"),
            ({"starts_at": datetime(1, 1, 1, tzinfo=UTC)}, "starts_at"),
            ({"ends_at": datetime(9999, 12, 31, tzinfo=UTC)}, "ends_at"),
            ({"ends_at": datetime(2026, 11, 3, 3, 30, tzinfo=UTC)}, "ends_at"),
            ({"ends_at": datetime(2026, 11, 3, 15, 31, tzinfo=UTC)}, "ends_at"),
            ({"capture_modes": []}, "capture_modes"),
            ({"capture_modes": ["system"]}, "capture_modes"),
            ({"capture_modes": ["qr", "telepathy"]}, "capture_modes"),
        ],
    )
    def test_that_cannot_be_are_refused_at_their_field(
        self, plan: Plan, changes: dict[str, Any], attr: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            create(plan, **changes)
        assert refused.value.attr == attr
        assert not Session.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_last_twelve_hours_at_most(self, plan: Plan) -> None:
        made = create(plan, ends_at=plan.at("2026-11-03 21:00"))
        assert made.ends_at - made.starts_at == timedelta(hours=12)

    def test_need_a_term_and_sections_of_it(self, plan: Plan) -> None:
        with pytest.raises(errors.OutsideTerm):
            create(plan, starts_at=plan.at("2027-02-01 09:00"), ends_at=plan.at("2027-02-01 10:00"))
        next_term = TermFactory(
            school=plan.school, name="next", starts_on=date(2027, 1, 1), ends_on=date(2027, 6, 30)
        )
        with pytest.raises(Invalid) as refused:
            create(plan, sections=[plan.section(term=next_term)])
        assert (refused.value.attr, "another term" in str(refused.value)) == ("sections", True)

    def test_belong_to_the_day_on_which_they_begin_in_the_school(self, plan: Plan) -> None:
        made = create(plan, starts_at=plan.at("2026-11-03 23:30"), ends_at=plan.at("2026-11-04 00:30"))
        assert made.held_on == date(2026, 11, 3)


class TestChanges:
    def test_people_and_places_change_and_with_them_who_is_busy(self, plan: Plan, session: Session) -> None:
        old = session.faculty.get()
        teacher, room = plan.teacher(), RoomFactory(school=plan.school)

        update(plan, session, faculty=[teacher], room=room, capture_modes=["qr", "manual", "qr"])

        session.refresh_from_db()
        assert list(session.faculty.all()) == [teacher]
        assert (session.room, session.capture_modes) == (room, ["manual", "qr"])
        assert {f"faculty:{teacher.pk}", f"room:{room.pk}"} <= resources(session)
        assert f"faculty:{old.pk}" not in resources(session)
        told = AuditEntry.objects.get(action="session.update")
        assert told.before["faculty"] == [old.employee_no]
        assert (told.after["faculty"], told.after["room"]) == ([teacher.employee_no], room.code)

    def test_an_extra_class_moves_to_another_day_and_year(self, plan: Plan, session: Session) -> None:
        far = TermFactory(
            school=plan.school, name="far", starts_on=date(2043, 1, 1), ends_on=date(2043, 6, 30)
        )
        session.sections.update(term=far)
        update(plan, session, starts_at=plan.at("2043-02-03 09:00"), ends_at=plan.at("2043-02-03 10:00"))
        session.refresh_from_db()
        assert (session.held_on, session.term) == (date(2043, 2, 3), far)
        assert 2043 in partitions.years(AttendanceRecord)

    def test_without_anybody_who_teaches_it_is_refused(self, plan: Plan, session: Session) -> None:
        before = set(session.faculty.all())
        with pytest.raises(Invalid) as refused:
            update(plan, session, faculty=[])
        assert refused.value.attr == "faculty"
        assert set(session.faculty.all()) == before

    @pytest.mark.parametrize("name", ["status", "held_on", "sections", "qr_generation", "__class__"])
    def test_of_what_is_not_for_changing_are_refused(self, plan: Plan, session: Session, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            update(plan, session, **{name: "x"})
        assert refused.value.attr == name

    def test_to_no_way_of_taking_attendance_are_refused(self, plan: Plan, session: Session) -> None:
        with pytest.raises(Invalid) as refused:
            update(plan, session, capture_modes=[])
        assert refused.value.attr == "capture_modes"

    def test_to_people_of_another_school_are_refused(self, plan: Plan, session: Session) -> None:
        with pytest.raises(CrossSchool):
            update(plan, session, faculty=[FacultyFactory()])
        with pytest.raises(CrossSchool):
            update(plan, session, room=RoomFactory())


class TestSubstitutes:
    def substitute(self, plan: Plan, session: Session, faculty: Any) -> Session:
        return arrangement.substitute(session=session, faculty=faculty, by=plan.office, now=plan.now)

    def test_are_taken_back_by_naming_nobody(self, plan: Plan, session: Session) -> None:
        own, other = session.faculty.get(), plan.teacher()
        self.substitute(plan, session, other)
        assert resources(session) & {f"faculty:{own.pk}", f"faculty:{other.pk}"} == {f"faculty:{other.pk}"}

        self.substitute(plan, session, None)

        session.refresh_from_db()
        assert session.substitute is None
        assert resources(session) & {f"faculty:{own.pk}", f"faculty:{other.pk}"} == {f"faculty:{own.pk}"}
        told = AuditEntry.objects.filter(action="session.substitute").order_by("-id").first()
        assert told is not None
        assert (told.before, told.after) == ({"substitute": other.employee_no}, {"substitute": None})

    def test_who_stand_in_already_leave_no_second_trace(self, plan: Plan, session: Session) -> None:
        other = plan.teacher()
        for _ in range(2):
            self.substitute(plan, session, other)
        assert AuditEntry.objects.filter(action="session.substitute").count() == 1

    @pytest.mark.parametrize(
        "status", sorted(set(SessionStatus) - {SessionStatus.SCHEDULED, SessionStatus.OPEN}), ids=str
    )
    def test_come_too_late_for_a_class_that_is_over_or_cancelled(
        self, plan: Plan, session: Session, status: str
    ) -> None:
        Session.objects.filter(pk=session.pk).update(status=status)
        with pytest.raises(errors.NotScheduled) as refused:
            self.substitute(plan, session, plan.teacher())
        assert refused.value.meta == {"status": status}


class TestMoves:
    """Corners of `services.sessions` that no page reaches in one go."""

    def test_a_class_opened_after_its_end_closes_by_itself_half_an_hour_later(
        self, plan: Plan, session: Session
    ) -> None:
        late = session.ends_at + timedelta(minutes=10)
        opened = sessions.open_session(session=session, by=plan.office, now=late)
        assert opened.reopened_at == late

    def test_who_moves_a_class_to_where_it_is_already_changes_nothing(
        self, plan: Plan, session: Session
    ) -> None:
        how: dict[str, Any] = {"session": session, "by": plan.office, "now": session.starts_at}
        sessions.open_session(**how)
        assert sessions.reopen_session(reason="again", **how).reopened_at is None
        sessions.close_session(**how)
        sessions.lock_session(**how)
        before = AuditEntry.objects.count()
        assert sessions.lock_session(**how).status == SessionStatus.LOCKED
        assert sessions.close_session(**how).status == SessionStatus.LOCKED
        assert AuditEntry.objects.count() == before

    def test_a_cancelled_or_void_class_stays_so_with_its_first_reason(
        self, plan: Plan, session: Session
    ) -> None:
        how: dict[str, Any] = {"by": plan.office, "now": session.starts_at}
        other = plan.extra_class("2026-11-04 09:00")
        sessions.open_session(session=session, **how)
        sessions.close_session(session=session, **how)
        for reason in ("first", "second"):
            assert sessions.void_session(session=session, reason=reason, **how).status == SessionStatus.VOID
            assert (
                sessions.cancel_session(session=other, reason=reason, **how).status == SessionStatus.CANCELLED
            )
        for action in ("session.void", "session.cancel"):
            assert AuditEntry.objects.get(action=action).reason == "first"

    def test_only_a_class_that_nobody_opened_is_left_unconfirmed(self, plan: Plan, session: Session) -> None:
        sessions.cancel_session(session=session, reason="strike", by=plan.office, now=plan.now)
        with pytest.raises(InvalidTransition):
            sessions.leave_unconfirmed(session=session, now=session.ends_at)
        session.refresh_from_db()
        assert session.status == SessionStatus.CANCELLED

    def test_a_school_that_wants_no_automatic_absentees_gets_none(self, plan: Plan) -> None:
        rules = plan.school.attendance_configuration
        rules.auto_mark_absent = False
        rules.save()
        session = plan.extra_class("2026-11-03 09:00", sections=[plan.section(students=3)])
        sessions.open_session(session=session, by=plan.office, now=session.starts_at)
        number = students_of(session)[0].enrollment_no
        bulk_mark(session=session, marks=[Mark(number, "late")], by=plan.office, now=session.starts_at)

        sessions.close_session(session=session, by=plan.office, now=session.ends_at)

        assert list(AttendanceRecord.objects.values_list("status", flat=True)) == ["late"]

    def test_a_cancelled_class_takes_no_marks(self, plan: Plan) -> None:
        session = plan.extra_class("2026-11-03 09:00", sections=[plan.section(students=1)])
        sessions.cancel_session(session=session, reason="strike", by=plan.office, now=plan.now)
        session.refresh_from_db()
        number = students_of(session)[0].enrollment_no
        with pytest.raises(errors.NotMarkable) as refused:
            bulk_mark(
                session=session, marks=[Mark(number, "late")], reason="x", by=plan.office, now=session.ends_at
            )
        assert refused.value.meta == {"status": "cancelled"}
        assert not AttendanceRecord.objects.exists()
