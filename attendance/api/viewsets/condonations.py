"""Condonation at the end of a term."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import allow
from attendance import errors, policies
from attendance.api.filters import CondonationFilterSet
from attendance.api.serializers.requests import (
    CondonationInputSerializer,
    CondonationSerializer,
    CondonationUploadSerializer,
    RemarksSerializer,
)
from attendance.api.viewsets.requests import JSON_ONLY, TAGS, RequestViewSet
from attendance.models import CondonationRequest
from attendance.selectors import condonations as listed
from attendance.services import condonations
from core import clock
from core.api.negotiation import FileNegotiation
from core.api.refusals import refuses
from core.downloads import attachment
from core.errors import InvalidTransition, NotFound, ReasonRequired
from core.sheets import csv


@extend_schema_view(
    list=extend_schema(tags=TAGS, summary="Condonation requests"),
    retrieve=extend_schema(tags=TAGS, summary="A condonation request"),
)
class CondonationViewSet(RequestViewSet):
    """Students see their own, faculty those of the students they teach or head, the office all.

    The head of the student's department, or of the course's, recommends; the office decides. No percentage changes.
    """

    queryset = CondonationRequest.objects.select_related(
        "school", "student__user", "student__department", "course", "term", "recommended_by", "reviewer"
    )
    serializer_class = CondonationSerializer
    input_serializer = CondonationInputSerializer
    upload_serializer = CondonationUploadSerializer
    filterset_class = CondonationFilterSet
    search_fields = ["student__enrollment_no", "student__user__full_name", "course__title"]
    ordering_fields = {
        "requested_at": "requested_at",
        "percentage": "percentage",
        "student": "student__enrollment_no",
        "status": "status",
    }
    ordering = ["-requested_at", "-pk"]
    throttle_scopes = {"export": "export"}
    policies = {
        "retrieve": policies.can_view_request,
        "file": policies.can_read_request,
        "recommend": policies.can_recommend_condonation,
        "approve": policies.can_decide_condonation,
        "reject": policies.can_decide_condonation,
        "cancel": policies.can_cancel_request,
    }

    @extend_schema(
        tags=TAGS,
        summary="Apply for condonation",
        request={
            "application/json": CondonationInputSerializer,
            "multipart/form-data": CondonationUploadSerializer,
        },
        responses={201: CondonationSerializer},
    )
    @refuses(
        errors.NotCondonable,
        errors.CondonationExists,
        errors.FileTooLarge,
        errors.FileTypeRefused,
        ReasonRequired,
        NotFound,
    )
    def create(self, request: Request) -> Response:
        """For oneself, in a course whose percentage lies between floor and threshold. With a file: as multipart."""
        allow(policies.can_ask(self.user))
        student = self.oneself()
        values = self.asked(school=student.school)
        condonation = condonations.apply(student=student, by=self.user, now=clock.now(), **values)
        return self.answer(condonation, status=201)

    @extend_schema(
        tags=TAGS,
        summary="Recommend condonation",
        request=RemarksSerializer,
        responses={200: CondonationSerializer},
    )
    @refuses(InvalidTransition, errors.OwnRequest)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def recommend(self, request: Request, pk: str) -> Response:
        """By the head of the student's department, or of the course's."""
        return self.decide("condonation", condonations.recommend)

    @extend_schema(
        tags=TAGS,
        summary="Approve condonation",
        request=RemarksSerializer,
        responses={200: CondonationSerializer},
    )
    @refuses(InvalidTransition, errors.OwnRequest, errors.RecommendationMissing)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def approve(self, request: Request, pk: str) -> Response:
        """What a head of department recommended; without one where nobody heads either department."""
        return self.decide("condonation", condonations.approve)

    @extend_schema(
        tags=TAGS,
        summary="Reject condonation",
        request=RemarksSerializer,
        responses={200: CondonationSerializer},
    )
    @refuses(InvalidTransition, errors.OwnRequest)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def reject(self, request: Request, pk: str) -> Response:
        """Recommended or not."""
        return self.decide("condonation", condonations.reject)

    @extend_schema(
        tags=TAGS,
        summary="Take an application back",
        request=RemarksSerializer,
        responses={200: CondonationSerializer},
    )
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"], parser_classes=JSON_ONLY)
    def cancel(self, request: Request, pk: str) -> Response:
        """By the student, while the office has not decided."""
        return self.decide("condonation", condonations.cancel)

    @extend_schema(
        tags=TAGS,
        summary="Condonation requests as a file",
        filters=True,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(
        detail=False,
        methods=["get"],
        parser_classes=JSON_ONLY,
        content_negotiation_class=FileNegotiation,
        pagination_class=None,
    )
    def export(self, request: Request) -> HttpResponseBase:
        """The list with its filters as CSV, for the office. Reasons and files are not in it."""
        allow(policies.can_export_condonations(self.user))
        rows = listed.table(self.filter_queryset(self.get_queryset()))
        # Whole or not at all: it is the list of one school and term.
        content = b"".join(csv.chunks(listed.COLUMNS, rows))
        return attachment(content, name="condonation-requests.csv", content_type=csv.CONTENT_TYPE)
