"""Tenancy in the API: lists show what `visible_to` shows, single objects are looked up within the school first and
then the policy is asked. So another school's object is 404, one's own without the right is 403."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from django.core.exceptions import MultipleObjectsReturned
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from accounts.enums import Role
from accounts.models import School, User
from core.errors import DomainError, Forbidden, NotFound

#: (user, object) → may they? See the `policies` module of each app.
Policy = Callable[[User, Any], bool]

SCHOOL_PARAMETER = OpenApiParameter(
    "school", str, description="Code of the school: only operators of several schools need to say it."
)


class SchoolNotChosen(DomainError):
    """An operator of several schools did not say which one is meant."""

    code = "school_required"
    message = _("You operate several schools. Add ?school= with the code of the one you mean.")
    status = 400

    def __init__(self) -> None:
        super().__init__(attr="school")


class SchoolScopedViewSet(GenericViewSet):
    """Base of every view set here: `policies` names, per action, who may touch a single object.

    An action on a single object that has no policy is a mistake and raises KeyError.
    """

    policies: ClassVar[Mapping[str, Policy]] = {}
    http_method_names = ["get", "head", "post", "patch", "delete"]
    lookup_value_regex = "[^/]+"

    @property
    def user(self) -> User:
        return user_of(self.request)

    def get_queryset(self) -> QuerySet[Any]:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset
        if self.detail:
            queryset = within_reach(queryset, self.user)
            code = self.request.query_params.get("school")
            return queryset if code is None else queryset.filter(school=school_of(self.request))
        return queryset.visible_to(self.user)  # type: ignore[attr-defined] # of our querysets

    def get_object(self) -> Any:
        """The object named in the address. Raises NotFound, Forbidden; SchoolNotChosen where two schools have one."""
        try:
            found = super().get_object()
        except MultipleObjectsReturned:
            raise SchoolNotChosen from None
        allow(self.policies[self.action](self.user, found))
        return found


def user_of(request: Request) -> User:
    """The signed-in user, as our own model."""
    return cast(User, request.user)


def allow(answer: bool) -> None:
    """Raise Forbidden unless the policy said yes."""
    if not answer:
        raise Forbidden


def within_reach(queryset: QuerySet[Any], user: User) -> QuerySet[Any]:
    """What exists at all for this person: everything of their school, for operators everything."""
    return queryset if user.role == Role.SUPERUSER else queryset.filter(school_id=user.school_id)


def school_of(request: Request) -> School:
    """The school a request is about: one's own, or the one named by ``?school=<code>``.

    Raises NotFound for a school out of reach, SchoolNotChosen for an operator who named none.
    """
    user = user_of(request)
    code = request.query_params.get("school")
    if code is not None:
        school = School.objects.visible_to(user).filter(code__iexact=code).first()
        if school is None:
            raise NotFound(what=_("school"))
        return school
    if user.school is None:
        raise SchoolNotChosen
    return user.school
