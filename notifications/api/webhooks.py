"""The webhooks of a school, and what became of what was sent to them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from core import clock
from core.api.pagination import CursorPagination
from core.api.refusals import refuses
from core.errors import Invalid
from notifications import errors, policies
from notifications.api.filters import DeliveryFilterSet
from notifications.api.serializers import (
    DeliverySerializer,
    WebhookChangeSerializer,
    WebhookInputSerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.services import deliveries, webhooks

_TAGS = ["notifications: webhooks"]
_WRITING = (errors.AddressRefused, errors.UnknownKind, errors.WebhookExists)


class _ForManagers(SchoolScopedViewSet):
    def get_queryset(self) -> QuerySet[Any]:
        if self.action == "list" and not getattr(self, "swagger_fake_view", False):
            allow(policies.can_see_webhooks(self.user))
        return super().get_queryset()


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Webhooks"),
    retrieve=extend_schema(tags=_TAGS, summary="A webhook"),
)
class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _ForManagers):
    """For the office and the school's integrators. How receivers check what they get: docs/webhooks.md."""

    queryset = WebhookEndpoint.objects.select_related("school")
    serializer_class = WebhookSerializer
    search_fields = ["name", "url"]
    ordering_fields = ["created_at", "name"]
    ordering = ["created_at", "pk"]
    policies = dict.fromkeys(
        ["retrieve", "partial_update", "destroy", "rotate_secret", "test", "resume"],
        policies.can_change_webhook,
    )

    @extend_schema(
        tags=_TAGS,
        summary="Make a webhook",
        parameters=[SCHOOL_PARAMETER],
        request=WebhookInputSerializer,
        responses={201: WebhookSecretSerializer},
    )
    @refuses(*_WRITING, errors.TooManyWebhooks, SchoolNotChosen)
    def create(self, request: Request) -> Response:
        """Its secret is in this answer and nowhere else."""
        school = school_of(request)
        allow(policies.can_manage_webhooks(self.user, school))
        asked = WebhookInputSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        made = webhooks.create(
            school=school, wanted=values.pop("kinds", []), by=self.user, now=clock.now(), **values
        )
        return self._with_secret(made, 201)

    @extend_schema(
        tags=_TAGS,
        summary="Change a webhook",
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer},
    )
    @refuses(*_WRITING, Invalid)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Where it goes, what it is told, and whether it is told anything."""
        endpoint = self.get_object()
        asked = WebhookChangeSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changed = webhooks.update(
            endpoint=endpoint, changes=asked.validated_data, by=self.user, now=clock.now()
        )
        return Response(WebhookSerializer(changed).data)

    @extend_schema(
        tags=_TAGS,
        summary="Remove a webhook",
        responses={204: OpenApiResponse(description="It is told nothing more.")},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """With everything that is on its way to it."""
        webhooks.remove(endpoint=self.get_object(), by=self.user, now=clock.now())
        return Response(status=204)

    @extend_schema(
        tags=_TAGS, summary="Make a new secret", request=None, responses={200: WebhookSecretSerializer}
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """For 24 hours everything is signed with the old one as well."""
        return self._with_secret(
            webhooks.rotate_secret(endpoint=self.get_object(), by=self.user, now=clock.now()), 200
        )

    @extend_schema(tags=_TAGS, summary="Send a test", request=None, responses={202: DeliverySerializer})
    @refuses(errors.WebhookOff)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """An event of the kind `test`; it goes within a minute, and the list of deliveries says how that went."""
        delivery = webhooks.send_test(endpoint=self.get_object(), by=self.user, now=clock.now())
        return Response(DeliverySerializer(delivery).data, 202)

    @extend_schema(tags=_TAGS, summary="Resume a webhook", request=None, responses={200: WebhookSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Try one that was given up again, with everything that waits for it. Harmless to repeat."""
        endpoint = webhooks.resume(endpoint=self.get_object(), by=self.user, now=clock.now())
        return Response(WebhookSerializer(endpoint).data)

    def _with_secret(self, made: webhooks.WithSecret, status: int) -> Response:
        shown: Any = {"webhook": made.endpoint, "secret": made.secret}
        answer = Response(WebhookSecretSerializer(shown).data, status)
        answer["Cache-Control"] = "no-store"
        return answer


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Deliveries"),
    retrieve=extend_schema(tags=_TAGS, summary="A delivery"),
)
class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _ForManagers):
    """What was sent, what waits and what was given up, newest first. Kept for 30 days."""

    queryset = WebhookDelivery.objects.select_related("school")
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilterSet
    pagination_class = CursorPagination
    cursor_ordering = ("-created_at", "-id")
    policies = dict.fromkeys(["retrieve", "resend"], policies.can_resend)

    @extend_schema(tags=_TAGS, summary="Send again", request=None, responses={200: DeliverySerializer})
    @refuses(errors.NotParked, errors.WebhookOff)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """One that was given up, under the same id."""
        delivery = deliveries.resend(delivery=self.get_object(), by=self.user, now=clock.now())
        return Response(DeliverySerializer(delivery).data)
