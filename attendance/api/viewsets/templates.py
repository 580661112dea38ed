"""What students are recognised by."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, SchoolScopedViewSet, allow, school_of
from attendance import errors, policies
from attendance.api.filters import TemplateFilterSet
from attendance.api.serializers.devices import TemplateInputSerializer, TemplateSerializer
from attendance.models import BiometricTemplate
from attendance.services import templates
from core import clock
from core.api.refusals import refuses
from core.errors import Invalid

_TAGS = ["attendance: readers"]


@extend_schema_view(
    list=extend_schema(tags=_TAGS, summary="Biometric templates and cards"),
    retrieve=extend_schema(tags=_TAGS, summary="A biometric template or card"),
)
class TemplateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """The office enrols and deletes; students see that something is kept of them. Nobody is told what."""

    queryset = BiometricTemplate.objects.select_related("school", "student").defer("template")
    serializer_class = TemplateSerializer
    filterset_class = TemplateFilterSet
    search_fields = ["student__enrollment_no"]
    ordering_fields = {"enrolled_at": "enrolled_at", "student": "student__enrollment_no"}
    ordering = ["-enrolled_at", "-pk"]
    policies = {
        "retrieve": policies.can_view_template,
        "destroy": policies.can_change_template,
    }

    @extend_schema(
        tags=_TAGS,
        summary="Enrol a student",
        parameters=[SCHOOL_PARAMETER],
        request=TemplateInputSerializer,
        responses={201: TemplateSerializer},
    )
    @refuses(errors.ConsentMissing, errors.CardTaken, SchoolNotChosen, Invalid)
    def create(self, request: Request) -> Response:
        """Only with the student's consent; another one of the same kind and position is replaced."""
        school = school_of(request)
        allow(policies.can_manage_devices(self.user, school.pk))
        asked = TemplateInputSerializer(data=request.data, context={"school": school})
        asked.is_valid(raise_exception=True)
        made = templates.enrol(by=self.user, now=clock.now(), **asked.validated_data)
        return Response(TemplateSerializer(made).data, 201)

    @extend_schema(
        tags=_TAGS,
        summary="Delete a template or card",
        responses={204: OpenApiResponse(description="It is gone; marks that came of it stay.")},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """By the office. A student withdraws the consent, which deletes all of them."""
        templates.remove(template=self.get_object(), by=self.user, now=clock.now())
        return Response(status=204)
