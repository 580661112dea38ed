"""Uploads of what was marked without network."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from academics.api.fields import IdField
from attendance.api.fields import FIRST_DAY, LAST_DAY
from attendance.enums import CAPTURED_BY, Source, Status, SyncCode, SyncOutcome
from attendance.services.offline import Entry, Upload

MAX_ENTRIES = 1000
_MAX_STUDENT, _MAX_INSTANT, _MAX_DEVICE = 30, 40, 200
#: A machine sees who is there, and when.
_CAPTURED = {None, Status.PRESENT.value, Status.LATE.value}


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantField(serializers.Field):
    """A moment with its offset, which a time without one is not."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            return _instant(data)
        except ValueError:
            raise ValidationError(_instant_problem()) from None

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class EntryInputSerializer(serializers.Serializer):
    """A mark made without network, under an id that the device gave it."""

    client_id = serializers.UUIDField(
        help_text="A new UUID for each mark, also for another mark of one student."
    )
    session = serializers.UUIDField()
    student = serializers.CharField(max_length=_MAX_STUDENT, help_text="Enrollment number.")
    status = serializers.ChoiceField(
        choices=Status.choices,
        allow_null=True,
        required=False,
        help_text="By hand it must be there; null takes the mark away. Of other sources it may be left out or null: "
        "then the time of capture says whether it is present or late.",
    )
    source = serializers.ChoiceField(choices=CAPTURED_BY)  # type: ignore[assignment] # a field, taken out of the class
    captured_at = serializers.DateTimeField(help_text="By the clock of the device, with its offset.")


@extend_schema_field(EntryInputSerializer(many=True))
class EntriesField(serializers.Field):
    """Up to `MAX_ENTRIES` entries, read in one pass."""

    def to_internal_value(self, data: Any) -> list[Entry]:
        if not isinstance(data, list):
            raise _wrong(_("A list of marks is expected."), "not_a_list")
        if not data:
            raise _wrong(_("Send at least one mark."), "empty")
        if len(data) > MAX_ENTRIES:
            raise _wrong(_("Send at most {n} marks at a time.").format(n=MAX_ENTRIES), "max_length")
        entries, problems = [], {}
        for index, row in enumerate(data):
            try:
                entries.append(_entry(row))
            except ValidationError as error:
                problems[str(index)] = error.detail
        if problems:
            raise ValidationError(problems)
        return entries

    def to_representation(self, value: list[Entry]) -> list[dict[str, Any]]:
        return [
            {
                "client_id": str(entry.client_id),
                "session": str(entry.session),
                "student": entry.student,
                "status": entry.status,
                "source": entry.source,
                "captured_at": entry.captured_at.isoformat(),
            }
            for entry in value
        ]


class UploadSerializer(serializers.Serializer):
    """What a device has waiting, of one class or of several."""

    batch_id = IdField(help_text="A UUID that the device gives this upload; the same when it is sent again.")
    device_id = serializers.CharField(max_length=_MAX_DEVICE, help_text="A name this device keeps.")
    client_now = InstantField(
        help_text="What the clock of the device says when this is sent, with its offset."
    )
    entries = EntriesField(help_text=f"1 to {MAX_ENTRIES} of them.")

    def upload(self) -> Upload:
        return Upload(**self.validated_data)


class EntryResultSerializer(serializers.Serializer):
    """What became of one entry. `record` and `status` are what stands now, null where there is no mark."""

    client_id = serializers.UUIDField(read_only=True)
    outcome = serializers.ChoiceField(choices=SyncOutcome.choices, read_only=True)
    code = serializers.ChoiceField(
        choices=SyncCode.choices, required=False, help_text="Only of what is rejected."
    )
    detail = serializers.CharField(
        required=False, help_text="The code in words, in the language of the person."
    )
    record = serializers.UUIDField(read_only=True, allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True, allow_null=True)
    conflict = serializers.UUIDField(
        required=False, help_text="Only of a conflict: its id in `sync-conflicts/`."
    )


class SyncAnswerSerializer(serializers.Serializer):
    results = EntryResultSerializer(many=True, read_only=True, help_text="In the order of the entries.")


def _entry(row: Any) -> Entry:
    """One entry. Raises ValidationError by field."""
    if not isinstance(row, dict):
        raise _wrong(
            _("An object with client_id, session, student, source and captured_at is expected."), "invalid"
        )
    problems: dict[str, list[ErrorDetail]] = {}
    values: dict[str, Any] = {}
    for name, read in _FIELDS.items():
        try:
            values[name] = read(row[name])
        except KeyError:
            problems[name] = [ErrorDetail(_("This field is required."), code="required")]
        except ValidationError as error:
            problems[name] = error.detail  # type: ignore[assignment] # a list of one
    source = values.get("source")
    if "status" not in row and source == Source.MANUAL:
        problems["status"] = [ErrorDetail(_("This field is required."), code="required")]
    try:
        values["status"] = _status(row.get("status"), source)
    except ValidationError as error:
        problems["status"] = error.detail  # type: ignore[assignment] # a list of one
    if problems:
        raise ValidationError(problems)
    return Entry(**values)


def _uuid(value: Any) -> UUID:
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise _wrong(_("Must be a valid UUID."), "null" if value is None else "invalid")


def _student(value: Any) -> str:
    text = _text(value).strip()
    if not text:
        raise _wrong(_("This field may not be blank."), "blank")
    if len(text) > _MAX_STUDENT:
        raise _wrong(_("At most {n} characters.").format(n=_MAX_STUDENT), "max_length")
    return text


def _source(value: Any) -> str:
    text = _text(value)
    if text not in dict(CAPTURED_BY):
        raise _wrong(_("There is no such source."), "invalid_choice")
    return text


def _status(value: Any, source: str | None) -> str | None:
    if value is not None and _text(value) not in Status.values:
        raise _wrong(_("There is no such status."), "invalid_choice")
    if source not in {None, Source.MANUAL} and value not in _CAPTURED:
        raise _wrong(_("A machine captures who is present or late."), "invalid_choice")
    return None if value is None else str(value)


def _captured_at(value: Any) -> datetime:
    try:
        return _instant(value)
    except ValueError:
        raise ValidationError([_instant_problem()]) from None


_FIELDS = {
    "client_id": _uuid,
    "session": _uuid,
    "student": _student,
    "source": _source,
    "captured_at": _captured_at,
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(_("A text is expected."), "null" if value is None else "invalid")
    return value


def _instant(value: Any) -> datetime:
    """Raises ValueError for what is no moment, has no offset, or lies in years in which no classes are held."""
    if not isinstance(value, str) or len(value) > _MAX_INSTANT:
        raise ValueError(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not FIRST_DAY < moment.date() < LAST_DAY:
        raise ValueError(value)
    return moment


def _instant_problem() -> ErrorDetail:
    return ErrorDetail(
        _("Send date and time with the offset, such as 2026-11-03T09:00:00+05:30."), code="invalid"
    )


def _wrong(detail: str, code: str) -> ValidationError:
    return ValidationError([ErrorDetail(detail, code=code)])
