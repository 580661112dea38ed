"""Who sees what in Django admin and may do what: every model, every role; other schools are not there."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from academics.models import Room, Student
from accounts.enums import Role
from accounts.models import School, User
from attendance.models import AttendanceStatistics, Holiday, Session, TimetableSlot
from attendance.services import sessions
from tests.admin.conftest import begin
from tests.admin.pages import entry, saved, url
from tests.attendance.scans import students_of
from tests.colleges import signed_in
from tests.conftest import NOW
from tests.factories import (
    FacultyFactory,
    RoomFactory,
    SchoolFactory,
    SectionFactory,
    SessionFactory,
    UserFactory,
)
from tests.standing import taken_back

pytestmark = pytest.mark.django_db


OURS = {"core", "audit", "accounts", "academics", "attendance", "notifications"}
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label in OURS), key=lambda m: m._meta.label
)
OFFICE_ONLY = {
    "accounts.User",
    "accounts.Consent",
    "accounts.RefreshFamily",
    "academics.StudentSnapshot",
    "attendance.AnomalyDismissal",
    "attendance.AttendanceConfiguration",
    "attendance.BiometricDevice",
    "attendance.BiometricTemplate",
    "attendance.DeviceEvent",
    "attendance.HeldRecord",
    "attendance.ExportJob",
    "attendance.LegalHold",
    "attendance.RefusedScan",
    "attendance.UnknownDevice",
    "audit.AuditEntry",
    "audit.RetentionRun",
    "notifications.Notification",
    "notifications.OutgoingMail",
    "notifications.Preference",
    "notifications.WebhookDelivery",
    "notifications.WebhookEndpoint",
}
OPERATORS_ONLY = {"audit.AuditSeal"}


@pytest.fixture(scope="class")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[Session]:
    """A class that has begun, made once for all models."""
    with taken_back(django_db_blocker, NOW):
        yield begin(SessionFactory(section=SectionFactory(students=2)), NOW)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
class TestEveryModel:
    @pytest.fixture
    def session(self, standing: Session, db: None) -> Session:
        return deepcopy(standing)

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


def test_figures_and_configuration_of_others_are_not_listed(begun: Session, now: datetime) -> None:
    sessions.close_session(session=begun, by=None, now=now)
    assert AttendanceStatistics.objects.exists()
    stranger = signed_in(FacultyFactory(school=begun.school).user)
    assert stranger.get(url(AttendanceStatistics, "changelist")).context["cl"].result_count == 0
    teacher = signed_in(begun.faculty.get().user)
    assert teacher.get(url(AttendanceStatistics, "changelist")).context["cl"].result_count == 2


def test_personal_data_is_not_shown_to_teachers(session: Session) -> None:
    student = students_of(session)[0]
    page = signed_in(session.faculty.get().user).get(url(Student, "change", student.pk))
    assert page.status_code == 200
    shown = [name for _title, options in page.context["adminform"].fieldsets for name in options["fields"]]
    assert not {"phone", "date_of_birth", "guardian_contact"} & set(shown)


def test_faculty_read_and_do_not_write(session: Session) -> None:
    teacher = signed_in(session.faculty.get().user)
    room = RoomFactory(school=session.school, building="Main")
    assert teacher.get(url(Room, "change", room.pk)).status_code == 200
    assert teacher.post(url(Room, "change", room.pk), {"code": "X"}).status_code == 403
    assert teacher.get(url(Room, "add")).status_code == 403
    assert teacher.post(url(Room, "delete", room.pk), {"post": "yes"}).status_code == 403
    room.refresh_from_db()
    assert room.building == "Main"


@pytest.mark.usefixtures("begun")
def test_nothing_can_be_deleted_by_the_dozen(office: Client) -> None:
    """The action that deletes what is ticked would go past services and trail."""
    for model in admin.site._registry:
        page = office.get(url(model, "changelist"))
        if page.status_code == 200:
            assert "delete_selected" not in page.content.decode(), model


def test_people_of_one_school_cannot_name_another(office: Client, school: School) -> None:
    assert saved(office.post(url(Room, "add"), {"code": "R1", "school": SchoolFactory().pk}))
    assert Room.objects.get().school == school


def test_an_operator_of_several_schools_says_which(operator: Client, school: School) -> None:
    without = operator.post(url(Room, "add"), {"code": "R1"})
    assert "school" in without.context["adminform"].form.errors
    assert saved(operator.post(url(Room, "add"), {"code": "R1", "school": school.pk}))
    assert Room.objects.get().school == school
    assert entry("room.create").school_id == school.pk


def test_operators_without_a_school_plan_elsewhere(operator: Client, session: Session) -> None:
    for model in (Holiday, TimetableSlot):
        assert operator.get(url(model, "add")).status_code == 403


def test_nobody_makes_themselves_an_operator(session: Session) -> None:
    me = UserFactory(school=session.school)
    colleague = FacultyFactory(school=session.school).user
    client = signed_in(me)
    for user in (me, colleague):
        client.post(url(User, "change", user.pk), {"full_name": "x", "role": "superuser", "is_active": "on"})
        user.refresh_from_db()
        assert user.role != Role.SUPERUSER


@pytest.mark.parametrize(("role", "offered"), [(Role.ADMIN, False), (Role.SUPERUSER, True)])
def test_only_operators_are_offered_to_make_operators(school: School, role: str, offered: bool) -> None:
    me = UserFactory(school=None if role == Role.SUPERUSER else school, role=role)
    colleague = UserFactory(school=school, role=Role.INTEGRATOR)
    page = signed_in(me).get(url(User, "change", colleague.pk))
    roles = dict(page.context["adminform"].form.fields["role"].choices)
    assert (Role.SUPERUSER in roles) is offered
