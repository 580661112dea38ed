"""Records: lists, marks by hand, scans."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SchoolNotChosen, SchoolScopedViewSet, allow, school_of, within_reach
from attendance import errors, policies
from attendance.api import scans
from attendance.api.filters import RecordFilterSet
from attendance.api.serializers.records import (
    BulkMarkSerializer,
    BulkOutcomeSerializer,
    MarkInputSerializer,
    RecordChangeSerializer,
    RecordSerializer,
    ScanAnswerSerializer,
    ScanSerializer,
)
from attendance.api.viewsets.offline import OfflineSyncMixin
from attendance.models import AttendanceRecord, Session
from attendance.services import marking
from attendance.services.scanning import REFUSALS
from core import clock
from core.api.authentication import BrowserSessionAuthentication, ClaimedAuthentication
from core.api.idempotency import idempotent
from core.api.pagination import CursorPagination
from core.api.refusals import refuses
from core.errors import NotFound, ReasonRequired

_TAGS = ["attendance: records"]
_MARKING = (errors.NotMarkable, errors.SessionLocked, ReasonRequired)


@extend_schema_view(
    retrieve=extend_schema(tags=_TAGS, summary="A record"),
)
class RecordViewSet(OfflineSyncMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """Who was what in which class: students see their own, faculty those of their classes, the office all.

    Latest day first. Marking is for the class's faculty, its substitute, the head of department and the office.
    """

    queryset = AttendanceRecord.objects.select_related(
        "school", "session", "section__course", "snapshot", "marked_by"
    )
    serializer_class = RecordSerializer
    filterset_class = RecordFilterSet
    pagination_class = CursorPagination
    # By way of the session, whose index knows school and day; the record's own would have to be made for this.
    cursor_ordering = ("-session__held_on", "-session_id", "-student_id")
    throttle_scopes = {"bulk_mark": "bulk", "offline_sync": "bulk", "qr_scan": "scan"}
    policies = {
        "retrieve": policies.can_view_record,
        "partial_update": policies.can_change_record,
    }

    @extend_schema(tags=_TAGS, summary="Records", responses={200: RecordSerializer(many=True)})
    @refuses(SchoolNotChosen, NotFound)
    def list(self, request: Request) -> Response:
        """Those of one school, latest day first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(RecordSerializer(page, many=True).data)

    def get_queryset(self) -> QuerySet[AttendanceRecord]:
        queryset = super().get_queryset()
        if self.detail or getattr(self, "swagger_fake_view", False):
            return queryset
        return queryset.filter(session__school=school_of(self.request))

    @extend_schema(
        tags=_TAGS,
        summary="Mark one student",
        request=MarkInputSerializer,
        responses={200: RecordSerializer, 201: RecordSerializer},
    )
    @refuses(*_MARKING, errors.StudentNotOnRoster, NotFound)
    def create(self, request: Request) -> Response:
        """201 for a first mark, 200 where the student had one already. A closed class needs a `reason`."""
        allow(policies.can_mark_classes(self.user))
        values = self._asked(MarkInputSerializer)
        session = self._markable(values.pop("session"))
        first = not AttendanceRecord.objects.filter(
            session=session, held_on=session.held_on, student__enrollment_no=values["student"].upper()
        ).exists()
        record = marking.mark(session=session, by=self.user, now=clock.now(), **values)
        return self._answer(record, status=201 if first else 200)

    @extend_schema(
        tags=_TAGS,
        summary="Change a record",
        request=RecordChangeSerializer,
        responses={200: RecordSerializer},
    )
    @refuses(*_MARKING, errors.StudentNotOnRoster)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another status or other remarks. A closed class needs a `reason`, a locked one an administrator."""
        record: AttendanceRecord = self.get_object()
        values = self._asked(RecordChangeSerializer)
        changed = marking.change(
            record=record,
            status=values.get("status"),
            remarks=values.get("remarks"),
            reason=values["reason"],
            by=self.user,
            now=clock.now(),
        )
        return self._answer(changed)

    @extend_schema(
        tags=_TAGS,
        summary="Mark many students",
        request=BulkMarkSerializer,
        responses={200: BulkOutcomeSerializer},
    )
    @refuses(*_MARKING, errors.BulkRefused, NotFound)
    @action(detail=False, methods=["post"], url_path="bulk-mark", filter_backends=[], pagination_class=None)
    @idempotent
    def bulk_mark(self, request: Request) -> Response:
        """Up to 1,000 marks of one class. A mark that cannot be made refuses all (`bulk_refused`, each listed in
        `meta.failed`) unless `atomic` is false: then the good ones are saved and the rest listed in `failed`."""
        allow(policies.can_mark_classes(self.user))
        values = self._asked(BulkMarkSerializer)
        session = self._markable(values.pop("session"))
        outcome = marking.bulk_mark(session=session, by=self.user, now=clock.now(), **values)
        return Response({"saved": outcome.saved, "unchanged": outcome.unchanged, "failed": outcome.failed})

    @extend_schema(
        tags=_TAGS,
        summary="Scan",
        # The same two for a client: the first of them is only looked into later.
        auth=[{"accessToken": []}, {"session": []}],  # type: ignore[list-item] # as the library hands them on
        request=ScanSerializer,
        responses={200: ScanAnswerSerializer, 201: ScanAnswerSerializer},
    )
    @refuses(errors.StudentsOnly, *REFUSALS.values())
    @action(
        detail=False,
        methods=["post"],
        url_path="qr-scan",
        authentication_classes=[ClaimedAuthentication, BrowserSessionAuthentication],
        filter_backends=[],
        pagination_class=None,
    )
    def qr_scan(self, request: Request) -> Response:
        """A student scanned the code on the screen. 201 recorded, 200 recorded before: same body, nothing written."""
        answer = scans.scan(request)
        return Response(answer.body(), answer.http_status)

    def _asked(self, kind: type[Any]) -> dict[str, Any]:
        asked = kind(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def _markable(self, ident: UUID) -> Session:
        """The session named in the body: within the school first, then by policy."""
        found = within_reach(Session.objects.select_related("school"), self.user).filter(pk=ident).first()
        if found is None:
            raise NotFound(attr="session")
        allow(policies.can_mark(self.user, found))
        return found

    def _answer(self, record: AttendanceRecord | None, *, status: int = 200) -> Response:
        if record is None:
            raise NotFound
        fresh = self.queryset.get(pk=record.pk, held_on=record.held_on)
        return Response(RecordSerializer(fresh).data, status)
