"""Endpoints that exist for tests alone: each shows one side of the API foundation on real tables."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.models import School, User
from audit.models import AuditEntry
from core.api.etag import conditional
from core.api.idempotency import idempotent
from core.api.pagination import CursorPagination
from core.api.refusals import refuses
from core.errors import DomainError, InvalidTransition, Stale

handler400 = "core.faults.bad_request"
handler403 = "core.faults.permission_denied"
handler404 = "core.faults.page_not_found"
handler500 = "core.faults.server_error"


class SchoolSerializer(serializers.ModelSerializer):
    class Meta:
        model = School
        fields = ["id", "name", "code", "country"]


class SchoolViewSet(viewsets.ModelViewSet):
    """Page numbers, filters, search, ordering, one idempotent action."""

    queryset = School.objects.order_by("pk")
    serializer_class = SchoolSerializer
    filterset_fields = ["country", "is_active"]
    search_fields = ["name", "code"]
    ordering_fields = {"name": "name", "code": "code"}
    throttle_scopes = {"once": "bulk"}

    @refuses(Stale)
    @action(detail=False, methods=["post"])
    @idempotent
    def once(self, request: Request) -> Response:
        if request.data.get("fail"):
            School.objects.create(name="undone", code="undone")
            raise Stale
        school = School.objects.create(name=request.data["name"], code=request.data["code"])
        return Response({"z": school.code, "a": school.pk}, status=201)

    @action(detail=False, methods=["post"])
    @idempotent
    def stream(self, request: Request) -> Any:
        return StreamingHttpResponse(iter([b"a,b\n"]), content_type="text/csv")


class EntrySerializer(serializers.ModelSerializer):
    class Meta:
        model = AuditEntry
        fields = ["id", "at", "action"]


class EntryViewSet(viewsets.ReadOnlyModelViewSet):
    """A cursor over two fields."""

    queryset = AuditEntry.objects.all()
    serializer_class = EntrySerializer
    pagination_class = CursorPagination
    cursor_ordering = ("-at", "-id")


class PersonSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["username", "phone", "date_joined"]


class PersonViewSet(viewsets.ReadOnlyModelViewSet):
    """A cursor that goes through a relation."""

    queryset = User.objects.select_related("school")
    serializer_class = PersonSerializer
    pagination_class = CursorPagination
    cursor_ordering = ("school__code", "username")


class EchoView(APIView):
    """Says what it was sent; raises what it is asked to."""

    def post(self, request: Request) -> Response:
        return Response({"data": request.data})

    def get(self, request: Request) -> Response:
        return conditional(request, {"user": request.user.pk})


class RefusingView(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, kind: str) -> Response:
        refuse(kind)
        return Response()


class LoginView(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_scope = "login"

    def post(self, request: Request) -> Response:
        return Response(status=204)


class ScanView(APIView):
    throttle_scope = "scan"

    def post(self, request: Request) -> Response:
        return Response(status=204)


class Odd(DomainError):
    code = "odd"
    message = "{name} is odd."
    status = 400


def refuse(kind: str) -> None:
    if kind == "transition":
        raise InvalidTransition(current="open", target="void", meta={"allowed": ["closed"]})
    if kind == "field":
        raise Odd(name="Seven", attr="number")
    if kind == "duplicate":
        with transaction.atomic():
            School.objects.create(name="one", code="same")
            School.objects.create(name="two", code="SAME")
    if kind == "check":
        User.objects.create(username="UPPER", school=School.objects.create(name="n", code="n"))
    if kind == "range":
        list(School.objects.raw("SELECT id FROM accounts_school WHERE id = 99999999999999999999::bigint"))
    if kind == "bug":
        raise RuntimeError("secret detail")


def page(request: HttpRequest, kind: str) -> HttpResponse:
    """A page that does not catch what it meets."""
    refuse(kind)
    return HttpResponse("fine")


router = SimpleRouter()
router.register("schools", SchoolViewSet)
router.register("entries", EntryViewSet)
router.register("people", PersonViewSet)

urlpatterns = [
    path("", include("core.urls")),
    path("api/", include(router.urls)),
    path("api/echo/", EchoView.as_view()),
    path("api/refuse/<str:kind>/", RefusingView.as_view()),
    path("api/login/", LoginView.as_view()),
    path("api/scan/", ScanView.as_view()),
    path("page/<str:kind>/", page),
]
