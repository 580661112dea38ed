"""Refusals with a stable code, the same for the API, pages, admin and commands."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule said no.

    `code` is the stable contract, `message` is for people (translated, `{named}` placeholders filled from the
    keyword arguments), `status` the HTTP status, `attr` the field it is about, `meta` machine-readable detail.
    """

    code: str = "conflict"
    message: str | Promise = _("That is not possible now.")
    status: int = 409

    def __init__(
        self, *, attr: str | None = None, meta: dict[str, Any] | None = None, **context: Any
    ) -> None:
        self.context = context
        self.attr = attr
        self.meta = meta
        super().__init__(str(self))

    def __str__(self) -> str:
        return str(self.message).format(**self.context)


class Invalid(DomainError):
    """The input cannot be right."""

    code = "invalid"
    message = _("{detail}")
    status = 400


class Forbidden(DomainError):
    """The person may not do this."""

    code = "permission_denied"
    message = _("You may not do that.")
    status = 403


class NotFound(DomainError):
    """There is no such thing, or it belongs to another school."""

    code = "not_found"
    message = _("There is no such {what}.")
    status = 404

    def __init__(self, *, what: Any = None, **kwargs: Any) -> None:
        super().__init__(what=what or _("object"), **kwargs)


class Stale(DomainError):
    """Somebody else changed it since it was read."""

    code = "stale"
    message = _("Somebody changed this meanwhile. Load it again and repeat your change.")


class InvalidTransition(DomainError):
    """The state machine has no such move."""

    code = "invalid_transition"
    message = _("This cannot go from “{current}” to “{target}”.")


class CrossSchool(DomainError):
    """A reference would join two schools."""

    code = "cross_school"
    message = _("{what} belongs to another school.")
    status = 400


class ReasonRequired(DomainError):
    """The change needs a reason, which the audit trail keeps."""

    code = "reason_required"
    message = _("Say why: this change needs a reason.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("attr", "reason")
        super().__init__(**kwargs)
