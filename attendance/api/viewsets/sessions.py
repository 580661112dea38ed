"""Class sessions: lists, extra classes, changes, generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from academics.models import Faculty
from attendance import errors, policies
from attendance.api.filters import SessionFilterSet
from attendance.api.serializers.calendar import GenerateSerializer, GenerationSerializer
from attendance.api.serializers.sessions import (
    ExtraClassSerializer,
    SessionChangeSerializer,
    SessionSerializer,
    SubstituteSerializer,
)
from attendance.api.viewsets.session_life import TAGS, SessionLifeActions
from attendance.api.viewsets.session_screen import SessionScreenActions
from attendance.models import Session
from attendance.selectors.live import counts_of
from attendance.selectors.sessions import with_details
from attendance.services import arrangement, generation
from core import clock
from core.api.refusals import refuses
from core.errors import Invalid

_CONFLICTS = (errors.FacultyConflict, errors.RoomConflict, errors.CohortConflict)


@extend_schema_view(
    list=extend_schema(tags=TAGS, summary="Classes"),
    retrieve=extend_schema(tags=TAGS, summary="A class"),
)
class SessionViewSet(
    SessionLifeActions,
    SessionScreenActions,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    SchoolScopedViewSet,
):
    """Classes: students see their own, faculty what they teach or head, the office all."""

    queryset = with_details(Session.objects.all())
    serializer_class = SessionSerializer
    filterset_class = SessionFilterSet
    search_fields = ["topic", "sections__course__title", "sections__course__code"]
    ordering_fields = ["starts_at", "held_on", "status"]
    ordering = ["starts_at", "pk"]
    policies = {
        "retrieve": policies.can_view_session,
        "partial_update": policies.can_arrange_session,
        "substitute": policies.can_arrange_session,
        **SessionLifeActions.life_policies,
        **SessionScreenActions.screen_policies,
    }

    def list(self, request: Request) -> Response:
        """In the order of their start."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.shown(page or [], many=True))

    def retrieve(self, request: Request, pk: str) -> Response:
        """One class with its counts."""
        return Response(self.shown(self.get_object()))

    @extend_schema(
        tags=TAGS,
        summary="Add an extra class",
        parameters=[SCHOOL_PARAMETER],
        request=ExtraClassSerializer,
        responses={201: SessionSerializer},
    )
    @refuses(*_CONFLICTS, errors.OutsideTerm, SchoolNotChosen, Invalid)
    def create(self, request: Request) -> Response:
        """A class beside the timetable, also on a holiday. A conflict names the others in `meta.conflicts_with`."""
        school = school_of(request)
        allow(policies.can_create_sessions(self.user, school))
        asked = ExtraClassSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        values = {"room": None, "faculty": self._oneself(), **asked.validated_data}
        allow(policies.can_create_session(self.user, values["sections"]))
        session = arrangement.create_extra(school=school, by=self.user, now=clock.now(), **values)
        return self.answer(session, status=201)

    @extend_schema(
        tags=TAGS,
        summary="Change a class",
        request=SessionChangeSerializer,
        responses={200: SessionSerializer},
    )
    @refuses(*_CONFLICTS, errors.OutsideTerm, errors.NotScheduled, errors.DayIsFixed, Invalid)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Time, room, people or ways of capture before it begins; its topic at any time."""
        session = self.get_object()
        asked = SessionChangeSerializer(data=request.data, partial=True, context={"school": session.school})
        asked.is_valid(raise_exception=True)
        session = arrangement.update_session(
            session=session, changes=asked.validated_data, by=self.user, now=clock.now()
        )
        return self.answer(session)

    @extend_schema(
        tags=TAGS,
        summary="Appoint a substitute",
        request=SubstituteSerializer,
        responses={200: SessionSerializer},
    )
    @refuses(errors.FacultyConflict, errors.NotScheduled, Invalid)
    @action(detail=True, methods=["post"])
    def substitute(self, request: Request, pk: str) -> Response:
        """Somebody else stands in for the faculty; null takes that back."""
        session = self.get_object()
        asked = SubstituteSerializer(data=request.data, context={"school": session.school})
        asked.is_valid(raise_exception=True)
        session = arrangement.substitute(
            session=session, faculty=asked.validated_data["faculty"], by=self.user, now=clock.now()
        )
        return self.answer(session)

    @extend_schema(
        tags=TAGS,
        summary="Make classes of the timetable",
        parameters=[SCHOOL_PARAMETER],
        request=GenerateSerializer,
        responses={200: GenerationSerializer},
    )
    @refuses(errors.RangeTooLong, SchoolNotChosen, Invalid)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def generate(self, request: Request) -> Response:
        """From one day to another, both included. Skips holidays and days outside term; harmless to repeat."""
        school = school_of(request)
        allow(policies.can_plan(self.user, school))
        asked = GenerateSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        result = generation.generate(
            school=school,
            start=asked.validated_data["from"],
            end=asked.validated_data["to"],
            section=asked.validated_data["section"],
            by=self.user,
            now=clock.now(),
        )
        return Response(GenerationSerializer(result).data)

    def answer(self, session: Session, *, status: int = 200) -> Response:
        """The class as it stands in the database now."""
        return Response(self.shown(with_details(Session.objects.all()).get(pk=session.pk)), status)

    def shown(self, found: Session | Sequence[Session], *, many: bool = False) -> Any:
        """With counts for whoever may see whole classes."""
        rows = [found] if isinstance(found, Session) else found
        counts = {} if policies.is_student(self.user) else counts_of([row.pk for row in rows])
        return SessionSerializer(found, many=many, context={"counts": counts}).data

    def _oneself(self) -> Sequence[Faculty]:
        return tuple(Faculty.objects.filter(user=self.user))
