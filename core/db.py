"""What PostgreSQL's refusals mean.

The database guarantees what services check (unique, exclusion, check, trigger); whoever slips through the check,
because two came at once, meets the constraint and gets a refusal with the same code. Apps register theirs by the
constraint's name, in `errors.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, NotFound
from core.postgresql.base import DatabaseWrapper

M = TypeVar("M", bound=models.Model)

_refusals: dict[str, type[DomainError]] = {}

#: SQLSTATEs of statements that were fine but came at a bad moment: deadlock, serialization, lock or statement
#: timeout. Everything else OperationalError stands for means that the server cannot be reached.
_BUSY = {"40P01", "40001", "55P03", "57014"}


#: The server takes no writes: it is a standby, or became one.
_READ_ONLY = {"25006"}


#: No page is worth more: whoever asked has left, and the statement holds one of few connections.
WEB_STATEMENT_SECONDS = 30


def limit_statements(*, connection: BaseDatabaseWrapper, **_signal: object) -> None:
    """Receiver of `connection_created` in the web process: a statement that runs longer ends as `DatabaseBusy`.

    Workers and commands have no such limit: a nightly task may take its time. By a statement, not as an option of the
    connection, which PgBouncer does not pass on.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s", [WEB_STATEMENT_SECONDS * 1000])


class Conflict(DomainError):
    """A constraint said no for which nobody has found better words."""

    code = "conflict"
    message = _("This contradicts what is stored. Load the page again and repeat your change.")


class OutOfRange(DomainError):
    """A value that passed the checks and that the column cannot hold all the same."""

    code = "invalid"
    message = _("A value is too large, too long, or contains characters that cannot be stored.")
    status = 400


class DatabaseUnavailable(DomainError):
    """PostgreSQL cannot be reached; nothing was written."""

    code = "database_unavailable"
    message = _(
        "The database cannot be reached at the moment. Nothing was saved; try again in a few seconds."
    )
    status = 503
    retry_after = 5


class DatabaseBusy(DomainError):
    """The statement waited too long for others, or for itself; nothing was written."""

    code = "database_busy"
    message = _("Too many people are changing this at once. Nothing was saved; try again.")
    status = 503
    retry_after = 1


class Overtaken(DomainError):
    """Another request did the same a moment before: code and status of the check that came too early for it."""

    message = _("Somebody else did the same at the same moment. Load it again to see what is there now.")

    def __init__(self, refusal: type[DomainError]) -> None:
        self.code, self.status = refusal.code, refusal.status
        super().__init__()


def prepared() -> CursorWrapper:
    """A cursor for a large statement of ours that is asked again and again: the server keeps its plan.

    Django's own cursors write the values into the text, so that each text is another and is planned anew, which for
    the marks of a class takes as long as writing them. Here a parameter needs a type where PostgreSQL cannot tell it.
    """
    return cast(DatabaseWrapper, connection).prepared_cursor()


def still_there(found: models.QuerySet[M], pk: object) -> M:
    """The row as it is now. Raises NotFound when somebody else deleted it since the caller read it."""
    row = found.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def register(refusals: Mapping[str, type[DomainError]]) -> None:
    """Let violated constraints be refused with these codes. Raises ValueError for two of one constraint."""
    for constraint, refusal in refusals.items():
        if _refusals.setdefault(constraint, refusal) is not refusal:
            raise ValueError(f"the constraint {constraint} is registered already")


def constraint_of(error: BaseException) -> str:
    """The name of the violated constraint, without the suffix of a partition; empty when there is none."""
    diagnosis = getattr(error.__cause__ or error, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    return name.partition("__")[0]


def sqlstate_of(error: BaseException) -> str:
    """PostgreSQL's five-character code; empty when the server never answered."""
    return getattr(error.__cause__ or error, "sqlstate", None) or ""


def refusal_of(error: DatabaseError | InterfaceError) -> DomainError | None:
    """The refusal that a database error stands for; None for one that is our own mistake.

    sqlstate classes are those of PostgreSQL's manual, appendix A: 22 bad data, 23 violated constraint.
    """
    state = sqlstate_of(error)
    if state.startswith("23"):
        known = _refusals.get(constraint_of(error))
        return Overtaken(known) if known else Conflict()
    # Without a code the driver has refused to send the value, such as a text with a NUL character.
    if state.startswith("22") or (isinstance(error, DataError) and not state):
        return OutOfRange()
    if state in _READ_ONLY:
        return DatabaseUnavailable()
    if state in _BUSY:
        return DatabaseBusy()
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseUnavailable()
    return None
