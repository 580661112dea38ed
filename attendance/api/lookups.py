"""What the parameters of a question about figures mean. Another school's is not there; neither is what nobody has."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import Field
from rest_framework.request import Request

from academics.api.scope import school_of, user_of, within_reach
from academics.models import Course, Department, Section, Term
from accounts.models import School
from attendance.selectors.figures import term_for
from core.errors import NotFound


def required(name: str) -> ValidationError:
    """The refusal of a question without this parameter."""
    detail = str(Field.default_error_messages["required"])
    return ValidationError({name: [ErrorDetail(detail, code="required")]})


def term_of(request: Request, school: School, *, today: date) -> Term | None:
    """The term asked for by id; the present one, or the last, when none is named. Raises NotFound."""
    raw = request.query_params.get("term")
    if raw is None:
        return term_for(school=school, on=today)
    term = (
        Term.objects.filter(school=school, pk=raw).first()
        if raw.isascii() and raw.isdigit() and len(raw) < 19
        else None
    )
    if term is None:
        raise NotFound(attr="term")
    return term


def section_of(request: Request) -> Section | None:
    """The section asked for by id, with course, cohort, term and school; None when none is named. Raises NotFound."""
    raw = request.query_params.get("section")
    if raw is None:
        return None
    sections = Section.objects.select_related("course", "cohort", "term", "school")
    section = within_reach(sections, user_of(request)).filter(pk=key).first() if (key := _uuid(raw)) else None
    if section is None:
        raise NotFound(attr="section")
    return section


def course_of(request: Request) -> Course | None:
    """The course asked for by code, with its school; None when none is named. Raises NotFound, SchoolNotChosen."""
    raw = request.query_params.get("course")
    if raw is None:
        return None
    courses = Course.objects.select_related("school")
    course = courses.filter(school=school_of(request), code__iexact=raw).first()
    if course is None:
        raise NotFound(attr="course")
    return course


def department_of(request: Request) -> Department | None:
    """The department asked for by code, with its school; None when none is named. Raises NotFound, SchoolNotChosen."""
    raw = request.query_params.get("department")
    if raw is None:
        return None
    departments = Department.objects.select_related("school")
    department = departments.filter(school=school_of(request), code__iexact=raw).first()
    if department is None:
        raise NotFound(attr="department")
    return department


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
