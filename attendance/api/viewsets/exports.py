"""Exports: small ones as the answer, large ones as jobs."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, school_of, user_of
from attendance import errors, policies
from attendance.api.filters import ExportFilterSet
from attendance.api.serializers.exports import (
    ExportJobSerializer,
    ExportQueuedSerializer,
    ExportRequestSerializer,
)
from attendance.models import ExportJob
from attendance.services import exports
from core import clock, pdf
from core.api.idempotency import idempotent
from core.api.negotiation import FileNegotiation
from core.api.refusals import refuses
from core.downloads import attachment
from core.errors import Forbidden, Invalid, InvalidTransition, NotFound
from core.sheets import csv, xlsx

_TAGS = ["attendance: exports"]
_FILES = {
    (200, kind.partition(";")[0]): OpenApiTypes.BINARY
    for kind in (csv.CONTENT_TYPE, xlsx.CONTENT_TYPE, pdf.CONTENT_TYPE)
}


class ExportDataView(APIView):
    http_method_names = ["post"]
    throttle_scope = "export"
    content_negotiation_class = FileNegotiation

    @extend_schema(
        operation_id="attendance_export_data",
        tags=_TAGS,
        summary="Take data out as a file",
        parameters=[SCHOOL_PARAMETER],
        request=ExportRequestSerializer,
        responses={**_FILES, 202: ExportQueuedSerializer},
    )
    @refuses(
        NotFound,
        Forbidden,
        Invalid,
        SchoolNotChosen,
        errors.ExportTooLarge,
        errors.TooManyExports,
        pdf.PdfUnavailable,
    )
    @idempotent
    def post(self, request: Request) -> HttpResponseBase:
        """Up to 5,000 rows (of a PDF 300) are answered at once, as a download. More is a job: 202, and `export/jobs/`.

        `stream` answers CSV of any size at once. One sees in a file what one sees in the lists and pages of its kind.
        """
        asked = ExportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        answer = exports.ask(
            kind=values["kind"],
            file_format=values["format"],
            filters=values["filters"],
            stream=values["stream"],
            by=user_of(request),
            school=school_of(request),
            now=clock.now(),
        )
        if isinstance(answer, ExportJob):
            return Response({"job": ExportJobSerializer(answer).data}, status=202)
        return attachment(answer.content, name=answer.name, content_type=answer.content_type)


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="One's own exports"),
    retrieve=extend_schema(tags=_TAGS, summary="How far an export is"),
)
class ExportJobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Large exports of oneself, latest first. Files are kept for seven days."""

    queryset = ExportJob.objects.select_related("school", "requested_by")
    serializer_class = ExportJobSerializer
    filterset_class = ExportFilterSet
    ordering_fields = {"requested_at": "requested_at"}
    ordering = ["-requested_at", "-pk"]
    policies = {
        "retrieve": policies.can_view_export,
        "file": policies.can_view_export,
        "cancel": policies.can_view_export,
    }

    @extend_schema(tags=_TAGS, summary="The file of an export", responses=_FILES)
    @refuses(errors.ExportNotReady, errors.ExportExpired, errors.ExportRightLost)
    @action(
        detail=True,
        methods=["get"],
        content_negotiation_class=FileNegotiation,
        filter_backends=[],
        pagination_class=None,
    )
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """As a download, for whoever asked for it and still sees all that is in it."""
        found = exports.fetch(job=self.get_object(), by=self.user, now=clock.now())
        return attachment(found.content, name=found.name, content_type=found.content_type)

    @extend_schema(tags=_TAGS, summary="Cancel an export", request=None, responses={200: ExportJobSerializer})
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"], filter_backends=[], pagination_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """While it is queued or running."""
        job = exports.cancel(job=self.get_object(), by=self.user, now=clock.now())
        return Response(ExportJobSerializer(self.queryset.get(pk=job.pk)).data)
