"""People whom no roster brings in: school administrators and operators of several schools."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.enums import Role
from accounts.errors import UsernameTaken
from accounts.models import School, User
from audit.services import entries
from core import locks
from core.errors import Invalid


@transaction.atomic
def create_admin(
    *,
    username: str,
    password: str,
    school: School | None,
    full_name: str = "",
    email: str = "",
    by: User | None,
    now: datetime,
) -> User:
    """An administrator of `school`, or, without one, an operator of all schools, who can sign in at once.

    Raises UsernameTaken, and Invalid for a weak password or an impossible value.
    """
    role = Role.ADMIN if school is not None else Role.SUPERUSER
    user = User(
        username=username.strip().lower(),
        full_name=full_name.strip(),
        email=email.strip(),
        role=role,
        school=school,
    )
    user.is_superuser = role == Role.SUPERUSER
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            name, messages = next(iter(error.message_dict.items()))
            raise Invalid(detail=" ".join(messages), attr=name) from error
        raise Invalid(detail=" ".join(error.messages), attr="password") from error
    locks.lock("username", user.username)
    if User.objects.filter(username=user.username).exists():
        raise UsernameTaken(username=user.username, attr="username")
    user.set_password(password)
    user.save()
    with entries.operation(by=by, at=now) as operation:
        after = {"username": user.username, "role": role}
        operation.record("user.create", user, school_id=user.school_id, after=after)
    return user
