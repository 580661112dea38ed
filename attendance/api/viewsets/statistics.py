"""Percentages."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.api.scope import SchoolNotChosen, allow, school_of, user_of, within_reach
from academics.models import Student
from accounts.models import User
from attendance import policies
from attendance.api import lookups
from attendance.api.serializers.figures import StudentSummarySerializer, plain_summary
from attendance.selectors.figures import student_summary
from attendance.selectors.own_summary import OwnSummary
from core import clock
from core.api.filters import refuse_unknown
from core.api.refusals import refuses
from core.errors import NotFound

_PARAMETERS = [
    OpenApiParameter("student", str, description="Enrollment number; students may leave it out."),
    OpenApiParameter("term", int, description="Id of the term; the present one, or the last, when left out."),
    OpenApiParameter("school", str, description="Code of the school: for operators of several schools."),
]


class StudentSummaryView(APIView):
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="attendance_student_summary",
        tags=["attendance: figures"],
        summary="A student's percentages",
        parameters=_PARAMETERS,
        responses={200: StudentSummarySerializer},
    )
    @refuses(NotFound, SchoolNotChosen)
    def get(self, request: Request) -> Response:
        """Per course and over all courses of a term: students their own, faculty those they teach."""
        refuse_unknown(request, ["student", "term", "school"])
        user = user_of(request)
        student = _student(request, user)
        allow(policies.can_view_student_figures(user, student))
        today = student.school.local_date(clock.now())
        term = lookups.term_of(request, student.school, today=today)
        found = student_summary(student=student, term=term, on=today)
        return Response(plain_summary(OwnSummary.of(found)))


def _student(request: Request, user: User) -> Student:
    """The student asked for, within the school; oneself when nobody is named."""
    number = request.query_params.get("student")
    students = within_reach(Student.objects.select_related("school", "user"), user)
    if number is None and policies.is_student(user):
        student = students.filter(user=user).first()
    elif not number:
        raise lookups.required("student")
    else:
        student = students.filter(school=school_of(request), enrollment_no=number.upper()).first()
    if student is None:
        raise NotFound(attr="student")
    return student
