"""What becomes of a class: one action per move of `services.sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import Policy, SchoolScopedViewSet
from accounts.models import User
from attendance import errors, policies
from attendance.api.serializers.sessions import ConfirmSerializer, ReasonSerializer, SessionSerializer
from attendance.models import Session
from attendance.services import sessions
from core import clock
from core.api.refusals import refuses
from core.errors import InvalidTransition, ReasonRequired

TAGS = ["attendance: classes"]


class SessionLifeActions(SchoolScopedViewSet):
    """Every move answers the class as it is afterwards. Opening and closing twice is harmless."""

    life_policies: ClassVar[Mapping[str, Policy]] = {
        "open": policies.can_run_session,
        "close": policies.can_run_session,
        "reopen": policies.can_run_session,
        "confirm": policies.can_run_session,
        "lock": policies.can_lock_session,
        "cancel": policies.can_arrange_session,
        "void": policies.can_void_session,
    }

    @extend_schema(tags=TAGS, summary="Open", request=None, responses={200: SessionSerializer})
    @refuses(InvalidTransition, errors.TooEarly)
    @action(detail=True, methods=["post"])
    def open(self, request: Request, pk: str) -> Response:
        """Take attendance from now on. The first person who opens sets the moment from which grace runs."""
        return self.answer(sessions.open_session(session=self.get_object(), **self._by()))

    @extend_schema(tags=TAGS, summary="Close", request=None, responses={200: SessionSerializer})
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Whoever has no mark is absent (if the school wants it so); percentages follow at once."""
        return self.answer(sessions.close_session(session=self.get_object(), **self._by()))

    @extend_schema(tags=TAGS, summary="Reopen", request=ReasonSerializer, responses={200: SessionSerializer})
    @refuses(InvalidTransition, ReasonRequired)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Until it is closed by hand, or half an hour has passed."""
        session, reason = self._with_reason()
        return self.answer(sessions.reopen_session(session=session, reason=reason, **self._by()))

    @extend_schema(
        tags=TAGS,
        summary="Confirm",
        request=ConfirmSerializer,
        responses={200: SessionSerializer},
    )
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Say of an unconfirmed class that it was held, or that it was not."""
        session = self.get_object()
        asked = ConfirmSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self.answer(sessions.confirm_session(session=session, **asked.validated_data, **self._by()))

    @extend_schema(tags=TAGS, summary="Lock", request=None, responses={200: SessionSerializer})
    @refuses(InvalidTransition)
    @action(detail=True, methods=["post"])
    def lock(self, request: Request, pk: str) -> Response:
        """From now on only an administrator changes its records."""
        return self.answer(sessions.lock_session(session=self.get_object(), **self._by()))

    @extend_schema(tags=TAGS, summary="Cancel", request=ReasonSerializer, responses={200: SessionSerializer})
    @refuses(InvalidTransition, ReasonRequired)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """It does not take place; its room and people are free again."""
        session, reason = self._with_reason()
        return self.answer(sessions.cancel_session(session=session, reason=reason, **self._by()))

    @extend_schema(tags=TAGS, summary="Void", request=ReasonSerializer, responses={200: SessionSerializer})
    @refuses(InvalidTransition, ReasonRequired)
    @action(detail=True, methods=["post"])
    def void(self, request: Request, pk: str) -> Response:
        """Take a held class out of everybody's percentages; its records stay."""
        session, reason = self._with_reason()
        return self.answer(sessions.void_session(session=session, reason=reason, **self._by()))

    def answer(self, session: Session, *, status: int = 200) -> Response:
        """The class as it stands now."""
        raise NotImplementedError

    def _by(self) -> dict[str, Any]:
        by: User = self.user
        return {"by": by, "now": clock.now()}

    def _with_reason(self) -> tuple[Session, str]:
        session: Session = self.get_object()
        asked = ReasonSerializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return session, asked.validated_data["reason"]
