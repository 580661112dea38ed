"""Corrections of marks."""

from __future__ import annotations

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import allow, within_reach
from academics.models import Section
from attendance import errors, policies
from attendance.api.filters import CorrectionFilterSet
from attendance.api.serializers.requests import (
    CorrectionInputSerializer,
    CorrectionSerializer,
    CorrectionUploadSerializer,
    RemarksSerializer,
)
from attendance.api.viewsets.requests import JSON_ONLY, TAGS, RequestViewSet
from attendance.models import CorrectionRequest, Session
from attendance.services import corrections
from core import clock
from core.api.refusals import refuses
from core.errors import InvalidTransition, NotFound, ReasonRequired


@extend_schema_view(
    list=extend_schema(tags=TAGS, summary="Corrections"),
    retrieve=extend_schema(tags=TAGS, summary="A correction"),
)
class CorrectionViewSet(RequestViewSet):
    """Students see their own, faculty those of the classes they teach or head, the office all.

    Whoever runs the class decides, as with marks by hand; once it is locked, an administrator.
    """

    queryset = CorrectionRequest.objects.select_related(
        "school", "session", "student__user", "reviewer"
    ).prefetch_related(
        Prefetch(
            "session__sections",
            Section.objects.select_related("course", "cohort").order_by("course__code", "id"),
        )
    )
    serializer_class = CorrectionSerializer
    input_serializer = CorrectionInputSerializer
    upload_serializer = CorrectionUploadSerializer
    filterset_class = CorrectionFilterSet
    search_fields = ["student__enrollment_no", "student__user__full_name"]
    ordering_fields = {"requested_at": "requested_at", "held_on": "session__held_on", "status": "status"}
    ordering = ["-requested_at", "-pk"]
    policies = {
        "retrieve": policies.can_view_request,
        "file": policies.can_read_request,
        "approve": policies.can_review_correction,
        "reject": policies.can_review_correction,
        "cancel": policies.can_cancel_request,
    }

    @extend_schema(
        tags=TAGS,
        summary="Ask for a correction",
        request={
            "application/json": CorrectionInputSerializer,
            "multipart/form-data": CorrectionUploadSerializer,
        },
        responses={201: CorrectionSerializer},
    )
    @refuses(
        errors.NotOnRoster,
        errors.NotMarkable,
        errors.NothingToCorrect,
        errors.CorrectionTooLate,
        errors.MarkStands,
        errors.CorrectionOpen,
        errors.FileTooLarge,
        errors.FileTypeRefused,
        ReasonRequired,
        NotFound,
    )
    def create(self, request: Request) -> Response:
        """Another mark for oneself, within the school's days after the class. With a file: as multipart."""
        allow(policies.can_ask(self.user))
        values = self.asked()
        sessions = within_reach(Session.objects.select_related("school__attendance_configuration"), self.user)
        session = sessions.filter(pk=values.pop("session")).first()
        if session is None:
            raise NotFound(attr="session")
        correction = corrections.request_correction(
            session=session, student=self.oneself(), by=self.user, now=clock.now(), **values
        )
        return self.answer(correction, status=201)

    @extend_schema(
        tags=TAGS,
        summary="Approve a correction",
        request=RemarksSerializer,
        responses={200: CorrectionSerializer},
    )
    @refuses(
        InvalidTransition,
        ReasonRequired,
        errors.OwnRequest,
        errors.NotMarkable,
        errors.SessionLocked,
        errors.StudentNotOnRoster,
    )
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def approve(self, request: Request, pk: str) -> Response:
        """The mark becomes what was asked for. A locked class needs an administrator, and `remarks`."""
        return self.decide("correction", corrections.approve)

    @extend_schema(
        tags=TAGS,
        summary="Reject a correction",
        request=RemarksSerializer,
        responses={200: CorrectionSerializer},
    )
    @refuses(InvalidTransition, errors.OwnRequest)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def reject(self, request: Request, pk: str) -> Response:
        """The mark stays as it is."""
        return self.decide("correction", corrections.reject)

    @extend_schema(
        tags=TAGS,
        summary="Take a correction back",
        request=RemarksSerializer,
        responses={200: CorrectionSerializer},
    )
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def cancel(self, request: Request, pk: str) -> Response:
        """By the student, while nobody has decided."""
        return self.decide("correction", corrections.cancel)
