"""What an export is about: filters in the words of the API, turned into things that the person may see.

The same rights as for the pages and lists that show the same. They are asked when the export is asked for, again when
a job is run, and again when its file is fetched.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from academics.models import Course, Department, Section, Student, Term
from academics.policies import can_view_section
from accounts.enums import Role
from accounts.models import School, User
from attendance import policies
from attendance.enums import ExportKind
from attendance.selectors.figures import term_for
from core.errors import Forbidden, Invalid, NotFound

#: Filters that each kind knows; others are refused before they get here.
FILTERS: dict[str, tuple[str, ...]] = {
    ExportKind.RECORDS: ("from", "to", "section", "department", "course", "student", "status", "source"),
    ExportKind.REGISTER: ("section", "month"),
    ExportKind.SUMMARY: ("term", "section", "department", "course", "student"),
    ExportKind.SHORTAGE: ("term", "section", "department", "band"),
    ExportKind.AUDIT: ("from", "to", "object_type", "object_id", "action", "actor", "operation"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked for, by whom. Days are the school's, both included; `words` are the remaining filters."""

    user: User
    school: School
    kind: str
    today: date
    first: date | None
    last: date | None
    term: Term | None
    section: Section | None
    department: Department | None
    course: Course | None
    student: Student | None
    words: Mapping[str, Any]

    def sections(self) -> Any:
        """The sections of the term that are asked for, as far as the person sees them."""
        found = Section.objects.visible_to(self.user).filter(school=self.school, term=self.term)
        if self.section is not None:
            found = found.filter(pk=self.section.pk)
        if self.department is not None:
            found = found.filter(course__department=self.department)
        if self.course is not None:
            found = found.filter(course=self.course)
        return found


def scope_of(*, user: User, school: School, kind: str, filters: Mapping[str, Any], today: date) -> Scope:
    """Look up what the filters name and ask the policies. `filters` has been checked for its form.

    Raises NotFound for what is not there (or another school's), Forbidden for what one may not see, Invalid for
    dates in the wrong order.
    """
    if not user.is_active or not user.may_reach(school.pk):
        raise Forbidden
    section = _section(school, filters)
    first, last = _days(filters)
    found = Scope(
        user=user,
        school=school,
        kind=kind,
        today=today,
        first=first,
        last=last,
        term=section.term if section else _term(school, filters, today),
        section=section,
        department=_coded(Department, school, filters, "department"),
        course=_coded(Course, school, filters, "course"),
        student=_student(user, school, kind, filters),
        words=filters,
    )
    if section is not None and filters.get("term") not in (None, section.term_id):
        # A section lies in one term; naming another one asks for what is not there.
        raise NotFound(attr="filters.term")
    if not _allowed(found):
        raise Forbidden
    return found


def _allowed(scope: Scope) -> bool:
    user = scope.user
    if scope.kind == ExportKind.AUDIT:
        return policies.can_view_audit(user, scope.school.pk)
    if scope.kind in {ExportKind.SHORTAGE, ExportKind.REGISTER} and not policies.can_view_summaries(user):
        return False
    if scope.section is not None and not can_view_section(user, scope.section):
        return False
    if scope.department is not None and not policies.can_view_department_figures(user, scope.department):
        return False
    return scope.student is None or policies.can_view_student_figures(user, scope.student)


def reach_of(user: User, school: School) -> dict[str, Any]:
    """What a person sees now, in a form that can be kept and compared: see `still_within`."""
    limited = user.role in {Role.FACULTY, Role.STUDENT}
    sections = Section.objects.visible_to(user).filter(school=school) if limited else Section.objects.none()
    return {
        "role": user.role,
        "sections": sorted({str(key) for key in sections.values_list("pk", flat=True)}),
    }


def still_within(kept: Mapping[str, Any], user: User, school: School) -> bool:
    """Whether the person still sees everything that they saw then."""
    present = reach_of(user, school)
    return present["role"] == kept.get("role") and set(kept.get("sections", ())) <= set(present["sections"])


def described(scope: Scope) -> list[str]:
    """What the file is about, line by line, for its head."""
    lines = (
        [scope.term.name] if scope.term and scope.kind in {ExportKind.SUMMARY, ExportKind.SHORTAGE} else []
    )
    if scope.department:
        lines.append(scope.department.name)
    if scope.course:
        lines.append(f"{scope.course.code} {scope.course.title}")
    if scope.section:
        lines.append(f"{scope.section.course.code} {scope.section.course.title}, {scope.section.group}")
    if scope.student:
        lines.append(f"{scope.student.enrollment_no} {scope.student.user.full_name}")
    if scope.first or scope.last:
        lines.append(
            _("{first} to {last}").format(
                first=scope.first.isoformat() if scope.first else "…",
                last=scope.last.isoformat() if scope.last else "…",
            )
        )
    return lines


def _days(filters: Mapping[str, Any]) -> tuple[date | None, date | None]:
    if "month" in filters:
        begin = date.fromisoformat(f"{filters['month']}-01")
        return begin, begin.replace(day=monthrange(begin.year, begin.month)[1])
    first, last = (
        date.fromisoformat(filters[name]) if filters.get(name) else None for name in ("from", "to")
    )
    if first and last and last < first:
        raise Invalid(detail=_("The last day lies before the first."), attr="filters.to")
    return first, last


def _term(school: School, filters: Mapping[str, Any], today: date) -> Term | None:
    if filters.get("term") is None:
        return term_for(school=school, on=today)
    term = Term.objects.filter(school=school, pk=filters["term"]).first()
    if term is None:
        raise NotFound(attr="filters.term")
    return term


def _section(school: School, filters: Mapping[str, Any]) -> Section | None:
    if filters.get("section") is None:
        return None
    sections = Section.objects.select_related(
        "course__department", "cohort", "term", "school", "faculty__user"
    )
    section = sections.filter(school=school, pk=UUID(str(filters["section"]))).first()
    if section is None:
        raise NotFound(attr="filters.section")
    return section


def _coded(model: Any, school: School, filters: Mapping[str, Any], name: str) -> Any:
    if not filters.get(name):
        return None
    found = model.objects.filter(school=school, code__iexact=filters[name]).first()
    if found is None:
        raise NotFound(attr=f"filters.{name}")
    return found


def _student(user: User, school: School, kind: str, filters: Mapping[str, Any]) -> Student | None:
    """The student asked for; students ask for themselves, whether they say so or not."""
    students = Student.objects.select_related("user").filter(school=school)
    if filters.get("student"):
        student = students.filter(enrollment_no=str(filters["student"]).upper()).first()
        if student is None:
            raise NotFound(attr="filters.student")
        return student
    if user.role == Role.STUDENT and kind in {ExportKind.RECORDS, ExportKind.SUMMARY}:
        student = students.filter(user=user).first()
        if student is None:
            raise Forbidden
        return student
    return None
