"""Choices of attendance."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    """What a student was in a session."""

    PRESENT = "present", _("Present")
    LATE = "late", _("Late")
    ABSENT = "absent", _("Absent")
    EXCUSED = "excused", _("Excused")


class Source(TextChoices):
    """How a mark came about. Offline is a transport, kept as a flag beside it."""

    QR = "qr", _("Code")
    BIOMETRIC = "biometric", _("Fingerprint or face")
    RFID = "rfid", _("Card")
    MANUAL = "manual", _("By hand")
    SYSTEM = "system", _("Automatic")


#: Who wins when two captures disagree: the higher number.
SOURCE_RANK: dict[str, int] = {
    Source.SYSTEM: 0,
    Source.QR: 1,
    Source.RFID: 2,
    Source.BIOMETRIC: 3,
    Source.MANUAL: 4,
}


class SessionStatus(TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    LOCKED = "locked", _("Locked")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    CANCELLED = "cancelled", _("Cancelled")
    VOID = "void", _("Void")

    @classmethod
    def counted(cls) -> list[str]:
        """Sessions whose records make percentages."""
        return [cls.CLOSED, cls.LOCKED]

    @classmethod
    def occupying(cls) -> list[str]:
        """Sessions that take a room and people's time."""
        return [cls.SCHEDULED, cls.OPEN, cls.CLOSED, cls.LOCKED, cls.UNCONFIRMED, cls.VOID]


class Weekday(IntegerChoices):
    """ISO weekdays."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class HolidayKind(TextChoices):
    PUBLIC = "public", _("Public holiday")
    ACADEMIC = "academic", _("Academic holiday")
    EXAM = "exam", _("Examination day")


class ExcusedCountsAs(TextChoices):
    EXCLUDE = "exclude", _("not counted")
    PRESENT = "present", _("counted as present")


class Band(TextChoices):
    CLEAR = "clear", _("clear")
    CONDONABLE = "condonable", _("condonable")
    SHORTAGE = "shortage", _("shortage")


class ResourceKind(TextChoices):
    """What a class takes for its time."""

    FACULTY = "faculty", _("faculty")
    ROOM = "room", _("room")
    COHORT = "cohort", _("cohort")
    SECTION = "section", _("section")


class LeaveKind(TextChoices):
    MEDICAL = "medical", _("Medical")
    CASUAL = "casual", _("Casual")
    ON_DUTY = "on_duty", _("On duty")
    OTHER = "other", _("Other")


class LeaveStatus(TextChoices):
    PENDING = "pending", _("Pending")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")
    REVOKED = "revoked", _("Revoked")

    @classmethod
    def standing(cls) -> list[str]:
        """Leaves that hold their days: nobody can apply for the same again."""
        return [cls.PENDING, cls.APPROVED]


class CorrectionStatus(TextChoices):
    PENDING = "pending", _("Pending")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")


class CondonationStatus(TextChoices):
    PENDING = "pending", _("Pending")
    RECOMMENDED = "recommended", _("Recommended")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")

    @classmethod
    def standing(cls) -> list[str]:
        """Of one student and course there is at most one such request in a term."""
        return [cls.PENDING, cls.RECOMMENDED, cls.APPROVED]


class DeviceKind(TextChoices):
    """What a reader looks at, and what a student is enrolled with."""

    FINGERPRINT = "fingerprint", _("Fingerprint")
    FACE = "face", _("Face")
    RFID = "rfid", _("Card")


class Direction(TextChoices):
    IN = "in", _("In")
    OUT = "out", _("Out")


class ReadingState(TextChoices):
    """What became of a reading; the unmatched ones are looked at again."""

    UNMATCHED = "unmatched", _("Unmatched")
    MATCHED = "matched", _("Matched")
    IGNORED = "ignored", _("Ignored")
    REJECTED = "rejected", _("Rejected")


class ReadingReason(TextChoices):
    """Why a reading is not matched."""

    UNKNOWN_PIN = "unknown_pin", _("The number is not assigned to a student.")
    UNKNOWN_CARD = "unknown_card", _("The card belongs to no student.")
    NO_SESSION = "no_session", _("The student has no class at that time.")
    NOT_OPEN = "session_not_open", _("The class has not been opened.")
    LOCKED = "session_locked", _("The class is locked.")
    BIOMETRIC_OFF = "biometric_disabled", _("The school does not use fingerprints and faces.")
    RFID_OFF = "rfid_disabled", _("The school does not use cards.")
    BAD_LINE = "line_malformed", _("The line has too few columns.")
    BAD_PIN = "pin_invalid", _("That is no number of a person.")
    BAD_TIME = "time_invalid", _("That is no date and time.")
    BAD_DIRECTION = "direction_invalid", _("That is neither in nor out.")


class ExportKind(TextChoices):
    """What can be taken out as a file."""

    RECORDS = "records", _("Records")
    REGISTER = "register", _("Month register")
    SUMMARY = "summary", _("Summary")
    SHORTAGE = "shortage", _("Shortage list")
    AUDIT = "audit", _("Audit trail")


class ExportFormat(TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", _("Excel (XLSX)")
    PDF = "pdf", "PDF"


class ExportState(TextChoices):
    """``queued → running → done → expired``; what is not done yet can be cancelled, and may fail."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")

    @classmethod
    def unfinished(cls) -> list[str]:
        return [cls.QUEUED, cls.RUNNING]
