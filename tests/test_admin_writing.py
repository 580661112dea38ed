"""What is written in Django admin: each form and action goes the way of its service, with its entry in the trail."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from academics.models import Cohort, Enrollment, Faculty, Room, Section, Student, Term
from accounts.enums import Role
from accounts.models import School, User
from attendance.enums import SessionStatus
from attendance.models import (
    AttendanceConfiguration,
    AttendanceRecord,
    AttendanceStatistics,
    Holiday,
    Session,
    TimetableSlot,
)
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from core import clock
from tests.attendance.planning import Plan
from tests.attendance.scans import students_of
from tests.factories import (
    CohortFactory,
    CourseFactory,
    DepartmentFactory,
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(now: datetime) -> Any:
    with clock.frozen(now):
        yield


@pytest.fixture
def session() -> Session:
    return SessionFactory(section=SectionFactory(students=2))


@pytest.fixture
def school(session: Session) -> School:
    return session.school


@pytest.fixture
def office(session: Session) -> Client:
    return signed_in(UserFactory(school=session.school))


@pytest.fixture
def operator() -> Client:
    return signed_in(UserFactory(school=None, role=Role.SUPERUSER))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.backends.CampusBackend")
    return client


def url(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def form_of(client: Client, model: Any, *args: Any) -> dict[str, Any]:
    """What a browser would send of the form as it is shown."""
    page = client.get(url(model, "change" if args else "add", *args))
    assert page.status_code == 200
    form = page.context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    for inline in page.context["inline_admin_formsets"]:
        management = inline.formset.management_form
        shown |= {management.add_prefix(name): management[name].value() for name in management.fields}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def change(client: Client, obj: Any, **values: Any) -> Any:
    """Send the form of an existing row back with some values changed."""
    return client.post(url(type(obj), "change", obj.pk), form_of(client, type(obj), obj.pk) | values)


def saved(answer: Any) -> bool:
    """The answer leads on; fails with what the form said if not."""
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    return True


def act(client: Client, model: Any, action: str, *objs: Any, **values: Any) -> list[str]:
    """Choose an action for rows; the messages of the next page."""
    answer = client.post(
        url(model, "changelist"),
        {"action": action, "_selected_action": [str(obj.pk) for obj in objs], **values},
        follow=True,
    )
    return [str(message) for message in answer.context["messages"]]


def entry(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


class TestReferenceData:
    def test_a_change_is_told_with_what_was_and_what_is(self, office: Client, school: School) -> None:
        room = RoomFactory(school=school, code="R7", building="Main", capacity=40)

        assert saved(change(office, room, building="Annexe", capacity=60))

        told = entry("room.update")
        assert told.before == {"building": "Main", "capacity": 40}
        assert told.after == {"building": "Annexe", "capacity": 60}
        assert (told.object_id, told.school_id) == (str(room.pk), school.pk)

    def test_relations_are_told_by_their_keys(self, office: Client, school: School) -> None:
        department = DepartmentFactory(school=school)
        course = CourseFactory(school=school)

        assert saved(change(office, course, department=department.pk))

        assert entry("course.update").after == {"department": department.pk}
        course.refresh_from_db()
        assert course.department == department

    def test_a_row_that_is_deleted_leaves_its_name_in_the_trail(self, office: Client, school: School) -> None:
        room = RoomFactory(school=school, code="R7")

        assert office.post(url(Room, "delete", room.pk), {"post": "yes"}).status_code == 302

        assert not Room.objects.exists()
        told = entry("room.delete")
        assert (told.object_id, told.before) == (str(room.pk), {"label": str(room)})

    def test_an_operator_of_several_schools_says_which(self, operator: Client, school: School) -> None:
        without = operator.post(url(Room, "add"), {"code": "R1"})
        assert "school" in without.context["adminform"].form.errors
        assert saved(operator.post(url(Room, "add"), {"code": "R1", "school": school.pk}))
        assert Room.objects.get().school == school
        assert entry("room.create").school_id == school.pk

    def test_people_of_one_school_cannot_name_another(self, office: Client, school: School) -> None:
        assert saved(office.post(url(Room, "add"), {"code": "R1", "school": SchoolFactory().pk}))
        assert Room.objects.get().school == school

    def test_a_parent_cohort_of_another_school_cannot_be_chosen(self, office: Client) -> None:
        stranger = CohortFactory()
        answer = office.post(url(Cohort, "add"), {"code": "CSE-A1", "parent": stranger.pk})
        assert "parent" in answer.context["adminform"].form.errors
        assert not Cohort.objects.filter(code="CSE-A1").exists()

    def test_faculty_read_and_do_not_write(self, session: Session) -> None:
        teacher = signed_in(session.faculty.get().user)
        room = RoomFactory(school=session.school, building="Main")
        assert teacher.get(url(Room, "change", room.pk)).status_code == 200
        assert teacher.post(url(Room, "change", room.pk), {"code": "X"}).status_code == 403
        assert teacher.get(url(Room, "add")).status_code == 403
        assert teacher.post(url(Room, "delete", room.pk), {"post": "yes"}).status_code == 403
        room.refresh_from_db()
        assert room.building == "Main"

    def test_nothing_can_be_deleted_by_the_dozen(self, office: Client) -> None:
        """The action that deletes what is ticked would go past services and trail."""
        for model in admin.site._registry:
            page = office.get(url(model, "changelist"))
            if page.status_code == 200:
                assert "delete_selected" not in page.content.decode(), model

    def test_the_office_changes_its_school_but_not_its_code(self, office: Client, school: School) -> None:
        code = school.code
        assert saved(change(office, school, name="New Name", code="other"))
        school.refresh_from_db()
        assert (school.name, school.code) == ("New Name", code)
        assert entry("school.update").school_id == school.pk
        assert office.get(url(School, "add")).status_code == 403
        assert office.post(url(School, "delete", school.pk), {"post": "yes"}).status_code == 403

    def test_a_term_is_changed_by_its_service(self, office: Client, session: Session) -> None:
        assert saved(change(office, session.term, name="Renamed"))
        session.term.refresh_from_db()
        assert session.term.name == "Renamed"
        assert Term.objects.count() == 1
        assert AuditEntry.objects.filter(action__startswith="term.").count() == 1


class TestSections:
    def test_students_of_the_cohort_sit_in_a_section_that_is_made_later(
        self, office: Client, school: School, session: Session
    ) -> None:
        cohort = CohortFactory(school=school)
        student = StudentFactory(school=school, cohort=cohort)

        answer = office.post(
            url(Section, "add"),
            {
                "course": CourseFactory(school=school).pk,
                "cohort": cohort.pk,
                "term": session.term.pk,
                "teachers": [FacultyFactory(school=school).pk],
            },
        )

        assert saved(answer)
        made = Section.objects.get(cohort=cohort)
        assert Enrollment.objects.get(section=made).student == student
        assert made.teachers.count() == 1
        assert entry("section.create").after["teachers"] == [str(made.teachers.get().pk)]

    def test_an_elective_without_a_cohort_enrolls_nobody(
        self, office: Client, school: School, session: Session
    ) -> None:
        StudentFactory(school=school)
        values = {"course": CourseFactory(school=school).pk, "term": session.term.pk, "name": "Elective"}
        assert saved(office.post(url(Section, "add"), values))
        assert not Enrollment.objects.filter(section__name="Elective").exists()

    def test_other_teachers_are_told_by_their_keys(self, office: Client, session: Session) -> None:
        section = session.sections.get()
        before = sorted(str(pk) for pk in section.teachers.values_list("pk", flat=True))
        other = FacultyFactory(school=session.school)

        assert saved(change(office, section, teachers=[other.pk]))

        assert list(section.teachers.all()) == [other]
        told = entry("section.update")
        assert (told.before, told.after) == ({"teachers": before}, {"teachers": [str(other.pk)]})


class TestPeople:
    def test_a_lecturer_is_made_and_changed_through_the_service(self, office: Client, school: School) -> None:
        answer = office.post(
            url(Faculty, "add"), {"employee_no": "emp7", "full_name": "Dr. Rao", "email": "rao@example.edu"}
        )
        assert saved(answer)
        made = Faculty.objects.get(employee_no="EMP7")
        assert made.user.username == f"emp7@{school.code}".lower()
        assert (made.user.role, made.user.has_usable_password()) == (Role.FACULTY, False)

        assert saved(
            change(office, made, full_name="Prof. Rao", designation="Professor", phone="+91 98480 22338")
        )

        made = Faculty.objects.get(pk=made.pk)
        assert (made.user.full_name, made.designation) == ("Prof. Rao", "Professor")
        assert made.user.phone == "+91 98480 22338"
        assert "98480" not in str(entry("faculty.update").after)

    def test_an_operator_makes_people_of_the_school_they_name(self, operator: Client, school: School) -> None:
        values = {"full_name": "Asha Rao", "school": school.pk}
        assert saved(operator.post(url(Faculty, "add"), {"employee_no": "e1", **values}))
        assert saved(operator.post(url(Student, "add"), {"enrollment_no": "s1", **values}))
        assert Faculty.objects.get(employee_no="E1").school == school
        assert Student.objects.get(enrollment_no="S1").school == school

    def test_a_number_that_is_taken_is_told_in_the_form(self, office: Client, school: School) -> None:
        FacultyFactory(school=school, employee_no="E1")
        answer = office.post(url(Faculty, "add"), {"employee_no": "e1", "full_name": "Another"})
        assert answer.status_code == 200
        assert "employee_no" in answer.context["adminform"].form.errors or answer.context["errors"]
        assert Faculty.objects.filter(employee_no="E1").count() == 1

    def test_numbers_never_change(self, office: Client, session: Session) -> None:
        teacher, student = session.faculty.get(), students_of(session)[0]
        before = teacher.employee_no, student.enrollment_no
        change(office, teacher, employee_no="X1")
        change(office, student, enrollment_no="X2")
        teacher.refresh_from_db()
        student.refresh_from_db()
        assert (teacher.employee_no, student.enrollment_no) == before

    def test_people_are_not_deleted(self, office: Client, session: Session) -> None:
        for person in (session.faculty.get(), students_of(session)[0], session.faculty.get().user):
            assert office.post(url(type(person), "delete", person.pk), {"post": "yes"}).status_code == 403

    def test_an_enrollment_saved_without_an_end_stays_as_it_was(
        self, office: Client, session: Session
    ) -> None:
        member = Enrollment.objects.filter(section=session.sections.get()).first()
        assert member is not None
        assert saved(change(office, member))
        member.refresh_from_db()
        assert member.left_on is None
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(("role", "offered"), [(Role.ADMIN, False), (Role.SUPERUSER, True)])
    def test_only_operators_are_offered_to_make_operators(
        self, school: School, role: str, offered: bool
    ) -> None:
        me = UserFactory(school=None if role == Role.SUPERUSER else school, role=role)
        colleague = UserFactory(school=school, role=Role.INTEGRATOR)
        page = signed_in(me).get(url(User, "change", colleague.pk))
        roles = dict(page.context["adminform"].form.fields["role"].choices)
        assert (Role.SUPERUSER in roles) is offered


class TestRules:
    def test_configuration_is_changed_by_its_service(self, office: Client, school: School) -> None:
        row = AttendanceConfiguration.objects.get(school=school)

        assert saved(change(office, row, grace_period_minutes=11))

        row.refresh_from_db()
        assert (row.grace_period_minutes, row.version) == (11, 2)
        assert entry("configuration.update").after == {"grace_period_minutes": 11}

    def test_a_rule_that_cannot_be_is_told_in_the_form(self, office: Client, school: School) -> None:
        row = AttendanceConfiguration.objects.get(school=school)
        answer = change(office, row, condonation_floor_percent=90)
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors
        row.refresh_from_db()
        assert row.version == 1

    def test_a_holiday_is_moved_by_its_service(self, office: Client, session: Session) -> None:
        values = {"date": "2026-11-04", "name": "Founders' day", "kind": "academic"}
        assert saved(office.post(url(Holiday, "add"), values))
        holiday = Holiday.objects.get()

        assert saved(change(office, holiday, date="2026-11-03", name="Founders"))

        session.refresh_from_db()
        holiday.refresh_from_db()
        assert (holiday.date, holiday.name) == (date(2026, 11, 3), "Founders")
        assert session.status == SessionStatus.CANCELLED

    def test_operators_without_a_school_plan_elsewhere(self, operator: Client, session: Session) -> None:
        for model in (Holiday, TimetableSlot):
            assert operator.get(url(model, "add")).status_code == 403


class TestTimetable:
    @pytest.fixture
    def plan(self) -> Plan:
        return Plan.new()

    def test_a_changed_slot_re_plans_what_lies_ahead(self, plan: Plan) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            plan.generate()
            assert saved(change(signed_in(plan.office), slot, starts="11:00", ends="12:00"))
        slot.refresh_from_db()
        assert slot.starts == time(11)
        assert {moment[-5:] for moment in plan.times(slot)} == {"11:00"}

    def test_an_operator_changes_a_slot_of_any_school(self, plan: Plan, operator: Client) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            assert saved(change(operator, slot, weekday=3))
        slot.refresh_from_db()
        assert (slot.weekday, slot.school) == (3, plan.school)

    def test_a_deleted_slot_takes_its_planned_classes_with_it(self, plan: Plan) -> None:
        slot = plan.slot()
        with clock.frozen(plan.now):
            plan.generate()
            answer = signed_in(plan.office).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"})
        assert answer.status_code == 302
        assert not Session.objects.exists()
        assert not TimetableSlot.objects.exists()
        assert entry("slot.delete").after == {"removed": 4}

    def test_of_a_deleted_slot_classes_that_were_held_stay(self, plan: Plan) -> None:
        slot = plan.slot()
        plan.generate()
        first = plan.of_day(slot, date(2026, 11, 3))
        Session.objects.filter(pk=first.pk).update(status=SessionStatus.CLOSED)
        with clock.frozen(plan.at("2026-11-05 12:00")):
            signed_in(plan.office).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"})
        assert list(Session.objects.all()) == [first]
        slot.refresh_from_db()
        assert slot.valid_until == date(2026, 11, 4)
        assert entry("slot.retire").after["removed"] == 3

    def test_faculty_delete_no_slot(self, plan: Plan) -> None:
        slot = plan.slot()
        teacher = slot.faculty.get().user
        assert (
            signed_in(teacher).post(url(TimetableSlot, "delete", slot.pk), {"post": "yes"}).status_code == 403
        )

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"valid_until": "2026-10-01"}, "valid_until"),
            ({"starts": "10:00", "ends": "10:00"}, "ends"),
            ({"starts": "noon"}, "starts"),
            ({"weekday": 9}, "weekday"),
            ({"valid_from": "tomorrow"}, "valid_from"),
        ],
    )
    def test_times_that_cannot_be_are_told_at_their_field(
        self, plan: Plan, changes: dict[str, Any], field: str
    ) -> None:
        slot = plan.slot()
        answer = change(signed_in(plan.office), slot, **changes)
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors
        before = slot.starts, slot.ends, slot.weekday, slot.valid_from, slot.valid_until
        slot.refresh_from_db()
        assert (slot.starts, slot.ends, slot.weekday, slot.valid_from, slot.valid_until) == before


class TestActionsOnClasses:
    def test_the_office_leads_a_class_through_its_life(self, office: Client, session: Session) -> None:
        for action, status in (
            ("open_classes", SessionStatus.OPEN),
            ("close_classes", SessionStatus.CLOSED),
            ("lock_classes", SessionStatus.LOCKED),
        ):
            assert act(office, Session, action, session) == ["Done for 1."]
            session.refresh_from_db()
            assert session.status == status

    def test_an_unconfirmed_class_was_held(self, office: Client, session: Session) -> None:
        Session.objects.filter(pk=session.pk).update(status=SessionStatus.UNCONFIRMED)
        assert act(office, Session, "confirm_held", session) == ["Done for 1."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CLOSED

    def test_cancelling_needs_a_reason(self, office: Client, session: Session) -> None:
        (refused,) = act(office, Session, "cancel_classes", session)
        assert "reason" in refused.lower()
        assert act(office, Session, "cancel_classes", session, reason="strike") == ["Done for 1."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CANCELLED
        assert entry("session.cancel").reason == "strike"

    def test_each_class_gets_its_own_answer(self, office: Client, session: Session) -> None:
        """One that cannot be opened does not keep the others from it."""
        later = SessionFactory(
            section=SectionFactory(school=session.school), starts_at=session.starts_at + timedelta(days=9)
        )
        said = act(office, Session, "open_classes", session, later)
        assert "Done for 1." in said
        assert [line for line in said if line.startswith(str(later))]
        later.refresh_from_db()
        assert later.status == SessionStatus.SCHEDULED

    @pytest.mark.parametrize("action", ["lock_classes", "void_classes"])
    def test_a_teacher_is_told_that_they_may_not(self, session: Session, now: datetime, action: str) -> None:
        sessions.open_session(session=session, by=None, now=now)
        sessions.close_session(session=session, by=None, now=now)
        said = act(signed_in(session.faculty.get().user), Session, action, session, reason="because")
        assert said == [f"{session}: you may not do that."]
        session.refresh_from_db()
        assert session.status == SessionStatus.CLOSED

    def test_the_list_tells_who_stands_in(self, office: Client, session: Session) -> None:
        Session.objects.filter(pk=session.pk).update(substitute=FacultyFactory(school=session.school))
        session.refresh_from_db()
        page = office.get(url(Session, "changelist")).content.decode()
        assert str(session.substitute) in page
        assert str(session.sections.get()) in page
        assert "09:00" in page


class TestActionsOnMarks:
    @pytest.fixture
    def record(self, session: Session, now: datetime) -> AttendanceRecord:
        sessions.open_session(session=session, by=None, now=now)
        number = students_of(session)[0].enrollment_no
        bulk_mark(session=session, marks=[Mark(number, "excused")], by=session.faculty.get().user, now=now)
        return AttendanceRecord.objects.get()

    @pytest.mark.parametrize("status", ["present", "late", "absent"])
    def test_a_mark_is_changed_by_the_marking_service(
        self, office: Client, record: AttendanceRecord, status: str
    ) -> None:
        assert act(office, AttendanceRecord, f"mark_{status}", record) == ["Done for 1."]
        record.refresh_from_db()
        assert record.status == status
        assert entry("record.update").after == {"status": status}

    def test_a_teacher_of_another_class_does_not_find_it(
        self, session: Session, record: AttendanceRecord
    ) -> None:
        stranger = signed_in(FacultyFactory(school=session.school).user)
        act(stranger, AttendanceRecord, "mark_present", record)
        record.refresh_from_db()
        assert record.status == "excused"

    def test_figures_and_configuration_of_others_are_not_listed(
        self, session: Session, record: AttendanceRecord, now: datetime
    ) -> None:
        sessions.close_session(session=session, by=None, now=now)
        assert AttendanceStatistics.objects.exists()
        stranger = signed_in(FacultyFactory(school=session.school).user)
        assert stranger.get(url(AttendanceStatistics, "changelist")).context["cl"].result_count == 0
        teacher = signed_in(session.faculty.get().user)
        assert teacher.get(url(AttendanceStatistics, "changelist")).context["cl"].result_count == 2
