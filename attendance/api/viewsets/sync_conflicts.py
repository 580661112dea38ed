"""Marks made without network about which people decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SchoolScopedViewSet, allow
from academics.models import Section
from attendance import errors, policies
from attendance.api.filters import ConflictFilterSet
from attendance.api.serializers.sync_conflicts import ConflictSerializer, ResolveSerializer
from attendance.models import SyncConflict
from attendance.selectors import sync_conflicts as shown
from attendance.services import sync_conflicts
from core import clock
from core.api.refusals import refuses
from core.errors import InvalidTransition, ReasonRequired, Stale

_TAGS = ["attendance: records"]


class ConflictViewSet(SchoolScopedViewSet):
    """Of the classes that a person runs; the office decides on all, and alone on those of locked classes."""

    queryset = shown.with_people(SyncConflict.objects.all()).prefetch_related(
        Prefetch(
            "session__sections",
            Section.objects.select_related("course", "cohort").order_by("course__code", "id"),
        )
    )
    serializer_class = ConflictSerializer
    filterset_class = ConflictFilterSet
    search_fields = ["student__enrollment_no", "student__user__full_name"]
    ordering_fields = {"raised_at": "raised_at", "held_on": "session__held_on"}
    ordering = ["-raised_at", "-pk"]
    policies = {
        "retrieve": policies.can_resolve_conflict,
        "resolve": policies.can_resolve_conflict,
    }

    @extend_schema(tags=_TAGS, summary="Conflicts", responses={200: ConflictSerializer(many=True)})
    def list(self, request: Request) -> Response:
        """Latest first."""
        allow(policies.can_mark_classes(self.user))
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self._shown(page or []))

    @extend_schema(tags=_TAGS, summary="A conflict", responses={200: ConflictSerializer})
    def retrieve(self, request: Request, pk: str) -> Response:
        """One of them."""
        return Response(self._shown([self.get_object()])[0])

    @extend_schema(
        tags=_TAGS,
        summary="Decide a conflict",
        request=ResolveSerializer,
        responses={200: ConflictSerializer},
    )
    @refuses(InvalidTransition, Stale, ReasonRequired, errors.SessionLocked, errors.NotMarkable)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Keep the mark that stands, or mark the student as the device said: by hand, now, by whoever decides.

        Deciding the same again is harmless. Where the mark was changed since the conflict arose, `incoming` is taken
        only with the `version` of the mark that stands (else 409 `stale`, with it in `meta`).
        """
        conflict = self.get_object()
        asked = ResolveSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        sync_conflicts.resolve(conflict=conflict, by=self.user, now=clock.now(), **asked.validated_data)
        return Response(self._shown([self.queryset.get(pk=conflict.pk)])[0])

    def _shown(self, conflicts: Sequence[SyncConflict]) -> Sequence[Any]:
        rows: Any = ConflictSerializer(shown.describe(conflicts), many=True).data
        return rows
