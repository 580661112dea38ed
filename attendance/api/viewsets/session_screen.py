"""What the class screen asks for: the code, who is here, the roster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import Policy, SchoolScopedViewSet
from attendance import codes, errors, policies, qr
from attendance.api.serializers.sessions import CodeSerializer, LiveSerializer, RosterSerializer
from attendance.selectors.live import live_state
from attendance.selectors.roster import roster
from attendance.services import screen
from core import clock
from core.api.etag import conditional
from core.api.refusals import refuses
from core.errors import NotFound

_TAGS = ["attendance: class screen"]
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of the last answer: 304 without a body while nothing changed.",
)


class SessionScreenActions(SchoolScopedViewSet):
    screen_policies: ClassVar[Mapping[str, Policy]] = {
        "generate_qr": policies.can_run_session,
        "qr": policies.can_run_session,
        "roster": policies.can_view_roster,
        "live": policies.can_view_roster,
    }

    @extend_schema(tags=_TAGS, summary="New code", request=None, responses={200: CodeSerializer})
    @refuses(errors.SessionNotOpen, errors.CodesNotOffered)
    @action(detail=True, methods=["post"], url_path="generate-qr")
    def generate_qr(self, request: Request, pk: str) -> Response:
        """Start a new series of codes; all older codes and opened ones die at once."""
        code = screen.new_code(session=self.get_object(), by=self.user, now=clock.now())
        return _shown(code)

    @extend_schema(tags=_TAGS, summary="Code to show now", responses={200: CodeSerializer})
    @refuses(errors.SessionNotOpen, errors.CodesNotOffered)
    @action(detail=True, methods=["get"])
    def qr(self, request: Request, pk: str) -> Response:
        """The code of the current step; a series whose life is over is followed by a new one by itself."""
        code = screen.current_code(session=self.get_object(), by=self.user, now=clock.now())
        return _shown(code)

    @extend_schema(tags=_TAGS, summary="Roster", responses={200: RosterSerializer})
    @action(detail=True, methods=["get"])
    def roster(self, request: Request, pk: str) -> Response:
        """Every student of the class with their record, or null, and how they stand in the course."""
        return Response({"results": roster(self.get_object())})

    @extend_schema(
        tags=_TAGS,
        summary="Who is here",
        parameters=[_IF_NONE_MATCH],
        responses={200: LiveSerializer, 304: OpenApiResponse(description="Nothing changed.")},
    )
    @action(detail=True, methods=["get"])
    def live(self, request: Request, pk: str) -> Response:
        """Counts and the latest arrivals. The same is pushed at the class's `stream_url`."""
        state = live_state(self.get_object().pk)
        if state is None:
            raise NotFound
        return conditional(request, state.as_json())


def _shown(shown: screen.ShownCode) -> Response:
    token = codes.encode(shown.code)
    url = codes.url_of(token)
    body: dict[str, Any] = {
        "token": token,
        "url": url,
        "svg": qr.svg_of(url),
        "step": shown.code.step,
        "generation": shown.code.generation,
        "rotation_seconds": shown.code.rotation,
        "valid_until": shown.valid_until,
    }
    return Response(body, headers={"Cache-Control": "no-store"})
