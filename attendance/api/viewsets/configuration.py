"""The school's rules."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, allow, school_of, user_of
from attendance import policies
from attendance.api.serializers.configuration import ConfigurationSerializer
from attendance.services import configuration
from core import clock
from core.api.filters import refuse_unknown
from core.api.refusals import refuses
from core.errors import Invalid, NotFound, Stale


class ConfigurationView(APIView):
    """Everybody may read the rules of their school; the office changes them."""

    http_method_names = ["get", "head", "patch"]

    @extend_schema(
        operation_id="attendance_configuration_read",
        tags=["attendance: configuration"],
        summary="The school's rules",
        parameters=[SCHOOL_PARAMETER],
        responses={200: ConfigurationSerializer},
    )
    @refuses(SchoolNotChosen, NotFound)
    def get(self, request: Request) -> Response:
        """All parameters of the school with their present values."""
        refuse_unknown(request, ["school"])
        rules = configuration.ensure(school_of(request))
        allow(policies.can_view_configuration(user_of(request), rules.school_id))
        return Response(ConfigurationSerializer(rules).data)

    @extend_schema(
        operation_id="attendance_configuration_change",
        tags=["attendance: configuration"],
        summary="Change the school's rules",
        parameters=[SCHOOL_PARAMETER],
        request=ConfigurationSerializer,
        responses={200: ConfigurationSerializer},
    )
    @refuses(SchoolNotChosen, NotFound, Stale, Invalid)
    def patch(self, request: Request) -> Response:
        """Some of them; percentages follow at once where the formula changes."""
        refuse_unknown(request, ["school"])
        user = user_of(request)
        rules = configuration.ensure(school_of(request))
        allow(policies.can_configure(user, rules.school_id))
        asked = ConfigurationSerializer(rules, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changes = dict(asked.validated_data)
        version = changes.pop("version", None)
        rules = configuration.update(
            configuration=rules, changes=changes, version=version, by=user, now=clock.now()
        )
        return Response(ConfigurationSerializer(rules).data)
