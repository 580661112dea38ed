"""Figures of whole classes: a course, a department, and who is below the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, allow, school_of, user_of
from academics.models import Course, Section, Term
from accounts.models import School
from attendance import policies
from attendance.api import lookups
from attendance.api.serializers.figures import plain_figures
from attendance.api.serializers.summaries import (
    CourseSummarySerializer,
    DepartmentSummarySerializer,
    ShortageSerializer,
)
from attendance.enums import Band
from attendance.selectors.course_summary import BandCounts, CourseSummary, course_summary
from attendance.selectors.departments import department_summary
from attendance.selectors.shortage import BELOW, Shortage, Shortages
from attendance.selectors.trends import Trend
from core import clock
from core.api.filters import refuse_unknown
from core.api.pagination import parameters_of
from core.api.refusals import refuses
from core.errors import NotFound

_TAGS = ["attendance: figures"]
_TERM = OpenApiParameter(
    "term", int, description="Id of the term; the present one, or the last, when left out."
)
_SECTION = OpenApiParameter("section", OpenApiTypes.UUID, description="Id of a section.")
_COURSE = OpenApiParameter("course", str, description="Code of a course: all its sections that you may see.")
_DEPARTMENT = OpenApiParameter("department", str, description="Code of a department.")
_BAND = OpenApiParameter("band", str, enum=BELOW, description="Only these; both when left out.")


class CourseSummaryView(APIView):
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="attendance_course_summary",
        tags=_TAGS,
        summary="A class in figures",
        parameters=[_COURSE, _SECTION, _TERM, SCHOOL_PARAMETER],
        responses={200: CourseSummarySerializer},
    )
    @refuses(NotFound, SchoolNotChosen)
    def get(self, request: Request) -> Response:
        """Of a course or of one section: the average, the distribution, every student, the weeks."""
        refuse_unknown(request, ["course", "section", "term", "school"])
        user = user_of(request)
        allow(policies.can_view_summaries(user))
        _one_of(request, "course", "section")
        now = clock.now()
        if (section := lookups.section_of(request)) is not None:
            allow(policies.can_view_section_figures(user, section))
            course, school, sections = section.course, section.school, [section]
            today = school.local_date(now)
            term: Term | None = _own_term(request, section)
        else:
            course = _course(request)
            school = course.school
            today = school.local_date(now)
            term = lookups.term_of(request, school, today=today)
            of_course = Section.objects.filter(course=course, term=term).select_related("cohort")
            sections = list(of_course.visible_to(user).distinct().order_by("pk"))
            allow(bool(sections) or not of_course.exists())
        summary = course_summary(course=course, term=term, sections=[one.pk for one in sections], today=today)
        return Response(_summary(summary, sections, school))


class ShortageView(GenericAPIView):
    http_method_names = ["get", "head"]
    filter_backends = ()
    serializer_class = ShortageSerializer

    @extend_schema(
        operation_id="attendance_shortage",
        tags=_TAGS,
        summary="Who is below the threshold",
        parameters=[_SECTION, _DEPARTMENT, _TERM, _BAND, SCHOOL_PARAMETER],
        responses={200: ShortageSerializer(many=True)},
    )
    @refuses(NotFound, SchoolNotChosen)
    def get(self, request: Request) -> Response:
        """In the sections that you may see; who needs most classes in a row comes first."""
        refuse_unknown(
            request, ["section", "department", "term", "band", "school", *parameters_of(self.paginator)]
        )
        user = user_of(request)
        allow(policies.can_view_summaries(user))
        bands = _bands(request)
        sections = Section.objects.visible_to(user)
        if (section := lookups.section_of(request)) is not None:
            allow(policies.can_view_section_figures(user, section))
            sections = sections.filter(pk=section.pk)
        if (department := lookups.department_of(request)) is not None:
            allow(policies.can_view_department_figures(user, department))
            sections = sections.filter(course__department=department)
        school = section.school if section else department.school if department else school_of(request)
        today = school.local_date(clock.now())
        term = _own_term(request, section) if section else lookups.term_of(request, school, today=today)
        found: Shortages | list[Shortage] = []
        if term is not None:
            ids = sections.filter(term=term).values_list("pk", flat=True).distinct()
            found = Shortages(sections=list(ids), term=term, today=today, bands=bands)
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response([_shortage(one) for one in page])


class DepartmentSummaryView(APIView):
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="attendance_department_summary",
        tags=_TAGS,
        summary="A department in figures",
        parameters=[
            OpenApiParameter("department", str, required=True, description="Code of the department."),
            _TERM,
            SCHOOL_PARAMETER,
        ],
        responses={200: DepartmentSummarySerializer},
    )
    @refuses(NotFound, SchoolNotChosen)
    def get(self, request: Request) -> Response:
        """Section by section, for its head and the office; and its weeks."""
        refuse_unknown(request, ["department", "term", "school"])
        user = user_of(request)
        allow(policies.can_view_summaries(user))
        department = lookups.department_of(request)
        if department is None:
            raise lookups.required("department")
        allow(policies.can_view_department_figures(user, department))
        today = department.school.local_date(clock.now())
        term = lookups.term_of(request, department.school, today=today)
        summary = department_summary(department=department, term=term, today=today)
        return Response(
            {
                "department": {"code": department.code, "name": department.name},
                "term": _term(term),
                "sections": [
                    {
                        "section": {
                            "id": one.section,
                            "course": {"code": one.code, "title": one.title},
                            "cohort": one.cohort,
                            "name": one.name,
                        },
                        "faculty": one.faculty,
                        "students": one.students,
                        "sessions": one.sessions,
                        "percentage": one.percentage,
                        "band": one.band,
                        "bands": _counts(one.bands),
                    }
                    for one in summary.sections
                ],
                "trend": _trend(summary.trend, department.school),
            }
        )


def _one_of(request: Request, first: str, second: str) -> None:
    """Exactly one of two parameters is named. Raises ValidationError."""
    named = [name for name in (first, second) if name in request.query_params]
    if not named:
        raise lookups.required(second)
    if len(named) == 2:
        detail = _("Name only one of “{first}” and “{second}”.").format(first=first, second=second)
        raise ValidationError({first: [ErrorDetail(detail, code="invalid")]})


def _course(request: Request) -> Course:
    course = lookups.course_of(request)
    if course is None:
        raise lookups.required("course")
    return course


def _own_term(request: Request, section: Section) -> Term:
    """A section lies in one term; naming another one asks for what is not there. Raises NotFound."""
    if "term" in request.query_params and request.query_params["term"] != str(section.term_id):
        raise NotFound(attr="term")
    return section.term


def _bands(request: Request) -> Sequence[str]:
    band = request.query_params.get("band")
    if band is None:
        return BELOW
    if band not in BELOW:
        detail = _("Below the threshold there are: {known}.").format(known=", ".join(BELOW))
        raise ValidationError({"band": [ErrorDetail(detail, code="invalid_choice")]})
    return [band]


def _summary(summary: CourseSummary, sections: Sequence[Section], school: School) -> dict[str, Any]:
    """The answer without a serializer per student."""
    average = plain_figures(summary.average)
    for name in ("held", "need", "can_miss"):
        del average[name]
    return {
        "course": {"code": summary.course.code, "title": summary.course.title},
        "sections": [
            {
                "id": section.pk,
                "course": {"code": summary.course.code, "title": summary.course.title},
                "cohort": section.cohort.code if section.cohort else None,
                "name": section.name,
            }
            for section in sections
        ],
        "term": _term(summary.term),
        "threshold": summary.threshold,
        "floor": summary.floor,
        "sessions": summary.sessions,
        "average": average,
        "distribution": {
            "bands": _counts(summary.bands),
            "histogram": [
                {"low": bar.low, "high": bar.high, "students": bar.students} for bar in summary.histogram
            ],
        },
        "students": [
            {
                "student": {"enrollment_no": member.student, "name": member.name},
                "section": member.section,
                **plain_figures(member.figures),
            }
            for member in summary.students
        ],
        "trend": _trend(summary.trend, school),
    }


def _shortage(row: Shortage) -> dict[str, Any]:
    return {
        "student": {"enrollment_no": row.student, "name": row.name},
        "section": {
            "id": row.section,
            "course": {"code": row.code, "title": row.title},
            "cohort": row.cohort,
            "name": row.section_name,
        },
        **plain_figures(row.figures),
    }


def _term(term: Term | None) -> dict[str, Any] | None:
    return {"id": term.pk, "name": term.name} if term else None


def _counts(bands: BandCounts) -> dict[str, int]:
    return {
        Band.CLEAR.value: bands.clear,
        Band.CONDONABLE.value: bands.condonable,
        Band.SHORTAGE.value: bands.shortage,
        "none": bands.none,
    }


def _trend(trend: Trend, school: School) -> dict[str, Any]:
    return {
        "as_of": trend.as_of.astimezone(school.tz) if trend.as_of else None,
        "weeks": [
            {"week": week.monday, "sessions": week.sessions, "percentage": week.percentage}
            for week in trend.weeks
        ],
    }
