"""Who gets in, and which class an address means: another school's is not there, a forbidden one says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from academics.models import Student
from accounts.enums import Role
from accounts.models import User
from attendance import policies
from attendance.models import CondonationRequest, CorrectionRequest, LeaveApplication, Session

R = TypeVar("R", LeaveApplication, CorrectionRequest, CondonationRequest)


def person(request: HttpRequest) -> User:
    """The signed-in user, typed."""
    return cast(User, request.user)


def student_of(request: HttpRequest) -> Student:
    """The student who is signed in. Raises PermissionDenied for everybody else."""
    user = person(request)
    if user.role == Role.STUDENT:
        student = (
            Student.objects.select_related("school__attendance_configuration", "user")
            .filter(user=user)
            .first()
        )
        if student is not None:
            return student
    raise PermissionDenied


def session_of(
    request: HttpRequest,
    pk: UUID,
    allowed: Callable[[User, Session], bool],
    *,
    load: Callable[[QuerySet[Session]], QuerySet[Session]] = lambda sessions: sessions,
) -> Session:
    """The session of the address, with what `load` adds to it.

    Raises Http404 outside the user's school, PermissionDenied without the right.
    """
    user = person(request)
    sessions = Session.objects.select_related("school__attendance_configuration", "room")
    session = load(sessions.filter(pk=pk)).first()
    if session is None or not user.may_reach(session.school_id):
        raise Http404
    if not allowed(user, session):
        raise PermissionDenied
    timezone.activate(session.school.tz)
    return session


def request_of(request: HttpRequest, model: type[R], pk: UUID, allowed: Callable[[User, R], bool]) -> R:
    """The same for something that a student asked for."""
    user = person(request)
    found = model._default_manager.select_related("school", "student__user").filter(pk=pk).first()
    if found is None or not user.may_reach(found.school_id):
        raise Http404
    if not allowed(user, found):
        raise PermissionDenied
    timezone.activate(found.school.tz)
    return found


def runs(user: User, session: Session) -> bool:
    return policies.can_run_session(user, session)
