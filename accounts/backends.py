"""Who somebody is, from a user name and a password; and what django-axes is told about the attempt."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse

from accounts.errors import SchoolRequired
from accounts.models import User
from accounts.selectors import normalise, signed_in, who_may_be_meant
from core import context


class CampusBackend(ModelBackend):
    """Signs in ``<number>@<school code>``, or the bare number when one school has it; in any letter case."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        school: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The user, or None. Raises SchoolRequired when the number alone could be several people.

        Whoever does not exist or may not sign in costs one password hash as well: the time tells nothing.
        """
        if not username or password is None:
            return None
        found = list(who_may_be_meant(username, school or "")[:2])
        if len(found) != 1:
            User().set_password(password)
            if found:
                raise SchoolRequired(attr="school")
            return None
        return found[0] if found[0].check_password(password) else None

    def user_can_authenticate(self, user: Any) -> bool:
        """Active people of active schools."""
        return bool(user.is_active and (user.school is None or user.school.is_active))

    def get_user(self, user_id: Any) -> User | None:
        """Somebody who is signed in already; None as soon as they, or their school, are switched off."""
        user = signed_in().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def attempted_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """The name under which django-axes counts: spelling it in another way is no fresh start."""
    name = (credentials or {}).get("username") or request.POST.get("username")
    return normalise(str(name)).replace("\0", "")[:150] if name else None


def client_address(request: HttpRequest) -> str | None:
    """The address that django-axes counts: the client's, not the proxy's."""
    return context.current().ip or request.META.get("REMOTE_ADDR")


def keep_response(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """What a locked-out client is answered: what page or API said already (see `services.credentials`)."""
    return response if response is not None else HttpResponse(status=429)
