"""Leave: students apply and follow, others decide."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import (
    SCHOOL_PARAMETER,
    SchoolNotChosen,
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
)
from attendance.api.serializers.requests import RemarksSerializer
from attendance.api.viewsets.requests import JSON_ONLY, TAGS, RequestViewSet
from attendance.evidence_files import upload_of
from attendance.models import LeaveApplication
from attendance.services import leaves
from core import clock
from core.api.refusals import refuses
from core.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound, ReasonRequired

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
    list=extend_schema(tags=TAGS, summary="Leave applications"),
    retrieve=extend_schema(tags=TAGS, summary="A leave application"),
)
class LeaveViewSet(RequestViewSet):
    """Students see their own, faculty those of the students they teach or head, the office all. Newest first."""

    queryset = LeaveApplication.objects.select_related(
        "school", "student__user", "applied_by", "reviewer"
    ).prefetch_related("classes__session__school")
    serializer_class = LeaveSerializer
    input_serializer = LeaveInputSerializer
    upload_serializer = LeaveInputUploadSerializer
    filterset_class = LeaveFilterSet
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

    @extend_schema(
        tags=TAGS,
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
        values = self._values(self.asked(school=school))
        student = values.pop("student", None) or Student.objects.filter(user=self.user).first()
        if student is None:
            raise errors.StudentNotNamed
        allow(policies.can_apply_for_leave(self.user, student))
        leave = leaves.apply_for(student=student, by=self.user, now=clock.now(), **values)
        return self.answer(leave, status=201)

    @extend_schema(
        tags=TAGS,
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
        values = dict(asked.validated_data)
        if not values:
            # Half of a form is read as an empty one.
            raise Invalid(detail=_("Say what is to change."))
        if "file" in values:
            values["upload"] = upload_of(values.pop("file"))
        changed = leaves.change(leave=leave, changes=self._values(values), by=self.user, now=clock.now())
        return self.answer(changed)

    @extend_schema(
        tags=TAGS, summary="Approve", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def approve(self, request: Request, pk: str) -> Response:
        """What it covers and is absent becomes excused, or present for duty elsewhere. Harmless to repeat."""
        return self._decided(leaves.approve)

    @extend_schema(
        tags=TAGS, summary="Reject", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING, ReasonRequired)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def reject(self, request: Request, pk: str) -> Response:
        """Say no, and in `remarks` why."""
        return self._decided(leaves.reject)

    @extend_schema(
        tags=TAGS, summary="Revoke", request=RemarksSerializer, responses={200: LeaveOutcomeSerializer}
    )
    @refuses(*_DECIDING, ReasonRequired)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def revoke(self, request: Request, pk: str) -> Response:
        """Take an approval back: what the leave made is absent again, what anybody changed since stays."""
        return self._decided(leaves.revoke)

    @extend_schema(tags=TAGS, summary="Cancel", request=None, responses={200: LeaveSerializer})
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def cancel(self, request: Request, pk: str) -> Response:
        """The student does not want it any more. Only while it is pending."""
        outcome = leaves.cancel(leave=self.get_object(), by=self.user, now=clock.now())
        return self.answer(outcome.leave)

    @extend_schema(
        tags=TAGS,
        summary="Approve many",
        request=LeavesSerializer,
        responses={200: LeavesOutcomeSerializer},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="bulk-approve",
        parser_classes=JSON_ONLY,
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
                "leave": self.answer(outcome.leave).data,
                "changed": outcome.changed,
                "locked": outcome.locked,
            }
        )

    def answer(self, request: LeaveApplication, *, status: int = 200) -> Response:
        """The leave as it stands in the database now."""
        fresh: Any = self.queryset.filter(pk=request.pk)
        return Response(self.shown(fresh.with_rights_of(self.user).get()), status)

    def _values(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the services call it."""
        values = dict(asked)
        if "sessions" in values:
            values["only"] = values.pop("sessions")
        return values
