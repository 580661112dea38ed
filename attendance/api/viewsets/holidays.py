"""Days without classes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from accounts.models import School
from attendance import errors, policies
from attendance.api.filters import HolidayFilterSet
from attendance.api.serializers.calendar import (
    CalendarFileSerializer,
    HolidayImportSerializer,
    HolidayOutcomeSerializer,
    HolidayRemovalSerializer,
    HolidaySerializer,
    PublicHolidaysSerializer,
)
from attendance.models import Holiday
from attendance.services import holiday_import, holidays
from core import clock
from core.api.exceptions import BodyTooLarge
from core.api.parsers import StrictJSONParser
from core.api.refusals import refuses
from core.errors import Invalid

_TAGS = ["attendance: timetable"]


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Holidays"),
    retrieve=extend_schema(tags=_TAGS, summary="A holiday"),
)
class HolidayViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Everybody sees them; the office keeps them. A new one cancels what was planned and lists what was held."""

    queryset = Holiday.objects.select_related("school", "department")
    serializer_class = HolidaySerializer
    filterset_class = HolidayFilterSet
    search_fields = ["name"]
    ordering_fields = ["date", "name"]
    ordering = ["date", "pk"]
    policies = {
        "retrieve": policies.can_view_holiday,
        "partial_update": policies.can_change_plan,
        "destroy": policies.can_change_plan,
    }

    @extend_schema(
        tags=_TAGS,
        summary="Add a holiday",
        parameters=[SCHOOL_PARAMETER],
        responses={201: HolidayOutcomeSerializer},
    )
    @refuses(errors.HolidayExists, SchoolNotChosen, Invalid)
    def create(self, request: Request) -> Response:
        """Classes still planned on that day are cancelled; those already held are listed to be looked at."""
        school = self._planned_school()
        asked = self._asked(school, data=request.data)
        values = asked.validated_data
        outcome = holidays.add_holiday(
            school=school, day=values.pop("date"), by=self.user, now=clock.now(), **values
        )
        return Response(HolidayOutcomeSerializer(outcome).data, 201)

    @extend_schema(tags=_TAGS, summary="Change a holiday", responses={200: HolidayOutcomeSerializer})
    @refuses(errors.HolidayExists, Invalid)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another name or kind; or another day, which restores the old one and cancels on the new."""
        holiday = self.get_object()
        asked = self._asked(holiday.school, holiday, data=request.data, partial=True)
        values = {
            name: asked.validated_data.get(name, getattr(holiday, name))
            for name in ("name", "kind", "department")
        }
        outcome = holidays.update_holiday(
            holiday=holiday,
            day=asked.validated_data.get("date", holiday.date),
            by=self.user,
            now=clock.now(),
            **values,
        )
        return Response(HolidayOutcomeSerializer(outcome).data)

    @extend_schema(tags=_TAGS, summary="Take a holiday back", responses={200: HolidayRemovalSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """What it cancelled is planned again, unless its room or people are taken meanwhile."""
        outcome = holidays.remove_holiday(holiday=self.get_object(), by=self.user, now=clock.now())
        return Response(HolidayRemovalSerializer(outcome).data)

    @extend_schema(
        tags=_TAGS,
        summary="Import holidays",
        parameters=[SCHOOL_PARAMETER],
        request={
            "application/json": PublicHolidaysSerializer,
            "multipart/form-data": CalendarFileSerializer,
        },
        responses={200: HolidayImportSerializer},
    )
    @refuses(SchoolNotChosen, Invalid)
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import",
        parser_classes=[StrictJSONParser, MultiPartParser],
        filter_backends=[],
        pagination_class=None,
    )
    def import_(self, request: Request) -> Response:
        """Public holidays of a country, or the all-day events of an uploaded `.ics` file. Harmless to repeat."""
        school = self._planned_school()
        common: dict[str, Any] = {"school": school, "by": self.user, "now": clock.now()}
        if request.content_type.startswith("multipart/"):
            upload = CalendarFileSerializer(data=request.data)
            upload.is_valid(raise_exception=True)
            file = upload.validated_data["file"]
            if file.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                raise BodyTooLarge
            outcome = holiday_import.import_ics(content=file.read(), **common)
        else:
            asked = PublicHolidaysSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            outcome = holiday_import.import_public(**asked.validated_data, **common)
        return Response(HolidayImportSerializer(outcome).data)

    def _planned_school(self) -> School:
        school = school_of(self.request)
        allow(policies.can_plan(self.user, school))
        return school

    def _asked(self, school: School, *args: Any, **kwargs: Any) -> HolidaySerializer:
        asked = HolidaySerializer(*args, context={"school": school}, **kwargs)
        asked.is_valid(raise_exception=True)
        return asked
