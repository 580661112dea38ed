"""The numbers of a reader from a CSV file, as its own software exports them: ``pin,enrollment_no`` a line.

A line without enrollment number takes a number away. Numbers that the file does not name stay. All or nothing.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from academics.models import Student
from academics.services import numbers
from academics.services.imports import reading
from academics.services.imports.cells import Cells
from academics.services.imports.report import Report
from accounts.models import User
from attendance.iclock import PIN
from attendance.models import BiometricDevice
from attendance.services import devices

_COLUMNS = ("pin", "enrollment_no")
#: More than a reader keeps.
MOST = 10_000


@transaction.atomic
def import_pins(*, device: BiometricDevice, data: bytes, by: User, now: datetime) -> Report:
    """Say whom the reader's numbers mean; the report counts the changed ones, and names every bad cell."""
    report = Report(kind="pins")
    table = reading.read(data, report)
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing and table.columns:
        reason = _("These columns are missing: %(columns)s.") % {"columns": ", ".join(missing)}
        report.add(1, "", "", reason, code="columns")
    if len(table.rows) > MOST:
        report.add(1, "", "", _("At most %(most)s lines at a time.") % {"most": MOST}, code="too_many")
    if (report.problems and not table.rows) or missing or len(table.rows) > MOST:
        return report
    pins = _pins(table, device, report)
    if report.acceptable:
        outcome = devices.assign_pins(device=device, pins=pins, by=by, now=now)
        report.updated, report.unchanged = outcome.changed, len(pins) - outcome.changed
        report.imported = True
    return report


def _pins(table: reading.Table, device: BiometricDevice, report: Report) -> list[devices.Pin]:
    asked = {numbers.canonical(row.get("enrollment_no")) for row in table.rows}
    known = {
        student.enrollment_no: student
        for student in Student.objects.filter(school=device.school_id, enrollment_no__in=asked)
    }
    first: dict[str, int] = {}
    found: list[devices.Pin] = []
    for row in table.rows:
        cells = Cells(row, report)
        pin, number = cells.required("pin"), numbers.canonical(row.get("enrollment_no"))
        if pin and not PIN.fullmatch(pin):
            cells.refuse("pin", _("Expected at most 24 letters and digits."))
        elif pin in first:
            reason = _("This number stands in line %(line)s already.") % {"line": first[pin]}
            cells.refuse("pin", reason, code="duplicate")
        if number and number not in known:
            cells.refuse("enrollment_no", _("There is no student with this number."), code="unknown")
        if cells.good:
            first[pin] = row.line
            found.append(devices.Pin(pin, known[number] if number else None))
    return found
