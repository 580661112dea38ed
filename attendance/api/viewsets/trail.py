"""The audit trail of the school."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from accounts.models import User
from attendance import policies
from attendance.api.filters import AuditFilterSet
from attendance.api.serializers.trail import AuditEntrySerializer
from audit.models import AuditEntry
from core.api.pagination import CursorPagination
from core.api.refusals import refuses
from core.errors import NotFound


class AuditLogViewSet(SchoolScopedViewSet):
    """What happened, latest first: for the office only, who cannot change it either."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilterSet
    pagination_class = CursorPagination
    cursor_ordering = ("-at", "-id")

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        school = school_of(self.request)
        allow(policies.can_view_audit(self.user, school.pk))
        return AuditEntry.objects.filter(school_id=school.pk)

    @extend_schema(
        tags=["attendance: audit"],
        summary="Audit trail",
        responses={200: AuditEntrySerializer(many=True)},
    )
    @refuses(NotFound, SchoolNotChosen)
    def list(self, request: Request) -> Response:
        """Entries by object, actor, action and time."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        actors = User.objects.in_bulk({entry.actor_id for entry in page if entry.actor_id})
        rows = AuditEntrySerializer(page, many=True, context={"actors": actors})
        return self.get_paginated_response(rows.data)
