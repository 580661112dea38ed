"""The audit trail as people read it: one operation with its entries, latest first, page by page.

Entries of one operation are told together and at one instant, so that they lie side by side in the index by school
and time. A page ends between two operations; a cursor names the last entry that it showed.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from django.apps import apps
from django.db import connection
from django.db.models import F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from academics.models import Section, Student
from accounts.models import School, User
from attendance.models import AttendanceRecord, Session
from audit import jobs
from audit.models import AuditEntry, AuditSeal
from core.errors import Invalid
from core.models import TaskHealth

#: Entries that a page reads, operations that it shows, entries of each before it says how many more there are.
_READ, OPERATIONS, SHOWN = 300, 25, 8
_MOST_ACTORS = 50
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_FINGERPRINT = re.compile(r"fp:[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an entry. A personal value is known by its fingerprint alone."""

    name: str
    before: str
    after: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One entry: what was done to which kind of thing, which one (`label`, where it is known), and what changed."""

    entry: AuditEntry
    thing: str
    label: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Operation:
    """What one person or task did in one go: `entries` in all, of which the first are in `told`."""

    id: UUID
    at: datetime
    actor: str
    username: str
    actor_kind: str
    reason: str
    entries: int
    told: list[Told]


@dataclass(frozen=True, slots=True)
class Page:
    operations: list[Operation]
    #: For the page after it; empty where this is the last.
    cursor: str


@dataclass(frozen=True, slots=True)
class Seals:
    """How far the trail is sealed, and what the last check of it said."""

    last: AuditSeal | None
    unsealed: int
    verified_at: datetime | None
    broken: str


def matching(
    school: School,
    *,
    object_type: str = "",
    object_id: str = "",
    actor: str = "",
    action: str = "",
    operation: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """The school's entries of these. A student is named by the enrollment number, a person by the user name.

    `actor` is a part of a name, a user name, or ``system``; `action` its beginning, such as ``record.``.
    """
    found = AuditEntry.objects.filter(school_id=school.pk)
    if object_type:
        found = found.filter(object_type=object_type)
    if object_id:
        found = found.filter(object_id=_key_of(school, object_type, object_id))
    if actor == "system":
        found = found.filter(actor_kind="system")
    elif actor:
        people = User.objects.filter(
            Q(username__iexact=actor) | Q(full_name__icontains=actor), Q(school=school) | Q(school=None)
        )
        # Numbers, not a sub-query: the partitions' indexes are chosen by them.
        found = found.filter(actor_id__in=list(people.values_list("pk", flat=True)[:_MOST_ACTORS]))
    if action:
        found = found.filter(action__startswith=action)
    if operation is not None:
        found = found.filter(operation_id=operation)
    if since is not None:
        found = found.filter(at__gte=since)
    return found if until is None else found.filter(at__lt=until)


def page_of(found: QuerySet[AuditEntry], *, cursor: str = "", school: School) -> Page:
    """The operations after the cursor, latest first. Raises Invalid for a cursor that is none of ours.

    At most six queries, whatever is shown.
    """
    rows = found.order_by("-at", "-id")
    if cursor:
        at, ident, operation = _decode(cursor)
        # What was left of the last operation was counted there; what it told in other transactions was not.
        rows = rows.filter(TupleLessThan(Tuple(F("at"), F("id")), (at, ident))).exclude(
            operation_id=operation, at=at
        )
    read = list(rows[: _READ + 1])
    more, read = len(read) > _READ, read[:_READ]
    groups = [list(group) for _id, group in groupby(read, key=lambda entry: entry.operation_id)]
    shown = groups[:OPERATIONS]
    if not shown:
        return Page([], "")
    rest = 0
    if more and len(groups) <= OPERATIONS:
        # The last one may go on beyond what was read.
        edge = shown[-1][-1]
        rest = found.filter(at=edge.at, operation_id=edge.operation_id, id__lt=edge.pk).count()
    further = more or len(groups) > OPERATIONS
    names = _Names(school, [entry for group in shown for entry in group])
    operations = [
        names.operation(group, len(group) + (rest if number == len(shown) - 1 else 0))
        for number, group in enumerate(shown)
    ]
    return Page(operations, _encode(shown[-1][-1]) if further else "")


def seals() -> Seals:
    """The state of the whole trail. Three queries."""
    last = AuditSeal.objects.defer("manifest").order_by("-pk").first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM attendance_audit_log WHERE xid >= %s::text::xid8",
            [str(last.upto_xid if last else 0)],
        )
        (unsealed,) = cursor.fetchone() or (0,)
    health = TaskHealth.objects.filter(pk=jobs.VERIFY).first()
    if health is None:
        return Seals(last, unsealed, None, "")
    failed = health.failed_at is not None and (
        health.succeeded_at is None or health.failed_at > health.succeeded_at
    )
    return Seals(last, unsealed, health.succeeded_at, health.error if failed else "")


def _key_of(school: School, object_type: str, text: str) -> str:
    """What stands in the trail for what people call an object."""
    pk: object | None = None
    if object_type == Student._meta.model_name:
        pk = (
            Student.objects.filter(school=school, enrollment_no=text.upper())
            .values_list("pk", flat=True)
            .first()
        )
    elif object_type == User._meta.model_name:
        pk = User.objects.filter(school=school, username=text.lower()).values_list("pk", flat=True).first()
    return text if pk is None else str(pk)


class _Names:
    """Who acted and what was acted upon, in words: one query for each kind of thing that the page shows."""

    def __init__(self, school: School, entries: Sequence[AuditEntry]) -> None:
        by_type: dict[str, set[str]] = {}
        for entry in entries:
            by_type.setdefault(entry.object_type, set()).add(entry.object_id)
        people = {entry.actor_id for entry in entries if entry.actor_id}
        people |= {int(pk) for pk in by_type.get("user", ()) if pk.isdigit()}
        self._people = User.objects.in_bulk(people) if people else {}
        self._labels: dict[tuple[str, str], str] = {}
        for kind, load in (("student", _students), ("session", _sessions), ("attendancerecord", _records)):
            if kind in by_type:
                for pk, label in load(school, by_type[kind]):
                    self._labels[kind, str(pk)] = label
        for pk, user in self._people.items():
            self._labels["user", str(pk)] = user.full_name

    def operation(self, group: list[AuditEntry], entries: int) -> Operation:
        first = group[-1]
        user = self._people.get(first.actor_id or 0)
        return Operation(
            id=first.operation_id,
            at=first.at,
            actor=user.full_name or user.username if user else "",
            username=user.username if user else "",
            actor_kind=first.actor_kind,
            reason=next((entry.reason for entry in group if entry.reason), ""),
            entries=entries,
            told=[
                Told(
                    entry,
                    thing_of(entry.object_type),
                    self._labels.get((entry.object_type, entry.object_id), ""),
                    changes_of(entry),
                )
                for entry in reversed(group[-SHOWN:])
            ],
        )


def _students(school: School, keys: Iterable[str]) -> Iterable[tuple[object, str]]:
    numbers = [int(key) for key in keys if key.isdigit()]
    found = Student.objects.filter(school=school, pk__in=numbers)
    for pk, number, name in found.values_list("pk", "enrollment_no", "user__full_name"):
        yield pk, f"{name} ({number})"


def _sessions(school: School, keys: Iterable[str]) -> Iterable[tuple[object, str]]:
    title = (
        Section.objects.filter(sessions=OuterRef("pk")).order_by("course__code").values("course__title")[:1]
    )
    found = Session.objects.filter(school=school, pk__in=_uuids(keys)).annotate(title=Subquery(title))
    for pk, name, starts_at in found.values_list("pk", "title", "starts_at"):
        yield pk, f"{name or '–'}, {_when(starts_at)}"


def _records(school: School, keys: Iterable[str]) -> Iterable[tuple[object, str]]:
    found = AttendanceRecord.objects.filter(school=school, pk__in=_uuids(keys))
    for pk, number, name, title, starts_at in found.values_list(
        "pk",
        "student__enrollment_no",
        "student__user__full_name",
        "section__course__title",
        "session__starts_at",
    ):
        yield pk, f"{name} ({number}), {title}, {_when(starts_at)}"


@cache
def _models() -> dict[str, type[Model]]:
    return {str(model._meta.model_name): model for model in apps.get_models()}


def thing_of(object_type: str) -> str:
    """What people call such an object; of a table that went, its own name."""
    model = _models().get(object_type)
    return object_type if model is None else str(model._meta.verbose_name)


def changes_of(entry: AuditEntry) -> list[Change]:
    """What an entry says, field by field."""
    before, after = entry.before or {}, entry.after or {}
    found = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        personal = any(isinstance(value, str) and _FINGERPRINT.fullmatch(value) for value in (old, new))
        found.append(Change(name.replace("_", " "), _shown(old), _shown(new), personal))
    return found


def _shown(value: Any) -> str:
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and _INSTANT.match(value):
        try:
            return _when(datetime.fromisoformat(value))
        except ValueError:
            return value
    if isinstance(value, str) and _FINGERPRINT.fullmatch(value):
        return value[:11]
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(item)}" for name, item in value.items())
    return str(value)


def _when(instant: datetime) -> str:
    if timezone.is_aware(instant):
        instant = timezone.localtime(instant)
    return date_format(instant, "j M Y, H:i")


def _uuids(keys: Iterable[str]) -> list[UUID]:
    found = []
    for key in keys:
        try:
            found.append(UUID(key))
        except ValueError:
            continue
    return found


def _encode(entry: AuditEntry) -> str:
    raw = orjson.dumps([entry.at, entry.pk, entry.operation_id])
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID, UUID]:
    """Raises Invalid."""
    try:
        at, ident, operation = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("without a zone")
        return instant, UUID(ident), UUID(operation)
    except (ValueError, TypeError, AttributeError):
        raise Invalid(attr="cursor", detail=_("Use the links of the page to get to another one.")) from None
