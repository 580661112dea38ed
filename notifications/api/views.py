"""A person's own notices, and how they want to be told."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.scope import SchoolScopedViewSet, user_of
from core import clock
from core.api.filters import refuse_unknown
from core.api.pagination import CursorPagination
from core.api.refusals import refuses
from core.errors import NotFound
from notifications import errors, policies, selectors
from notifications.api.filters import NotificationFilterSet
from notifications.api.serializers import (
    NotificationSerializer,
    PreferencesSerializer,
    ReadSerializer,
    UnreadSerializer,
)
from notifications.models import Notification
from notifications.services import preferences, reading

TAGS = ["notifications"]


class NotificationViewSet(SchoolScopedViewSet):
    """Nobody sees another person's."""

    queryset = selectors.with_facts(Notification.objects.all())
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilterSet
    pagination_class = CursorPagination
    cursor_ordering = ("-created_at", "-id")
    policies = {"read": policies.can_read_notice}

    def get_queryset(self) -> Any:
        found: Any = super().get_queryset()
        # Also of single ones: whatever one was told oneself exists, nothing else does.
        return (
            found if getattr(self, "swagger_fake_view", False) else found.filter(user=self.user, in_app=True)
        )

    @extend_schema(tags=TAGS, summary="My notices", responses={200: NotificationSerializer(many=True)})
    def list(self, request: Request) -> Response:
        """Newest first, in the language of the request."""
        page = cast("list[Notification]", self.paginate_queryset(self.filter_queryset(self.get_queryset())))
        pairs: Any = [(notice, selectors.shown(notice)) for notice in page]
        return self.get_paginated_response(NotificationSerializer(pairs, many=True).data)

    @extend_schema(tags=TAGS, summary="How many are unread", request=None, responses={200: UnreadSerializer})
    @action(detail=False, methods=["get"], url_path="unread-count", filter_backends=[], pagination_class=None)
    def unread_count(self, request: Request) -> Response:
        """Counted up to 99."""
        refuse_unknown(request, [])
        count = selectors.unread_count(self.user)
        most = selectors.MOST_COUNTED
        return Response(UnreadSerializer({"unread": min(count, most), "more": count > most}).data)

    @extend_schema(tags=TAGS, summary="Mark one as read", request=None, responses={200: ReadSerializer})
    @refuses(NotFound)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: str) -> Response:
        """Harmless to repeat."""
        notice = self.get_object()
        return self._answer(reading.mark_read(user=self.user, only=[notice.pk], now=clock.now()))

    @extend_schema(tags=TAGS, summary="Mark all as read", request=None, responses={200: ReadSerializer})
    @action(detail=False, methods=["post"], url_path="read-all", filter_backends=[], pagination_class=None)
    def read_all(self, request: Request) -> Response:
        """Harmless to repeat."""
        return self._answer(reading.mark_read(user=self.user, now=clock.now()))

    def _answer(self, count: int) -> Response:
        return Response(ReadSerializer({"read": count}).data)


class PreferencesView(APIView):
    @extend_schema(
        operation_id="notification_preferences",
        tags=TAGS,
        summary="How I am told",
        responses={200: PreferencesSerializer},
    )
    def get(self, request: Request) -> Response:
        """Every kind of notice that can reach one's role, by every channel."""
        refuse_unknown(request, [])
        return self._answer(request)

    @extend_schema(
        operation_id="notification_preferences_choose",
        tags=TAGS,
        summary="Choose how I am told",
        request=PreferencesSerializer,
        responses={200: PreferencesSerializer},
    )
    @refuses(errors.UnknownKind, errors.UnknownMode)
    def put(self, request: Request) -> Response:
        """What is not named stays as it was. Of the same kind and channel named twice the last one counts."""
        asked = PreferencesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        chosen = {(row["kind"], row["channel"]): row["mode"] for row in asked.validated_data["preferences"]}
        user = user_of(request)
        preferences.choose(user=user, choices=chosen, by=user, now=clock.now())
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        rows = [
            {"kind": choice.kind.code, "channel": choice.channel.value, "mode": choice.mode}
            for choice in selectors.choices_of(user_of(request))
        ]
        return Response(PreferencesSerializer({"preferences": rows}).data)
