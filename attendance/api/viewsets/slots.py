"""The weekly timetable."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from accounts.models import School
from attendance import errors, policies
from attendance.api.filters import SlotFilterSet
from attendance.api.serializers.calendar import SlotInputSerializer, SlotSerializer
from attendance.models import TimetableSlot
from attendance.selectors.sessions import slots_with_details
from attendance.services import timetable
from core import clock
from core.api.refusals import refuses
from core.errors import Invalid

_TAGS = ["attendance: timetable"]
_FIELDS = ("room", "weekday", "starts", "ends", "valid_from", "valid_until")


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Timetable slots"),
    retrieve=extend_schema(tags=_TAGS, summary="A timetable slot"),
)
class SlotViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Weekly classes: everybody sees their own, the office keeps them. Nobody can be in two places at once."""

    queryset = slots_with_details(TimetableSlot.objects.all())
    serializer_class = SlotSerializer
    filterset_class = SlotFilterSet
    ordering_fields = ["weekday", "starts", "valid_from"]
    ordering = ["weekday", "starts", "pk"]
    policies = {
        "retrieve": policies.can_view_slot,
        "partial_update": policies.can_change_plan,
        "destroy": policies.can_change_plan,
    }

    @extend_schema(
        tags=_TAGS,
        summary="Add a timetable slot",
        parameters=[SCHOOL_PARAMETER],
        request=SlotInputSerializer,
        responses={201: SlotSerializer},
    )
    @refuses(errors.FacultyConflict, errors.RoomConflict, errors.CohortConflict, SchoolNotChosen, Invalid)
    def create(self, request: Request) -> Response:
        """Sessions are made of it by `sessions/generate/`. A conflict names the others in `meta.conflicts_with`."""
        school = school_of(request)
        allow(policies.can_plan(self.user, school))
        values = self._asked(school)
        slot = timetable.save_slot(school=school, by=self.user, now=clock.now(), **values)
        return Response(self._shown(slot), 201)

    @extend_schema(
        tags=_TAGS,
        summary="Change a timetable slot",
        request=SlotInputSerializer,
        responses={200: SlotSerializer},
    )
    @refuses(errors.FacultyConflict, errors.RoomConflict, errors.CohortConflict, Invalid)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Re-plans classes ahead that nobody has opened; the past stays as it was."""
        slot = self.get_object()
        present: dict[str, Any] = {name: getattr(slot, name) for name in _FIELDS}
        present |= {"sections": list(slot.sections.all()), "faculty": list(slot.faculty.all())}
        values = present | self._asked(slot.school, partial=True)
        slot = timetable.save_slot(school=slot.school, slot=slot, by=self.user, now=clock.now(), **values)
        return Response(self._shown(slot))

    @extend_schema(
        tags=_TAGS,
        summary="End a timetable slot",
        responses={204: OpenApiResponse(description="Classes ahead are gone; what was held stays.")},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """From today on there are no classes of it; one that never held a class is deleted."""
        timetable.retire_slot(slot=self.get_object(), by=self.user, now=clock.now())
        return Response(status=204)

    def _asked(self, school: School, **kwargs: Any) -> dict[str, Any]:
        asked = SlotInputSerializer(data=self.request.data, context={"school": school}, **kwargs)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def _shown(self, slot: TimetableSlot) -> Any:
        fresh = slots_with_details(TimetableSlot.objects.all()).get(pk=slot.pk)
        return SlotSerializer(fresh).data
