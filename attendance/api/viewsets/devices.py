"""The registry of readers, and what they tell."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from accounts.models import School
from attendance import errors, policies
from attendance.api.device_key import DeviceKeyAuthentication
from attendance.api.filters import DeviceFilterSet, ReadingFilterSet
from attendance.api.serializers.devices import (
    AssignedSerializer,
    DeviceChangeSerializer,
    DeviceRegisterSerializer,
    DeviceSerializer,
    EventsSerializer,
    KnownPinSerializer,
    PinsSerializer,
    QueuedSerializer,
    ReadingSerializer,
    RegisteredSerializer,
    TakenSerializer,
    UnknownDeviceSerializer,
)
from attendance.enums import Direction
from attendance.iclock import Reading
from attendance.models import BiometricDevice, DeviceEvent, UnknownDevice
from attendance.models.devices import WAITING_FIRST
from attendance.services import device_calls, devices, readings
from core import clock
from core.api.refusals import refuses
from core.errors import Invalid, NotFound

_TAGS = ["attendance: readers"]


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Readers"),
    retrieve=extend_schema(tags=_TAGS, summary="A reader"),
)
class DeviceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """For the office. `last_seen_at` tells which ones live."""

    queryset = BiometricDevice.objects.select_related("school__attendance_configuration", "room").annotate(
        commands_waiting=Count("commands", filter=Q(commands__answered_at__isnull=True))
    )
    serializer_class = DeviceSerializer
    filterset_class = DeviceFilterSet
    search_fields = ["serial", "name"]
    ordering_fields = ["serial", "last_seen_at"]
    ordering = ["serial", "pk"]
    policies = dict.fromkeys(
        ["retrieve", "partial_update", "destroy", "rotate_key", "pins", "set_clock", "push_users"],
        policies.can_change_device,
    )

    def get_queryset(self) -> QuerySet[Any]:
        if self.action == "list" and not getattr(self, "swagger_fake_view", False):
            allow(self.user.is_office)
        return super().get_queryset()

    @extend_schema(
        tags=_TAGS,
        summary="Register a reader",
        parameters=[SCHOOL_PARAMETER],
        request=DeviceRegisterSerializer,
        responses={201: RegisteredSerializer},
    )
    @refuses(errors.DeviceExists, SchoolNotChosen, Invalid)
    def create(self, request: Request) -> Response:
        """Its key is in this answer and nowhere else."""
        school = self._managed_school()
        asked = DeviceRegisterSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        made = devices.register(school=school, by=self.user, now=clock.now(), **asked.validated_data)
        return Response(self._with_key(made), 201)

    @extend_schema(
        tags=_TAGS,
        summary="Accept a reader that has called",
        parameters=[SCHOOL_PARAMETER],
        request=DeviceRegisterSerializer,
        responses={201: RegisteredSerializer},
    )
    @refuses(errors.DeviceExists, SchoolNotChosen, Invalid, NotFound)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def accept(self, request: Request) -> Response:
        """One of `unknown/`, by its serial number."""
        school = self._managed_school()
        asked = DeviceRegisterSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        made = devices.accept(school=school, by=self.user, now=clock.now(), **asked.validated_data)
        return Response(self._with_key(made), 201)

    @extend_schema(tags=_TAGS, summary="Unknown readers", responses={200: UnknownDeviceSerializer(many=True)})
    @action(detail=False, methods=["get"], filter_backends=[], pagination_class=None)
    def unknown(self, request: Request) -> Response:
        """Serial numbers that called and that nobody has registered, latest first. They belong to no school yet."""
        allow(self.user.is_office)
        found = UnknownDevice.objects.order_by("-last_seen_at", "-pk")
        return Response(UnknownDeviceSerializer(found, many=True).data)

    @extend_schema(
        tags=_TAGS,
        summary="Change a reader",
        request=DeviceChangeSerializer,
        responses={200: DeviceSerializer},
    )
    @refuses(Invalid)
    def partial_update(self, request: Request, pk: str) -> Response:
        """The serial number stays."""
        device = self.get_object()
        asked = DeviceChangeSerializer(data=request.data, partial=True, context={"school": device.school})
        asked.is_valid(raise_exception=True)
        devices.update(device=device, changes=asked.validated_data, by=self.user, now=clock.now())
        return Response(self._shown(device))

    @extend_schema(
        tags=_TAGS,
        summary="Switch a reader off",
        responses={204: OpenApiResponse(description="It is refused from now on; what it told stays.")},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Readers are not deleted: marks came of them."""
        devices.deactivate(device=self.get_object(), by=self.user, now=clock.now())
        return Response(status=204)

    @extend_schema(tags=_TAGS, summary="Another key", request=None, responses={200: RegisteredSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-key", url_name="rotate-key")
    def rotate_key(self, request: Request, pk: str) -> Response:
        """The old one is refused at once."""
        made = devices.rotate_key(device=self.get_object(), by=self.user, now=clock.now())
        return Response(self._with_key(made))

    @extend_schema(
        methods=["get"],
        tags=_TAGS,
        summary="Numbers of a reader",
        responses={200: KnownPinSerializer(many=True)},
    )
    @extend_schema(
        methods=["post"],
        tags=_TAGS,
        summary="Say whom numbers mean",
        request=PinsSerializer,
        responses={200: AssignedSerializer},
    )
    @refuses(Invalid)
    @action(detail=True, methods=["get", "post"], filter_backends=[], pagination_class=None)
    def pins(self, request: Request, pk: str) -> Response:
        """Readings that waited for a number are matched as soon as it means somebody."""
        device = self.get_object()
        if request.method == "GET":
            known = device.pins.select_related("student").order_by("pin")
            return Response(KnownPinSerializer(known, many=True).data)
        asked = PinsSerializer(data=request.data, context={"school": device.school})
        asked.is_valid(raise_exception=True)
        pins = [devices.Pin(**pin) for pin in asked.validated_data["pins"]]
        outcome = devices.assign_pins(device=device, pins=pins, by=self.user, now=clock.now())
        return Response(AssignedSerializer(outcome).data)

    @extend_schema(tags=_TAGS, summary="Set its clock", request=None, responses={200: QueuedSerializer})
    @refuses(errors.DeviceInactive)
    @action(detail=True, methods=["post"], url_path="set-clock", url_name="set-clock")
    def set_clock(self, request: Request, pk: str) -> Response:
        """When it asks next, to the time of that moment."""
        devices.set_clock(device=self.get_object(), by=self.user, now=clock.now())
        return Response({"queued": 1})

    @extend_schema(
        tags=_TAGS, summary="Let it know its people", request=None, responses={200: QueuedSerializer}
    )
    @refuses(errors.DeviceInactive)
    @action(detail=True, methods=["post"], url_path="push-users", url_name="push-users")
    def push_users(self, request: Request, pk: str) -> Response:
        """Every number of `pins/`, with the enrollment number for a name."""
        queued = devices.push_users(device=self.get_object(), by=self.user, now=clock.now())
        return Response({"queued": queued})

    def _managed_school(self) -> School:
        school = school_of(self.request)
        allow(policies.can_manage_devices(self.user, school.pk))
        return school

    def _shown(self, device: BiometricDevice) -> Any:
        return DeviceSerializer(type(self).queryset.get(pk=device.pk)).data

    def _with_key(self, made: devices.Registered) -> dict[str, Any]:
        return {"device": self._shown(made.device), "key": made.key}


class DeviceEventView(APIView):
    """What a reader saw, told by whoever holds its key."""

    authentication_classes = [DeviceKeyAuthentication]
    throttle_scope = "reader"

    @extend_schema(
        tags=_TAGS,
        summary="Tell what a reader saw",
        request=EventsSerializer,
        responses={200: TakenSerializer},
    )
    @refuses(errors.DeviceKeyInvalid)
    def post(self, request: Request) -> Response:
        """Harmless to repeat, in any order. Times are the reader's: its `clock_offset` is taken off."""
        device = cast(BiometricDevice, request.auth)
        asked = EventsSerializer(data=request.data, context={"school": device.school})
        asked.is_valid(raise_exception=True)
        told = [
            Reading(event["at"], Direction(event["direction"]), event.get("pin", ""), event.get("card", ""))
            for event in asked.validated_data["events"]
        ]
        now = clock.now()
        taken = readings.take(device=device, readings=told, now=now)
        device_calls.seen(device=device, now=now)
        return Response(TakenSerializer(taken).data)


@extend_schema_view(list=extend_schema(tags=_TAGS, summary="Readings"))
class ReadingViewSet(mixins.ListModelMixin, SchoolScopedViewSet):
    """For the office: what waits for a student or a class first, then the latest."""

    queryset = DeviceEvent.objects.select_related("school", "device", "student").alias(waiting=WAITING_FIRST)
    serializer_class = ReadingSerializer
    filterset_class = ReadingFilterSet
    search_fields = ["student__enrollment_no", "pin", "device__serial"]
    ordering_fields = {"at": "at", "received_at": "received_at"}
    ordering = ["waiting", "-received_at", "-pk"]

    def get_queryset(self) -> QuerySet[Any]:
        if not getattr(self, "swagger_fake_view", False):
            allow(self.user.is_office)
        return super().get_queryset()
