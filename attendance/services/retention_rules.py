"""When data has been kept for long enough, and what of it a legal hold keeps all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import School
from attendance.models import AttendanceConfiguration

#: Of the audit trail, in years beyond the longest rule of any school: a record of December is corrected, and an old
#: year retired, in the year that follows, so what tells of records outlives them.
AUDIT_LONGER = 1


@dataclass(frozen=True, slots=True)
class Part:
    """What there is to do about one year of one table: rows that go, and rows that stay under legal hold.

    `whole` years are dropped with their partition, whoever the rows belong to; `school_id` is null where nobody asks.
    `kept` says why nothing of it goes yet (``legal_hold``, ``unsealed``); empty when it goes.
    """

    table: str
    year: int
    school_id: int | None
    rows: int
    held: int
    whole: bool = False
    kept: str = ""


class Rules:
    """The last expired year, by school: its 31 December lies longer ago, on the school's clock, than data is kept."""

    def __init__(self, now: datetime) -> None:
        default = AttendanceConfiguration._meta.get_field("attendance_data_retention_years").default
        schools = School.objects.select_related("attendance_configuration")
        kept = dict(
            AttendanceConfiguration.objects.values_list("school_id", "attendance_data_retention_years")
        )
        self.last = {
            school.pk: school.local_date(now).year - kept.get(school.pk, default) - 1 for school in schools
        }

    @property
    def shared(self) -> int:
        """Up to this year partitions go as a whole: the longest rule wins. 0 where there is no school."""
        return min(self.last.values(), default=0)

    @property
    def audit(self) -> int:
        """The same of the audit trail."""
        return self.shared - AUDIT_LONGER

    def expired(self, year: int) -> list[int]:
        """The schools (ids) whose data of that year has been kept for long enough."""
        return sorted(school for school, last in self.last.items() if year <= last)
