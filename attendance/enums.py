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


#: What people and machines capture; what the system assumes nobody can say.
CAPTURED_BY = [(value, label) for value, label in Source.choices if value != Source.SYSTEM]

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
    def correctable(cls) -> list[str]:
        """Sessions of which a mark that stands may be said to be wrong: they count, or still take marks."""
        return [*cls.counted(), cls.OPEN, cls.UNCONFIRMED]

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

    @classmethod
    def undecided(cls) -> list[str]:
        """Those on which the office has not said its word."""
        return [cls.PENDING, cls.RECOMMENDED]


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


class AnomalyKind(TextChoices):
    """What somebody should look at; the worst first."""

    SHARED_DEVICE = "shared_device", _("One phone, several students")
    IMPOSSIBLE_DISTANCE = "impossible_distance", _("Too far apart for the time between")
    OUTSIDE = "outside", _("Scanned from outside")
    DEVICE_REFUSED = "device_refused", _("Tried with somebody else's phone")
    AFTER_CLOSE = "after_close", _("A burst after the class closed")
    LATE_BURST = "late_burst", _("A burst of late scans")
    EDGE = "edge", _("Inside only by the phone's inaccuracy")
    INACCURATE = "inaccurate", _("The phone hardly knew where it was")


class RefusedCode(TextChoices):
    """Refusals of scans that leave a trace."""

    OUTSIDE = "outside_geofence", _("Outside the classroom")
    DEVICE_USED = "device_already_used", _("The device was used by another student")
    NOT_OPEN = "session_not_open", _("The class was closed")


class SyncOutcome(TextChoices):
    """What became of a mark that was made without network."""

    CREATED = "created", _("Taken")
    UPDATED = "updated", _("Changed the mark")
    DUPLICATE = "duplicate", _("Nothing to change")
    CONFLICT = "conflict", _("To be decided")
    REJECTED = "rejected", _("Refused")


class SyncCode(TextChoices):
    """Why a mark that was made without network is refused. All of them are kept."""

    NOT_FOUND = "not_found", _("There is no such class.")
    FORBIDDEN = "permission_denied", _("The class is run by others.")
    NOT_ON_ROSTER = "student_not_on_roster", _("The student is not on the roster of this class.")
    IN_FUTURE = "captured_in_future", _("By the clock of the device it has not been made yet.")
    OUTSIDE_WINDOW = "outside_capture_window", _("It was not made while the class took attendance.")
    TOO_LATE = "uploaded_too_late", _("It was uploaded too long after it had been made.")
    NOT_MARKABLE = "session_not_markable", _("The class takes no marks.")
    LOCKED = "session_locked", _("The class is locked.")
    OUTRANKED = "outranked", _("A better source says something else.")
    SUPERSEDED = "superseded", _("A later mark took its place.")
    REUSED = "client_id_reused", _("Its id was used for another mark.")
    QR_OFF = "qr_not_offered", _("The class does not take attendance by code.")
    BIOMETRIC_OFF = "biometric_disabled", _("The school does not use fingerprints and faces.")
    RFID_OFF = "rfid_disabled", _("The school does not use cards.")


class Keep(TextChoices):
    """How a conflict was decided."""

    EXISTING = "existing", _("Kept the mark that stood")
    INCOMING = "incoming", _("Took the mark made without network")


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
