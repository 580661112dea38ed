"""Django admin: every model, every role; writes by services; other schools are not there."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from academics.models import Enrollment, Faculty, Room, Section, Student, Term
from accounts.enums import Role
from accounts.models import School, User
from attendance.enums import SessionStatus
from attendance.models import AttendanceRecord, Holiday, Session, TimetableSlot
from attendance.services import sessions
from attendance.services.marking import Mark, bulk_mark
from audit.models import AuditEntry
from core import clock
from tests.attendance.scans import students_of
from tests.factories import (
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    StudentFactory,
    TermFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

OURS = {"core", "audit", "accounts", "academics", "attendance"}
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in OURS), key=lambda m: m._meta.label
)
OFFICE_ONLY = {
    "accounts.User",
    "accounts.Consent",
    "accounts.RefreshFamily",
    "academics.StudentSnapshot",
    "attendance.AttendanceConfiguration",
    "audit.AuditEntry",
}
OPERATORS_ONLY = {"audit.AuditSeal"}


@pytest.fixture(autouse=True)
def _now(now: datetime) -> Any:
    with clock.frozen(now):
        yield


@pytest.fixture
def session(now: datetime) -> Session:
    session = SessionFactory(section=SectionFactory(students=2), open=True)
    bulk_mark(
        session=session,
        marks=[Mark(students_of(session)[0].enrollment_no, "present")],
        by=session.faculty.get().user,
        now=now,
    )
    return session


@pytest.fixture
def office(session: Session) -> Client:
    return signed_in(UserFactory(school=session.school))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.backends.CampusBackend")
    return client


def url(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
class TestEveryModel:
    def test_the_office_lists_and_searches(self, office: Client, model: Any) -> None:
        expected = 403 if model._meta.label in OPERATORS_ONLY else 200
        assert office.get(url(model, "changelist"), {"q": "x"}).status_code == expected

    def test_faculty_see_what_is_theirs_to_see(self, session: Session, model: Any) -> None:
        client = signed_in(session.faculty.get().user)
        hidden = model._meta.label in OFFICE_ONLY | OPERATORS_ONLY
        assert client.get(url(model, "changelist")).status_code == (403 if hidden else 200)

    @pytest.mark.parametrize("role", [Role.STUDENT, Role.INTEGRATOR])
    def test_others_are_kept_out(self, session: Session, model: Any, role: str) -> None:
        user = UserFactory(school=session.school, role=role)
        assert signed_in(user).get(url(model, "changelist")).status_code in {302, 403}

    def test_another_schools_rows_are_not_there(self, session: Session, model: Any) -> None:
        if model._meta.label in OPERATORS_ONLY:
            return
        user = UserFactory()
        stranger = signed_in(user)
        for obj in model._default_manager.all()[:3]:
            if user.school_id != (obj.pk if model is School else getattr(obj, "school_id", None)):
                assert stranger.get(url(model, "change", obj.pk)).status_code == 404, obj

    def test_rows_come_in_the_order_that_was_said(self, office: Client, model: Any) -> None:
        page = admin.site._registry[model]
        request = RequestFactory().get("/")
        request.user = User.objects.get(pk=office.session["_auth_user_id"])
        assert page.get_queryset(request).ordered == bool(page.ordering or model._meta.ordering)

    def test_the_office_opens_a_row(self, office: Client, session: Session, model: Any) -> None:
        if model._meta.label in OPERATORS_ONLY:
            return
        listed = office.get(url(model, "changelist")).context["cl"].queryset
        for obj in listed[:1]:
            assert office.get(url(model, "change", obj.pk)).status_code == 200


def test_a_term_is_saved_by_its_service_and_a_refusal_comes_back_in_the_form(
    office: Client, session: Session
) -> None:
    answer = office.post(
        url(Term, "add"), {"name": "Clash", "starts_on": "2026-09-01", "ends_on": "2026-10-01"}
    )
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert Term.objects.count() == 1
    answer = office.post(
        url(Term, "add"), {"name": "Next", "starts_on": "2027-06-01", "ends_on": "2027-10-01"}
    )
    assert answer.status_code == 302
    assert Term.objects.get(name="Next").school == session.school
    assert AuditEntry.objects.filter(object_type="term").exists()


def test_a_room_is_saved_in_ones_own_school_with_its_audit_entry(office: Client, session: Session) -> None:
    answer = office.post(url(Room, "add"), {"code": "R1", "building": "Main"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    room = Room.objects.get(code="R1")
    assert room.school == session.school
    entry = AuditEntry.objects.get(action="room.create")
    assert (entry.school_id, entry.after["building"]) == (session.school_id, "Main")
    again = office.post(url(Room, "add"), {"code": "r1"})
    assert again.status_code == 200
    assert Room.objects.count() == 1


def test_a_student_is_made_and_changed_through_the_service(office: Client, session: Session) -> None:
    answer = office.post(
        url(Student, "add"),
        {"enrollment_no": "22new1", "full_name": "Asha Rao", "email": "asha@example.edu", "study_year": 2},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    student = Student.objects.get(enrollment_no="22NEW1")
    assert student.current_snapshot is not None
    assert student.user.username == f"22new1@{session.school.code}".lower()
    answer = office.post(
        url(Student, "change", student.pk),
        {"full_name": "Asha Devi Rao", "email": "asha@example.edu", "study_year": 3},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    student.refresh_from_db()
    student.user.refresh_from_db()
    assert (student.user.full_name, student.study_year) == ("Asha Devi Rao", 3)


def test_another_class_group_is_a_transfer_on_a_day_in_the_same_operation(
    office: Client, session: Session
) -> None:
    student = students_of(session)[0]
    old, new = session.sections.get(), SectionFactory(school=session.school)
    Student.objects.filter(pk=student.pk).update(cohort=old.cohort)
    student.enrollments.update(joined_on=date(2026, 8, 24))
    form = {"full_name": "Asha Rao", "email": student.user.email}

    nowhere = office.post(url(Student, "change", student.pk), {**form, "cohort": ""})
    assert set(nowhere.context["adminform"].form.errors) == {"cohort"}
    too_early = {**form, "cohort": new.cohort_id, "joined_on": "2026-08-10"}
    refused = office.post(url(Student, "change", student.pk), too_early)
    assert "2026-08-24" in str(refused.context["adminform"].form.errors)
    assert not AuditEntry.objects.filter(object_type="student").exists()

    moved = office.post(url(Student, "change", student.pk), {**too_early, "joined_on": "2026-11-16"})

    assert moved.status_code == 302, moved.context["adminform"].form.errors
    spells = student.enrollments.order_by("joined_on").values_list("section", "joined_on", "left_on")
    assert list(spells) == [
        (old.pk, date(2026, 8, 24), date(2026, 11, 16)),
        (new.pk, date(2026, 11, 16), None),
    ]
    told = AuditEntry.objects.filter(object_type="student", object_id=str(student.pk))
    assert set(told.values_list("action", flat=True)) == {"student.update", "student.transfer"}
    assert len(set(told.values_list("operation_id", flat=True))) == 1


def test_a_student_who_comes_in_week_four_is_made_with_the_day(office: Client, session: Session) -> None:
    section = session.sections.get()
    answer = office.post(
        url(Student, "add"),
        {
            "enrollment_no": "22LATE1",
            "full_name": "Latika",
            "cohort": section.cohort_id,
            "joined_on": "2026-08-24",
        },
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = Enrollment.objects.get(student__enrollment_no="22LATE1")
    assert (made.section, made.joined_on) == (section, date(2026, 8, 24))


def test_a_section_is_changed_with_its_teachers_and_enrolls_its_new_group_in_one_operation(
    office: Client, session: Session
) -> None:
    section = SectionFactory(school=session.school)
    student = StudentFactory(school=session.school, cohort=section.cohort)
    teachers = FacultyFactory.create_batch(2, school=session.school)
    answer = office.post(
        url(Section, "change", section.pk),
        {
            "course": section.course_id,
            "cohort": section.cohort_id,
            "term": section.term_id,
            "name": "Morning",
            "teachers": [teacher.pk for teacher in teachers],
        },
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert set(section.teachers.all()) == set(teachers)
    assert section.enrollments.get().student == student
    update = AuditEntry.objects.get(action="section.update")
    assert update.before["teachers"] == []
    assert update.after["teachers"] == sorted(str(teacher.pk) for teacher in teachers)
    assert AuditEntry.objects.get(action="enrollment.create").operation_id == update.operation_id


def test_an_enrollment_is_made_and_ended_through_the_service(office: Client, session: Session) -> None:
    section = SectionFactory(school=session.school)
    student = students_of(session)[0]
    answer = office.post(
        url(Enrollment, "add"),
        {"student": student.pk, "section": str(section.pk), "joined_on": "2026-11-02"},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = Enrollment.objects.get(section=section)
    office.post(url(Enrollment, "change", made.pk), {"left_on": "2026-11-20"})
    made.refresh_from_db()
    assert made.left_on == date(2026, 11, 20)
    refused = office.post(url(Enrollment, "change", made.pk), {"left_on": ""})
    assert set(refused.context["adminform"].form.errors) == {"left_on"}
    made.refresh_from_db()
    assert made.left_on == date(2026, 11, 20)


def test_a_slot_is_saved_through_the_service_and_a_clash_is_told_in_the_form(
    office: Client, session: Session
) -> None:
    section = session.sections.get()
    teacher = session.faculty.get()
    values = {
        "sections": [str(section.pk)],
        "faculty": [teacher.pk],
        "weekday": 4,
        "starts": "09:00",
        "ends": "10:00",
        "valid_from": "2026-11-02",
        "valid_until": "2027-03-27",
        "exceptions-TOTAL_FORMS": 0,
        "exceptions-INITIAL_FORMS": 0,
    }
    answer = office.post(url(TimetableSlot, "add"), values)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    other = SectionFactory(school=session.school)
    clash = office.post(url(TimetableSlot, "add"), {**values, "sections": [str(other.pk)]})
    assert clash.status_code == 200
    assert "already teaches" in str(clash.context["adminform"].form.errors)
    assert TimetableSlot.objects.count() == 1


def test_a_holiday_added_here_cancels_classes(office: Client, session: Session) -> None:
    later = SessionFactory(
        section=session.sections.get(),
        teacher=session.faculty.get(),
        starts_at=session.starts_at + timedelta(days=7),
    )
    answer = office.post(
        url(Holiday, "add"), {"date": "2026-11-10", "name": "Founders' day", "kind": "academic"}
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    later.refresh_from_db()
    assert later.status == SessionStatus.CANCELLED
    office.post(url(Holiday, "delete", Holiday.objects.get().pk), {"post": "yes"})
    later.refresh_from_db()
    assert later.status == SessionStatus.SCHEDULED


def act(client: Client, model: Any, action: str, *objs: Any, **values: Any) -> Any:
    return client.post(
        url(model, "changelist"),
        {"action": action, "_selected_action": [str(obj.pk) for obj in objs], **values},
        follow=True,
    )


def test_a_teacher_closes_their_class_by_an_action(session: Session) -> None:
    client = signed_in(session.faculty.get().user)
    act(client, Session, "close_classes", session)
    session.refresh_from_db()
    assert session.status == SessionStatus.CLOSED


def test_voiding_is_not_for_teachers_and_needs_a_reason(
    session: Session, office: Client, now: datetime
) -> None:
    sessions.close_session(session=session, by=None, now=now)
    act(signed_in(session.faculty.get().user), Session, "void_classes", session, reason="because")
    act(office, Session, "void_classes", session)
    session.refresh_from_db()
    assert session.status == SessionStatus.CLOSED
    act(office, Session, "void_classes", session, reason="fire drill")
    session.refresh_from_db()
    assert session.status == SessionStatus.VOID


def test_marks_are_changed_by_the_marking_service(session: Session, office: Client, now: datetime) -> None:
    sessions.close_session(session=session, by=None, now=now)
    record = AttendanceRecord.objects.get(status="present")
    act(office, AttendanceRecord, "mark_excused", record)
    record.refresh_from_db()
    assert record.status == "present"
    act(office, AttendanceRecord, "mark_excused", record, reason="medical slip")
    record.refresh_from_db()
    assert record.status == "excused"
    assert AuditEntry.objects.filter(action="record.update", reason="medical slip").count() == 1


def test_a_record_cannot_be_edited_or_deleted_by_hand(session: Session, office: Client) -> None:
    record = AttendanceRecord.objects.get()
    assert office.post(url(AttendanceRecord, "change", record.pk), {"status": "absent"}).status_code == 403
    assert office.post(url(AttendanceRecord, "delete", record.pk), {"post": "yes"}).status_code == 403
    assert act(office, AttendanceRecord, "delete_selected", record).status_code in {200, 403}
    assert AttendanceRecord.objects.get().status == "present"


def test_personal_data_is_not_shown_to_teachers(session: Session) -> None:
    student = students_of(session)[0]
    page = signed_in(session.faculty.get().user).get(url(Student, "change", student.pk))
    assert page.status_code == 200
    shown = [name for _title, options in page.context["adminform"].fieldsets for name in options["fields"]]
    assert not {"phone", "date_of_birth", "guardian_contact"} & set(shown)


def test_nobody_makes_themselves_an_operator(session: Session) -> None:
    me = UserFactory(school=session.school)
    colleague = FacultyFactory(school=session.school).user
    client = signed_in(me)
    for user in (me, colleague):
        client.post(url(User, "change", user.pk), {"full_name": "x", "role": "superuser", "is_active": "on"})
        user.refresh_from_db()
        assert user.role != Role.SUPERUSER


def test_a_students_name_is_changed_on_the_students_row_alone(office: Client, session: Session) -> None:
    student = students_of(session)[0]
    name = student.user.full_name

    office.post(
        url(User, "change", student.user_id), {"full_name": "Somebody", "role": "student", "is_active": "on"}
    )

    student.user.refresh_from_db()
    assert student.user.full_name == name == student.current_snapshot.name


def test_saving_a_row_as_it_is_tells_the_trail_nothing(office: Client, session: Session) -> None:
    room = RoomFactory(school=session.school)
    page = office.get(url(Room, "change", room.pk))
    form = page.context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    answer = office.post(
        url(Room, "change", room.pk), {name: value for name, value in shown.items() if value is not None}
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert not AuditEntry.objects.filter(object_type="room").exists()


def test_rooms_and_teachers_of_another_school_cannot_be_chosen(session: Session, office: Client) -> None:
    other = SchoolFactory()
    TermFactory(school=other)
    answer = office.post(
        url(TimetableSlot, "add"),
        {
            "sections": [str(session.sections.get().pk)],
            "faculty": [FacultyFactory(school=other).pk],
            "room": RoomFactory(school=other).pk,
            "weekday": 4,
            "starts": "09:00",
            "ends": "10:00",
            "valid_from": "2026-11-02",
            "valid_until": "2027-03-27",
            "exceptions-TOTAL_FORMS": 0,
            "exceptions-INITIAL_FORMS": 0,
        },
    )
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {"faculty", "room"}
    assert Faculty.objects.filter(school=other).exists()
