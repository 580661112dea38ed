"""Leave: students apply and follow, others decide."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import (
    SCHOOL_PARAMETER,
    SchoolNotChosen,
    SchoolScopedViewSet,
    allow,
    school_of,
    within_reach,
)
from academics.models import Student
from attendance import errors, policies
from attendance.api.filters import LeaveFilterSet
from attendance.api.serializers.leaves import (
    LeaveChangeSerializer,
    LeaveChangeUploadSerializer,
    LeaveInputSerializer,
    LeaveInputUploadSerializer,
    LeaveOutcomeSerializer,
    LeaveSerializer,
    LeavesOutcomeSerializer,
    LeavesSerializer,
    RemarksSerializer,
)
from attendance.evidence_files import download, upload_of
from attendance.models import LeaveApplication
from attendance.services import leaves
from core import clock
from core.api.parsers import StrictJSONParser
from core.api.refusals import refuses
from core.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound, ReasonRequired

_TAGS = ["attendance: leave"]
_APPLYING = (
    errors.LeaveOverlaps,
    errors.NotTheirClass,
    errors.RangeTooLong,
    errors.FileTooLarge,
    errors.FileTypeRefused,
    Invalid,
)
_DECIDING = (InvalidTransition, errors.OwnRequest)


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Leave applications"),
    retrieve=extend_schema(tags=_TAGS, summary="A leave application"),
)
class LeaveViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Students see their own, faculty those of the students they teach or head, the office all. Newest first."""

    queryset = LeaveApplication.objects.select_related(
        "school", "student__user", "applied_by", "reviewer"
    ).prefetch_related("classes__session__school")
    serializer_class = LeaveSerializer
    filterset_class = LeaveFilterSet
    parser_classes = [StrictJSONParser, MultiPartParser]
    search_fields = ["student__enrollment_no", "student__user__full_name"]
    ordering_fields = ["applied_at", "from_date", "status"]
    ordering = ["-applied_at", "-pk"]
    policies = {
        "retrieve": policies.can_view_leave,
        "partial_update": policies.can_change_leave,
        "approve": policies.can_review_leave,
        "reject": policies.can_review_leave,
        "revoke": policies.can_review_leave,
        "cancel": policies.can_change_leave,
        "file": policies.can_read_leave,
    }

    def get_queryset(self) -> Any:
        found: Any = super().get_queryset()
        return found if getattr(self, "swagger_fake_view", False) else found.with_rights_of(self.user)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "user": getattr(self.request, "user", None)}

    @extend_schema(
        tags=_TAGS,
        summary="Apply for leave",
        parameters=[SCHOOL_PARAMETER],
        request={"application/json": LeaveInputSerializer, "multipart/form-data": LeaveInputUploadSerializer},
        responses={201: LeaveSerializer},
    )
    @refuses(*_APPLYING, errors.StudentNotNamed, SchoolNotChosen)
    def create(self, request: Request) -> Response:
        """Whole days, or some classes of one day. Students apply for themselves; the office names the `student`."""
        school = school_of(request)
        allow(policies.can_ask_for_leave(self.user, school))
        asked = LeaveInputUploadSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        values = self._values(asked.validated_data)
        student = values.pop("student", None) or Student.objects.filter(user=self.user).first()
        if student is None:
            raise errors.StudentNotNamed
        allow(policies.can_apply_for_leave(self.user, student))
        leave = leaves.apply_for(student=student, by=self.user, now=clock.now(), **values)
        return Response(self._shown(leave), 201)

    @extend_schema(
        tags=_TAGS,
        summary="Change a leave application",
        request={
            "application/json": LeaveChangeSerializer,
            "multipart/form-data": LeaveChangeUploadSerializer,
        },
        responses={200: LeaveSerializer},
    )
    @refuses(*_APPLYING, InvalidTransition)
    def partial_update(self, request: Request, pk: str) -> Response:
        """As long as nobody has decided."""
        leave = self.get_object()
        asked = LeaveChangeUploadSerializer(data=request.data, partial=True, context={"school": leave.school})
        asked.is_valid(raise_exception=True)
        if not asked.validated_data:
            # Half of a form is read as an empty one.
            raise Invalid(detail=_("Say what is to change."))
        changed = leaves.change(
            leave=leave, changes=self._values(asked.validated_data), by=self.user, now=clock.now()
        )
        return Response(self._shown(changed))

    @extend_schema(
        tags=_TAGS, summary="Approve", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING)
    @action(detail=True, methods=["post"], parser_classes=[StrictJSONParser])
    def approve(self, request: Request, pk: str) -> Response:
        """What it covers and is absent becomes excused, or present for duty elsewhere. Harmless to repeat."""
        return self._decided(leaves.approve)

    @extend_schema(
        tags=_TAGS, summary="Reject", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING, ReasonRequired)
    @action(detail=True, methods=["post"], parser_classes=[StrictJSONParser])
    def reject(self, request: Request, pk: str) -> Response:
        """Say no, and in `remarks` why."""
        return self._decided(leaves.reject)

    @extend_schema(
        tags=_TAGS, summary="Revoke", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING, ReasonRequired)
    @action(detail=True, methods=["post"], parser_classes=[StrictJSONParser])
    def revoke(self, request: Request, pk: str) -> Response:
        """Take an approval back: what the leave made is absent again, what anybody changed since stays."""
        return self._decided(leaves.revoke)

    @extend_schema(tags=_TAGS, summary="Cancel", request=None, responses={200: LeaveSerializer})
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"], parser_classes=[StrictJSONParser])
    def cancel(self, request: Request, pk: str) -> Response:
        """The student does not want it any more. Only while it is pending."""
        outcome = leaves.cancel(leave=self.get_object(), by=self.user, now=clock.now())
        return Response(self._shown(outcome.leave))

    @extend_schema(
        tags=_TAGS,
        summary="The attached file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True, methods=["get"])
    def file(self, request: Request, pk: str) -> FileResponse:
        """As a download. 404 where none is attached."""
        return download(self.get_object())

    @extend_schema(
        tags=_TAGS,
        summary="Approve many",
        request=LeavesSerializer,
        responses={200: LeavesOutcomeSerializer},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="bulk-approve",
        parser_classes=[StrictJSONParser],
        filter_backends=[],
        pagination_class=None,
    )
    def bulk_approve(self, request: Request) -> Response:
        """Each by itself: those that cannot be approved are listed in `failed` with a code."""
        allow(policies.can_mark_classes(self.user))
        asked = LeavesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ids = asked.validated_data["ids"]
        reachable: Any = within_reach(self.queryset.filter(pk__in=ids), self.user)
        known = {leave.pk: leave for leave in reachable.with_rights_of(self.user)}
        mine = [leave for leave in known.values() if leave.may_review]
        outcomes = dict(
            zip(
                [leave.pk for leave in mine],
                leaves.approve_many(
                    leaves=mine, remarks=asked.validated_data["remarks"], by=self.user, now=clock.now()
                ),
                strict=True,
            )
        )
        failed = []
        for index, ident in enumerate(ids):
            outcome: Any = outcomes.get(ident) or (Forbidden() if ident in known else NotFound())
            if isinstance(outcome, DomainError):
                failed.append({"index": index, "id": ident, "code": outcome.code, "detail": str(outcome)})
        done = [one for one in outcomes.values() if isinstance(one, leaves.LeaveOutcome)]
        return Response(
            {"approved": len(done), "changed": sum(one.changed for one in done), "failed": failed}
        )

    def _decided(self, act: Any) -> Response:
        leave = self.get_object()
        asked = RemarksSerializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        outcome = act(leave=leave, by=self.user, now=clock.now(), **asked.validated_data)
        return Response(
            {
                "leave": self._shown(outcome.leave),
                "changed": outcome.changed,
                "locked": outcome.locked,
            }
        )

    def _values(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the services call it."""
        values = dict(asked)
        if "sessions" in values:
            values["only"] = values.pop("sessions")
        if "file" in values:
            values["upload"] = upload_of(values.pop("file"))
        return values

    def _shown(self, leave: LeaveApplication) -> Any:
        """As it stands in the database now."""
        fresh = self.queryset.all().with_rights_of(self.user).get(pk=leave.pk)
        return LeaveSerializer(fresh, context=self.get_serializer_context()).data
