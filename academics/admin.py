"""Academics in Django admin. Whatever has rules is written by its service."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from academics import policies
from academics.models import (
    Cohort,
    Course,
    Department,
    Enrollment,
    Faculty,
    Programme,
    Room,
    Section,
    Student,
    StudentSnapshot,
    Term,
)
from academics.services import memberships, people, terms
from accounts.admin_base import OfficeAdmin
from accounts.models import School, User
from core import clock
from core.admin import PLAUSIBLE_DAYS, PolicyAdmin
from core.errors import Invalid


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


@admin.register(Department)
class DepartmentAdmin(OfficeAdmin):
    list_display = ("code", "name", "head")
    list_select_related = ("head__user",)
    search_fields = ("code", "name")
    autocomplete_fields = ("head",)


@admin.register(Programme)
class ProgrammeAdmin(OfficeAdmin):
    list_display = ("name", "department")
    list_select_related = ("department",)
    search_fields = ("name",)


@admin.register(Room)
class RoomAdmin(OfficeAdmin):
    list_display = ("code", "building", "capacity", "geofence_radius_m")
    search_fields = ("code", "building")


@admin.register(Course)
class CourseAdmin(OfficeAdmin):
    list_display = ("code", "title", "credits", "department")
    list_select_related = ("department",)
    search_fields = ("code", "title")


@admin.register(Cohort)
class CohortAdmin(OfficeAdmin):
    list_display = ("code", "department", "parent")
    list_select_related = ("department", "parent")
    search_fields = ("code",)
    autocomplete_fields = ("parent",)


@admin.register(Term)
class TermAdmin(OfficeAdmin):
    list_display = ("name", "starts_on", "ends_on")
    search_fields = ("name",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        saved = terms.save_term(
            school=obj.school,
            name=obj.name,
            starts_on=obj.starts_on,
            ends_on=obj.ends_on,
            term=Term.objects.get(pk=obj.pk) if change else None,
            by=_by(request),
            now=clock.now(),
        )
        obj.pk = saved.pk


@admin.register(Section)
class SectionAdmin(OfficeAdmin):
    list_display = ("course", "group", "term", "faculty")
    list_filter = ("term",)
    list_select_related = ("course", "cohort", "term", "faculty__user")
    search_fields = ("course__code", "course__title", "cohort__code", "name")
    autocomplete_fields = ("course", "cohort", "faculty", "teachers")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Students of the cohort belong to its later sections too.
        if form.instance.cohort_id:
            memberships.enroll_cohort(section=form.instance, by=_by(request), now=clock.now())


@admin.register(Enrollment)
class EnrollmentAdmin(OfficeAdmin):
    list_display = ("student", "section", "joined_on", "left_on")
    list_select_related = ("student__user", "section__course", "section__cohort")
    search_fields = ("student__enrollment_no", "section__course__code")
    autocomplete_fields = ("student", "section")
    school_path = "section__school"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            made = memberships.enroll(
                student=obj.student,
                section=obj.section,
                joined_on=obj.joined_on,
                left_on=obj.left_on,
                by=_by(request),
                now=clock.now(),
            )
            obj.pk = made.pk
            return
        stored = Enrollment.objects.get(pk=obj.pk)
        if obj.left_on is not None:
            memberships.leave(enrollment=stored, left_on=obj.left_on, by=_by(request), now=clock.now())
        elif stored.left_on is not None:
            detail = _("A membership that has an end keeps one. Add a new one from the day of return.")
            raise Invalid(attr="left_on", detail=detail)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("student", "section", "joined_on") if obj is not None else ()

    def may_delete(self, user: Any, obj: Any) -> bool:
        return False


class _PersonForm(forms.ModelForm[Any]):
    """Fields of the person's user beside those of the row."""

    full_name = forms.CharField(label=_("Full name"), max_length=150)
    email = forms.EmailField(label=_("Email address"), required=False)
    phone = forms.CharField(label=_("Phone"), max_length=32, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        if instance is not None and instance.pk:
            kwargs["initial"] = {
                "full_name": instance.user.full_name,
                "email": instance.user.email,
                "phone": instance.user.phone,
                **(kwargs.get("initial") or {}),
            }
        super().__init__(*args, **kwargs)

    def clean_enrollment_no(self) -> str:
        return str(self.cleaned_data["enrollment_no"]).upper()

    def clean_employee_no(self) -> str:
        return str(self.cleaned_data["employee_no"]).upper()

    def _get_validation_exclusions(self) -> set[str]:
        # The user is made by the service.
        return cast(set[str], super()._get_validation_exclusions()) | {"user"}  # type: ignore[misc] # a method of Django that its stubs leave out


class _StudentForm(_PersonForm):
    joined_on = forms.DateField(
        validators=PLAUSIBLE_DAYS,
        label=_("In the class group from"),
        required=False,
        widget=AdminDateWidget(),
        help_text=_("Empty: a new student from the start of the term, one who changes from today."),
    )

    def clean_cohort(self) -> Cohort | None:
        chosen: Cohort | None = self.cleaned_data["cohort"]
        if chosen is None and self.initial.get("cohort") is not None:
            raise forms.ValidationError(_("Choose the class group that the student moves to."))
        return chosen


class _PersonAdmin(OfficeAdmin):
    """People are made and changed by `services.people`, which keeps names, snapshots and the trail together."""

    form = _PersonForm
    exclude = ("user",)
    number: str

    def may_delete(self, user: Any, obj: Any) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Numbers are never changed or used again.
        return (self.number,) if obj is not None else ()


@admin.register(Student)
class StudentAdmin(_PersonAdmin):
    form = _StudentForm
    list_display = ("enrollment_no", "name", "department", "programme", "study_year", "cohort")
    list_filter = ("department", "study_year")
    list_select_related = ("user", "department", "programme", "cohort")
    search_fields = ("enrollment_no", "user__full_name")
    autocomplete_fields = ("department", "programme", "cohort")
    number = "enrollment_no"

    @admin.display(description=_("name"), ordering="user__full_name")
    def name(self, obj: Student) -> str:
        return obj.user.full_name

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = [*super().get_exclude(request, obj), "current_snapshot"]
        return (
            hidden
            if self._sees_personal_data(request, obj)
            else [*hidden, "date_of_birth", "guardian_contact"]
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if self._sees_personal_data(request, obj):
            return form
        # A declared field is taken away by naming it None.
        return type(form.__name__, (form,), {"phone": None})

    def _sees_personal_data(self, request: HttpRequest, obj: Student | None) -> bool:
        return obj is None or policies.can_view_personal_data(_by(request), obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        school: School = values.pop("school", None) or obj.school
        values["phone"] = values.get("phone") or None
        now = clock.now()
        if change:
            student = Student.objects.get(pk=obj.pk)
            changes = {
                name: values[name]
                for name in form.changed_data
                if name in values and name not in {"cohort", "joined_on"}
            }
            people.update_student(student=student, changes=changes, by=_by(request), now=now)
            if "cohort" in form.changed_data:
                on = values["joined_on"] or school.local_date(now)
                memberships.transfer(
                    student=student, cohort=values["cohort"], on=on, by=_by(request), now=now
                )
        else:
            made = people.create_student(school=school, **values, by=_by(request), now=now)
            obj.pk, obj.user = made.pk, made.user


@admin.register(Faculty)
class FacultyAdmin(_PersonAdmin):
    list_display = ("employee_no", "name", "department", "designation")
    list_filter = ("department",)
    list_select_related = ("user", "department")
    search_fields = ("employee_no", "user__full_name")
    autocomplete_fields = ("department",)
    number = "employee_no"

    @admin.display(description=_("name"), ordering="user__full_name")
    def name(self, obj: Faculty) -> str:
        return obj.user.full_name

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        school: School = values.pop("school", None) or obj.school
        values["phone"] = values.get("phone") or None
        if change:
            changes = {name: values[name] for name in form.changed_data if name in values}
            people.update_faculty(
                faculty=Faculty.objects.get(pk=obj.pk), changes=changes, by=_by(request), now=clock.now()
            )
        else:
            made = people.create_faculty(school=school, **values, by=_by(request), now=clock.now())
            obj.pk, obj.user = made.pk, made.user


@admin.register(StudentSnapshot)
class StudentSnapshotAdmin(PolicyAdmin):
    list_display = ("enrollment_no", "name", "department_code", "cohort_code", "created_at")
    search_fields = ("enrollment_no",)
    school_path = "student__school"
    seen_by = ("admin", "superuser")
