"""What is kept and for how long, in words for people: the rules are those of `services.retention_rules`."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of data; `years` is the number of years for which it is kept, None where `rule` says something else."""

    name: str | Promise
    rule: str | Promise
    years: int | None = None


def data_classes(*, records: int, trail: int) -> list[DataClass]:
    """All of them; `records` and `trail` are years after the end of the year that they are of."""
    return [
        DataClass(_("Marks and classes"), _("dropped as whole years"), records),
        DataClass(
            _("Leave, corrections, condonation, with their files"),
            _("by the last day they are about"),
            records,
        ),
        DataClass(_("What readers told, refused scans"), _("by the day"), records),
        DataClass(_("Audit trail"), _("a year longer than the longest rule of any school"), trail),
        DataClass(_("Fingerprints, faces, cards"), _("until the consent is withdrawn")),
        DataClass(_("Percentages, timetable, people"), _("as long as the school keeps its students")),
        DataClass(_("Evidence of what went"), _("for ever: it names nobody")),
    ]


TABLES: dict[str, str | Promise] = {
    "attendance_record": _("Marks"),
    "attendance_record_held": _("Marks that a hold had kept"),
    "attendance_audit_log": _("Audit trail"),
    "attendance_session": _("Classes"),
    "attendance_device_event": _("Readings"),
    "attendance_refused_scan": _("Refused scans"),
    "attendance_correction_request": _("Corrections"),
    "attendance_condonation_request": _("Condonation"),
    "attendance_leave_application": _("Leave"),
}
