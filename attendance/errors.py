"""Refusals of attendance."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from core import db
from core.errors import DomainError


class CodeInvalid(DomainError):
    code = "qr_invalid"
    message = _("That is not a code of this site. Scan the one on the classroom screen.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "token"), **kwargs)


class CodeExpired(DomainError):
    code = "qr_expired"
    message = _("That code is too old. Scan the one on the classroom screen now.")
    status = 410


class SessionNotOpen(DomainError):
    code = "session_not_open"
    message = _("This class is not open for attendance.")


class NotOnRoster(DomainError):
    code = "not_on_roster"
    message = _("You are not enrolled in this class. Ask the school office if you should be.")
    status = 403


class OutsideGeofence(DomainError):
    code = "outside_geofence"
    message = _("You seem to be outside the classroom. Go in and try again.")
    status = 403


class LocationRequired(DomainError):
    code = "location_required"
    message = _("This class checks where you are. Allow your location and try again.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "latitude"), **kwargs)


class DeviceRequired(DomainError):
    code = "device_required"
    message = _("Your device could not be recognised. Allow cookies, open the code again and repeat.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "device_id"), **kwargs)


class DeviceAlreadyUsed(DomainError):
    code = "device_already_used"
    message = _("This device has already marked somebody else in this class. Ask your lecturer to mark you.")


class StudentNotOnRoster(DomainError):
    """Marking by hand somebody who does not belong to the class."""

    code = "student_not_on_roster"
    message = _("{student} is not on the roster of this class.")
    status = 400


class DuplicateMark(DomainError):
    code = "duplicate_mark"
    message = _("{student} appears more than once in this request.")
    status = 400


class BulkRefused(DomainError):
    """An atomic bulk mark with bad rows: nothing was saved. `meta.failed` lists each of them."""

    code = "bulk_refused"
    message = _("Nothing was saved: {count} of the marks cannot be made.")
    status = 400


class NotMarkable(DomainError):
    code = "session_not_markable"
    message = _("Marks cannot be changed: the class is {state}.")


class SessionLocked(DomainError):
    code = "session_locked"
    message = _("This class is locked. Only an administrator can still change it, with a reason.")


class TooEarly(DomainError):
    code = "too_early"
    message = _("This class begins on {day} at {time}. It cannot be opened yet.")


class CodesNotOffered(DomainError):
    code = "qr_not_offered"
    message = _("This class does not take attendance by code.")


class OutsideTerm(DomainError):
    code = "outside_term"
    message = _("{day} lies in no term.")
    status = 400


class StudentsOnly(DomainError):
    code = "students_only"
    message = _("Codes are for students. You are signed in as somebody else.")
    status = 403


class Conflict(DomainError):
    """Somebody or something would be in two places at once; `meta.conflicts_with` names the others."""

    code = "conflict"
    message = _("{who} is already taken by {other}.")


class FacultyConflict(Conflict):
    code = "faculty_conflict"
    message = _("{who} already teaches {other}.")


class RoomConflict(Conflict):
    code = "room_conflict"
    message = _("Room {who} is already taken by {other}.")


class CohortConflict(Conflict):
    code = "cohort_conflict"
    message = _("{who} already has {other}.")


class HolidayExists(DomainError):
    code = "holiday_exists"
    message = _("{day} is already a holiday: {name}.")


class RangeTooLong(DomainError):
    code = "range_too_long"
    message = _("At most {days} days at a time.")
    status = 400


class NotScheduled(DomainError):
    """Time, room and people change only before a class begins."""

    code = "session_not_scheduled"
    message = _("Only a class that has not begun can be changed; this one is {state}.")


class DayIsFixed(DomainError):
    """A class of the timetable moves within its day: on another day the timetable would make it again."""

    code = "day_is_fixed"
    message = _("A class of the timetable stays on its day. Cancel it and hold an extra class instead.")


class FileTooLarge(DomainError):
    code = "file_too_large"
    message = _("The file may have {megabytes} MB at most.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "file"), **kwargs)


class FileTypeRefused(DomainError):
    code = "file_type_refused"
    message = _("Only PDF, JPEG and PNG files can be attached.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "file"), **kwargs)


class OwnRequest(DomainError):
    """Nobody decides what they asked for themselves."""

    code = "own_request"
    message = _("Somebody else has to decide this: you asked for it yourself.")
    status = 403


class NotTheirClass(DomainError):
    code = "not_their_class"
    message = _("One of these classes is not the student's, or not on {day}.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "sessions"), **kwargs)


class StudentNotNamed(DomainError):
    """Somebody who is no student asks for something without saying for whom."""

    code = "student_required"
    message = _("Say for which student.")
    status = 400

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "student"), **kwargs)


class LeaveOverlaps(DomainError):
    """`meta.leave` names the other one."""

    code = "leave_overlaps"
    message = _(
        "There is a leave from {first} to {last} already. Cancel that one first, or choose other days."
    )

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("first", "–")
        kwargs.setdefault("last", "–")
        super().__init__(**kwargs)


class CorrectionTooLate(DomainError):
    code = "correction_too_late"
    message = _("A correction can be asked for within {days} days of the class. Ask the school office.")


class NothingToCorrect(DomainError):
    """Asked for a correction while the class still takes marks and has none of this student."""

    code = "nothing_to_correct"
    message = _("You have no mark in this class yet. Wait until it is closed.")


class MarkStands(DomainError):
    """Asked for what is recorded already."""

    code = "mark_stands"
    message = _("Your mark in this class is “{status}” already.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "requested_status"), **kwargs)


class CorrectionOpen(DomainError):
    code = "correction_open"
    message = _("You have asked for a correction of this mark already. Wait for the answer or take it back.")


class NotCondonable(DomainError):
    """`meta` has the student's `percentage` and `band`, and the school's `floor` and `threshold`."""

    code = "not_condonable"
    message = _("Condonation is for a percentage from {floor} up to, but below, {threshold}.")


class CondonationExists(DomainError):
    code = "condonation_exists"
    message = _("You have asked for condonation in this course and term already.")


class RecommendationMissing(DomainError):
    code = "recommendation_missing"
    message = _("The head of department has not recommended this yet.")


class DeviceExists(DomainError):
    code = "device_exists"
    message = _("A reader with this serial number is registered already.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "serial"), **kwargs)


class DeviceInactive(DomainError):
    code = "device_inactive"
    message = _("This reader is switched off.")


class DeviceKeyInvalid(DomainError):
    code = "device_key_invalid"
    message = _("No reader has this key.")
    status = 401


class ConsentMissing(DomainError):
    """Nothing biometric is kept of somebody who has not agreed to it."""

    code = "consent_missing"
    message = _("The student has not agreed to biometric identification.")


class CardTaken(DomainError):
    code = "card_taken"
    message = _("This card belongs to another student.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attr=kwargs.pop("attr", "template"), **kwargs)


db.register(
    {
        "slot_no_clash": Conflict,
        "session_no_clash": Conflict,
        "holiday_once": HolidayExists,
        "record_one_device": DeviceAlreadyUsed,
        "leave_no_overlap": LeaveOverlaps,
        "leave_one_per_class": LeaveOverlaps,
        "correction_one_open": CorrectionOpen,
        "correction_reviewed_by_another": OwnRequest,
        "condonation_once": CondonationExists,
        "condonation_decided_by_another": OwnRequest,
        "condonation_recommended_by_another": OwnRequest,
        "device_serial_once": DeviceExists,
        "template_card_once": CardTaken,
    }
)


class RetentionUnderWay(DomainError):
    code = "retention_under_way"
    message = _("Retention is running already. Look at its evidence in a while.")


class ExportTooLarge(DomainError):
    """`meta` has `rows` (that there are, or that were counted until it was too much) and `most`."""

    code = "export_too_large"
    message = _("{format} files hold at most {most} rows here. Ask for less, or for CSV, which has no limit.")


class TooManyExports(DomainError):
    code = "too_many_exports"
    message = _("{most} of your exports are under way. Wait until one is done, or cancel one.")


class ExportNotReady(DomainError):
    """`meta` has the job's `state`."""

    code = "export_not_ready"
    message = _("This export has no file: it is {state}.")


class ExportExpired(DomainError):
    code = "export_expired"
    message = _("This file was deleted after {days} days. Ask for a new one.")
    status = 410


class ExportRightLost(DomainError):
    """What was exported is no longer all within the person's reach."""

    code = "export_right_lost"
    message = _("You may not see everything any more that is in this file. Ask for a new one.")
    status = 403


class ExportFailed(DomainError):
    """Something is wrong that the person can do nothing about; the log has it."""

    code = "export_failed"
    message = _(
        "Something went wrong on our side. Try again, and tell your school's office if it happens again."
    )
