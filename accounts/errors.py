"""Refusals of accounts."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from django.utils.translation import gettext_lazy as _

from core import db
from core.errors import DomainError
from core.tokens import InvalidToken


class SchoolRequired(DomainError):
    code = "school_required"
    message = _("That number exists in several schools. Add your school's code.")
    status = 400


class InvalidCredentials(DomainError):
    code = "invalid_credentials"
    message = _("The user name or the password is not right.")
    status = 401


class LockedOut(DomainError):
    """Too many wrong passwords for one name from one address; the pair may try again after a while."""

    code = "locked_out"
    message = _("Too many tries with a wrong password. Wait {minutes} minutes, then try again.")
    status = 429

    def __init__(self, *, wait: timedelta) -> None:
        #: Seconds, for the header Retry-After.
        self.retry_after = int(wait.total_seconds())
        super().__init__(minutes=ceil(wait / timedelta(minutes=1)))


class TokenInvalid(InvalidToken):
    """The refresh token is not, or no longer, good."""


class TokenReused(TokenInvalid):
    code = "token_reused"
    message = _("This sign-in was used twice and has been ended for safety. Sign in again.")


class SchoolCodeTaken(DomainError):
    code = "school_code_taken"
    message = _("There is already a school with the code {code}.")


class UsernameTaken(DomainError):
    code = "username_taken"
    message = _("The user name {username} is taken.")


db.register({"school_code_once": SchoolCodeTaken, "accounts_user_username_key": UsernameTaken})
