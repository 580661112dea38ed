"""Writing the audit trail: entries of one operation, in the transaction of the change they tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Protocol, TypedDict
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

from audit.models import AuditEntry
from core import context, copying
from core.ids import uuid7

#: Names of fields that are personal: the trail shows a fingerprint of them, never the value.
PERSONAL = frozenset(
    {
        "full_name", "name", "email", "phone", "date_of_birth", "guardian_contact", "username", "location",
        "remarks",
    }
)  # fmt: skip


class Actor(Protocol):
    """Whoever acts: a user (audit lies below accounts, so it knows only this much)."""

    pk: Any


class Operation:
    """What one person or task does in one go; all its entries share `id`."""

    def __init__(self, *, by: Actor | None, at: datetime, ident: UUID | None = None) -> None:
        self.id: UUID = ident or uuid7()
        self.at = at
        self.actor_id: int | None = by.pk if by is not None else None
        self.actor_kind = "user" if by is not None else "system"
        self._entries: list[AuditEntry] = []

    def record(
        self,
        action: str,
        obj: models.Model | None = None,
        *,
        school_id: int | None,
        object_type: str = "",
        object_id: object = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Add an entry. `action` is ``<thing>.<verb>``; `before`/`after` hold changed fields only.

        Fields named in `PERSONAL` are replaced by their fingerprint, except those of school objects (rooms,
        courses...), whose callers pass `after` under another key if they want a name in clear.
        """
        request = context.current()
        self._entries.append(
            AuditEntry(
                at=self.at,
                school_id=school_id,
                operation_id=self.id,
                actor_id=self.actor_id,
                actor_kind=self.actor_kind,
                action=action,
                object_type=object_type or (obj._meta.model_name if obj is not None else "") or "",
                object_id=str(object_id or (obj.pk if obj is not None else "")),
                before=plain(before),
                after=plain(after),
                reason=reason,
                ip=request.ip,
                request_id=request.request_id,
            )
        )

    def flush(self) -> None:
        """Write what was recorded so far."""
        entries, self._entries = self._entries, []
        if entries:
            _write(entries)


def _write(entries: list[AuditEntry]) -> None:
    if len(entries) > 500:
        copying.insert(entries)
    else:
        AuditEntry.objects.bulk_create(entries)


_current: ContextVar[Operation | None] = ContextVar("audit_operation", default=None)


@contextmanager
def operation(*, by: Actor | None, at: datetime, ident: UUID | None = None) -> Iterator[Operation]:
    """Everything recorded inside shares one operation_id; a service called by another joins its operation.

    Must be entered inside the transaction of the change: the entries are written when the block ends and
    vanish with a rollback. What takes several transactions gives the same `ident` to each. Raises RuntimeError
    outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit operation outside a transaction could outlive its change")
    running = _current.get()
    if running is not None:
        yield running
        return
    started = Operation(by=by, at=at, ident=ident)
    token = _current.set(started)
    try:
        yield started
        started.flush()
    finally:
        _current.reset(token)


def plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """JSON-safe copy with personal fields as keyed fingerprints."""
    if values is None:
        return None
    from core.crypto import fingerprint

    safe = {
        name: fingerprint(str(value)) if name in PERSONAL and value not in (None, "") else value
        for name, value in values.items()
    }
    return json.loads(json.dumps(safe, cls=DjangoJSONEncoder))


def difference(obj: models.Model, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(before, after) of those fields of `obj` that `changes` would really change; relations as their keys."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, new in changes.items():
        old = getattr(obj, name)
        if old == new:
            continue
        before[name] = _plain_key(old)
        after[name] = _plain_key(new)
    return before, after


class Changed(TypedDict):
    """What `Operation.record` takes of a change."""

    before: dict[str, Any]
    after: dict[str, Any]


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changed:
    """Of one thing described twice by the same names, what differs: ``before=`` and ``after=`` of `record`."""
    names = [name for name in after if before[name] != after[name]]
    return {
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
    }


def _plain_key(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value
