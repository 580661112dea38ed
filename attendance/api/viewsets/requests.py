"""What views of students' requests share: who reads reasons and files, and how a decision is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import FileResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SchoolScopedViewSet
from academics.models import Student
from attendance import evidence_files
from attendance.api.serializers.requests import RemarksSerializer
from attendance.services.evidence import TYPES
from core import clock
from core.api.negotiation import FileNegotiation
from core.api.parsers import StrictJSONParser
from core.api.refusals import refuses
from core.errors import NotFound

TAGS = ["attendance: requests"]

#: For actions that take no file.
JSON_ONLY = [StrictJSONParser]


class RequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, SchoolScopedViewSet):
    """A subclass names `input_serializer`, for JSON, and `upload_serializer`, the same with a file."""

    queryset: QuerySet[Any]
    serializer_class: type[Any]
    parser_classes = [StrictJSONParser, MultiPartParser]
    input_serializer: ClassVar[type[Any]]
    upload_serializer: ClassVar[type[Any]]

    def list(self, request: Request) -> Response:
        """Latest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.shown(page or [], many=True))

    def retrieve(self, request: Request, pk: str) -> Response:
        """One of them."""
        return Response(self.shown(self.get_object()))

    @extend_schema(
        tags=TAGS,
        summary="The attached file",
        responses={(200, kind): OpenApiTypes.BINARY for kind in TYPES},
    )
    @refuses(NotFound)
    @action(
        detail=True,
        methods=["get"],
        parser_classes=JSON_ONLY,
        content_negotiation_class=FileNegotiation,
        filter_backends=[],
        pagination_class=None,
    )
    def file(self, request: Request, pk: str) -> FileResponse:
        """As a download, for the student and for those who have a say in the request."""
        return evidence_files.download(self.get_object())

    def oneself(self) -> Student:
        """The student who asks. Raises NotFound for a user who is nobody's, as one just made by hand."""
        students = Student.objects.select_related("school__attendance_configuration")
        student = students.filter(user=self.user).first()
        if student is None:
            raise NotFound(what=_("student"))
        return student

    def asked(self, **context: Any) -> dict[str, Any]:
        """What was sent, with the file as the services take it."""
        multipart = (self.request.content_type or "").startswith("multipart/")
        kind = self.upload_serializer if multipart else self.input_serializer
        asked = kind(data=self.request.data, context=context)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        values["upload"] = evidence_files.upload_of(values.pop("file", None))
        return values

    def decide(self, name: str, service: Callable[..., Any]) -> Response:
        """One decision of a service on the object at hand, which it takes by that name."""
        found = self.get_object()
        asked = RemarksSerializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return self.answer(
            service(**{name: found}, remarks=asked.validated_data["remarks"], by=self.user, now=clock.now())
        )

    def answer(self, request: Any, *, status: int = 200) -> Response:
        """The request as it stands in the database now."""
        return Response(self.shown(self.queryset.get(pk=request.pk)), status)

    def shown(self, found: Any, *, many: bool = False) -> Any:
        """With reasons and files for whom they are."""
        rows: Sequence[Any] = found if many else [found]
        model = self.queryset.model
        readable = model.objects.readable_by(self.user).filter(pk__in=[row.pk for row in rows])
        context = {"readable": set(readable.values_list("pk", flat=True)) if rows else set()}
        return self.serializer_class(found, many=many, context=context).data
