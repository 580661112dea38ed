"""What somebody should look at."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from accounts.models import School
from attendance import policies
from attendance.api.serializers.anomalies import (
    AnomalyQuerySerializer,
    AnomalySerializer,
    DismissalSerializer,
    DismissSerializer,
)
from attendance.enums import AnomalyKind
from attendance.models import AnomalyDismissal, Session
from attendance.selectors import anomalies as cases
from attendance.services import anomalies
from core import clock
from core.api.filters import refuse_unknown
from core.api.pagination import parameters_of
from core.api.refusals import refuses
from core.errors import Invalid, NotFound

_TAGS = ["attendance: anomalies"]
_PARAMETERS = [
    OpenApiParameter("kind", str, enum=AnomalyKind.values),
    OpenApiParameter("from", OpenApiTypes.DATE, description="First day; a week before the last one."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day; today. At most 31 days at a time."),
    OpenApiParameter("section", OpenApiTypes.UUID, description="Only classes of this section."),
    OpenApiParameter("session", OpenApiTypes.UUID, description="Only this class, whatever its day."),
    OpenApiParameter(
        "dismissed", bool, description="Those that somebody found fine, instead of the open ones."
    ),
    SCHOOL_PARAMETER,
]


class AnomalyViewSet(SchoolScopedViewSet):
    """Cases in the classes that one runs: computed when they are asked for, from marks and refused scans."""

    queryset = AnomalyDismissal.objects.select_related("school", "session", "dismissed_by")
    serializer_class = AnomalySerializer
    filter_backends = ()
    policies = {"undo": policies.can_review_dismissal}

    @extend_schema(
        tags=_TAGS,
        summary="Anomalies",
        parameters=_PARAMETERS,
        responses={200: AnomalySerializer(many=True)},
    )
    @refuses(Invalid, NotFound, SchoolNotChosen)
    def list(self, request: Request) -> Response:
        """The worst kind first, then the latest. Nobody is accused: each says what was seen and what to do."""
        refuse_unknown(
            request, [*(parameter.name for parameter in _PARAMETERS), *parameters_of(self.paginator)]
        )
        school = self._school()
        asked = AnomalyQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        found = cases.find(
            self._classes(school, wanted),
            school=school,
            kinds=[wanted["kind"]] if "kind" in wanted else (),
            dismissed=wanted["dismissed"],
        )
        page = cases.with_names(self.paginate_queryset(found) or [])
        with timezone.override(school.tz):
            return self.get_paginated_response(AnomalySerializer(page, many=True).data)

    @extend_schema(
        tags=_TAGS,
        summary="Dismiss an anomaly",
        parameters=[SCHOOL_PARAMETER],
        request=DismissSerializer,
        responses={200: DismissalSerializer},
    )
    @refuses(Invalid, NotFound, SchoolNotChosen)
    @action(detail=False, methods=["post"], pagination_class=None)
    def dismiss(self, request: Request) -> Response:
        """Looked into, and fine. It is listed again when somebody joins it. Harmless to repeat."""
        school = self._school()
        asked = DismissSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        anomaly = cases.one(
            self._classes(school, wanted), school=school, kind=wanted["kind"], subject=wanted["subject"]
        )
        if anomaly is None:
            raise NotFound(what=_("anomaly"))
        made = anomalies.dismiss(
            school=school, anomaly=anomaly, remark=wanted["remark"], by=self.user, now=clock.now()
        )
        return Response(DismissalSerializer(made).data)

    @extend_schema(
        tags=_TAGS, summary="Take a dismissal back", request=None, responses={200: DismissalSerializer}
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def undo(self, request: Request, pk: str) -> Response:
        """By the id of the dismissal: the case is listed again. Harmless to repeat."""
        undone = anomalies.undo(dismissal=self.get_object(), by=self.user, now=clock.now())
        return Response(DismissalSerializer(undone).data)

    def _school(self) -> School:
        allow(policies.can_view_anomalies(self.user))
        return school_of(self.request)

    def _classes(self, school: School, wanted: dict[str, Any]) -> QuerySet[Session]:
        return cases.classes_of(
            user=self.user,
            school=school,
            first=wanted.get("from"),
            last=wanted.get("until"),
            section=wanted.get("section"),
            session=wanted.get("session"),
            today=school.local_date(clock.now()),
        )
